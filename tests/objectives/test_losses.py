import math

import pytest
import torch

from pellucid.objectives.losses import balanced_l1, balanced_l2, charbonnier, l1

CLEAN = torch.zeros(2, 1, 4, 4)


def test_l1_is_the_mean_absolute_error():
    assert l1(CLEAN + torch.tensor([0.1, -0.3]).view(2, 1, 1, 1), CLEAN).item() == pytest.approx(
        0.2
    )


def test_charbonnier_is_l1_far_from_zero_and_epsilon_at_zero():
    assert charbonnier(CLEAN + 0.5, CLEAN).item() == pytest.approx(0.5, abs=1e-5)
    assert charbonnier(CLEAN, CLEAN).item() == pytest.approx(1e-3)


def test_balanced_l1_counts_each_picture_relative_to_itself():
    errors = torch.tensor([0.1, 0.001]).view(2, 1, 1, 1).requires_grad_()
    loss = balanced_l1(CLEAN + errors, CLEAN)
    assert loss.item() == pytest.approx((math.log(0.1) + math.log(0.001)) / 2, abs=1e-2)
    (gradient,) = torch.autograd.grad(loss, errors)
    relative = (gradient * errors).flatten()
    torch.testing.assert_close(relative, torch.tensor([0.5, 0.5]), atol=1e-2, rtol=0)


def test_balanced_l2_falls_with_the_mean_psnr():
    restored = CLEAN + torch.tensor([0.1, 0.01]).view(2, 1, 1, 1)
    mean_psnr = (20 + 40) / 2
    assert balanced_l2(restored, CLEAN).item() == pytest.approx(
        -mean_psnr * math.log(10) / 20, abs=1e-4
    )
