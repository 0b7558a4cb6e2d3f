"""NIQE: its statistics, its model, and what it prefers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import gennorm

from pellucid.errors import PellucidError
from pellucid.metrics.niqe import Niqe, _shape_and_sides, block_statistics


def textured(seed: int, size: int = 200) -> torch.Tensor:
    """Noise of all scales, whose spectrum falls as that of photographs."""
    stream = np.random.RandomState(seed)
    y, x = (np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    spectrum = np.fft.fft2(stream.normal(size=(3, size, size))) / (np.hypot(y, x) + 1 / size)
    picture = np.fft.ifft2(spectrum).real
    picture = 0.5 + 0.18 * (picture - picture.mean()) / picture.std()
    return torch.from_numpy(picture).float().clamp(0, 1)


@pytest.mark.parametrize("shape", [0.8, 1.0, 2.0])
def test_the_shape_of_a_distribution_is_found(shape):
    values = gennorm.rvs(shape, size=(1, 200, 200), random_state=0)
    found, left, right = _shape_and_sides(torch.from_numpy(values))
    assert found.item() == pytest.approx(shape, rel=0.05)
    assert left.item() == pytest.approx(1, rel=0.05) and right.item() == pytest.approx(1, rel=0.05)


def test_each_block_has_36_statistics():
    statistics, detail = block_statistics(textured(0, 210))
    assert statistics.shape == (4, 36) and detail.shape == (4,) and statistics.isfinite().all()


def test_a_model_is_fitted_kept_and_prefers_what_it_was_fitted_to(tmp_path):
    model = Niqe.fit(textured(seed, 400) for seed in range(6))
    model.save(tmp_path / "niqe.safetensors")
    again = Niqe.load(tmp_path / "niqe.safetensors")
    picture = textured(9)
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    blurred = F.avg_pool2d(picture, 7, 1, 3, count_include_pad=False)
    scores = [again(each) for each in (picture, picture + 0.1 * noise, blurred)]
    assert scores[0] == model(picture) and scores[0] < min(scores[1:])


def test_the_shipped_model_prefers_clean_pictures():
    model, picture = Niqe.load(), textured(3)
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    assert model.mean.shape == (36,) and torch.linalg.eigvalsh(model.covariance).min() > 0
    assert model(picture) < model((picture + 0.1 * noise).clamp(0, 1))
    assert math.isnan(model(picture[:, :95])) and math.isnan(model(torch.zeros(3, 100, 100)))


def test_too_few_blocks_are_refused():
    with pytest.raises(PellucidError, match="got .* sharp blocks of 96x96; expected 37 or more"):
        Niqe.fit([textured(0)])
