import pytest
import torch

from pellucid.color import decode, encode
from pellucid.data.blur import MotionBlur, blurred, unclipped
from pellucid.data.kernels import CameraShake, LinearMotion

QUIET = {"shot": (0.0, 0.0), "read": (0.0, 0.0)}


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


def test_blur_keeps_flat_pictures_and_the_light_of_all():
    blur = MotionBlur(CameraShake(), (1.0, 1.0), **QUIET)
    flat = torch.full((3, 20, 30), 0.4)
    torch.testing.assert_close(blur(flat, of_seed(0)), flat, atol=1e-5, rtol=0)
    scene = torch.zeros(3, 90, 90)
    scene[:, 35:55, 35:55] = torch.rand(3, 20, 20, generator=of_seed(1))
    light, before = decode(blur(scene, of_seed(0)), "srgb"), decode(scene, "srgb")
    torch.testing.assert_close(light.sum((1, 2)), before.sum((1, 2)), atol=0, rtol=1e-4)
    assert (blur(scene, of_seed(0)) - scene).abs().max() > 0.1


def test_light_is_blurred_not_display_values():
    scene = torch.zeros(3, 9, 9)
    scene[:, 4] = 0.8
    vertical = LinearMotion((4.0, 4.0), (90.0, 90.0))
    row = MotionBlur(vertical, (1.0, 1.0), **QUIET)(scene, of_seed(0))[0, 4, 4]
    middle = vertical.kernel(of_seed(0)).sum(1).amax()
    expected = encode(middle * decode(torch.tensor(0.8), "srgb"), "srgb")
    assert row.item() == pytest.approx(expected.item(), abs=1e-4)


def test_blur_is_a_convolution():
    point = torch.zeros(1, 9, 9)
    point[0, 4, 4] = 1
    kernel = torch.rand(5, 5, generator=of_seed(0))
    torch.testing.assert_close(blurred(point, kernel)[0, 2:7, 2:7], kernel)


def test_highlights_leave_bright_traces():
    lamp = torch.zeros(3, 41, 41)
    lamp[:, 20, 20] = 1
    moved = LinearMotion((10.0, 10.0))
    plain, lit = (
        MotionBlur(moved, (bright, bright), **QUIET)(lamp, of_seed(0)) for bright in (1.0, 8.0)
    )
    assert decode(lit, "srgb").sum() > 6 * decode(plain, "srgb").sum() and lit.max() <= 1


def test_only_white_was_clipped():
    light = torch.tensor([[0.5, 1.0, 1.0], [0.2, 1.0, 0.3], [0.89, 1.0, 1.0]])[..., None]
    torch.testing.assert_close(unclipped(light, 3.0)[:, 0], light[:, 0])
    torch.testing.assert_close(unclipped(light, 3.0)[:, 1], 3 * light[:, 1])
    torch.testing.assert_close(unclipped(light, 3.0)[:, 2], light[:, 2])


def test_noise_comes_after_the_blur_with_the_asked_variance():
    grey = encode(torch.tensor(0.3), "srgb").expand(3, 150, 150)
    noisy = MotionBlur(CameraShake(), shot=(1e-3, 1e-3), read=(1e-5, 1e-5))(grey, of_seed(0))
    light = decode(noisy, "srgb")
    expected, n = 1e-3 * 0.3 + 1e-5, light.numel()
    assert light.mean().item() == pytest.approx(0.3, abs=4 * (expected / n) ** 0.5)
    assert light.var().item() == pytest.approx(expected, rel=4 * (2 / n) ** 0.5)
    neighbours = ((light - 0.3)[..., 1:] * (light - 0.3)[..., :-1]).mean() / expected
    assert abs(neighbours) < 4 / n**0.5


def test_the_margin_is_what_most_kernels_reach():
    blur = MotionBlur(CameraShake())
    inside = [
        kernel.shape[0] // 2 <= blur.margin + 4
        for kernel in (CameraShake().kernel(of_seed(seed)) for seed in range(50))
    ]
    assert sum(inside) >= 45
