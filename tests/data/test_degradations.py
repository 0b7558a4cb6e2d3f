import pytest
import torch

from pellucid.data.blur import MotionBlur
from pellucid.data.camera_noise import CameraNoise
from pellucid.data.degradations import GaussianNoise
from pellucid.data.kernels import CameraShake, LinearMotion
from pellucid.data.rain import HEAVY_RAIN, Rain
from pellucid.noise_laws import EldLaw

ALL = {
    "gaussian": GaussianNoise(sigma=(5.0, 50.0)),
    "rain": Rain(),
    "heavy rain": HEAVY_RAIN,
    "shake": MotionBlur(CameraShake()),
    "linear": MotionBlur(LinearMotion(length=(5.0, 20.0))),
    "camera": CameraNoise(),
    "eld": CameraNoise(EldLaw(), row=(0.0, 1.0)),
}
NOTHING = {
    "gaussian": GaussianNoise(sigma=(0.0, 0.0)),
    "rain": Rain(strength=(0.0, 0.0), veil=(0.0, 0.0)),
    "no drops": Rain(density=(0.0, 0.0), veil=(0.0, 0.0)),
    "added rain": Rain(strength=(0.0, 0.0), veil=(0.0, 0.0), blend="add"),
    "blur": MotionBlur(LinearMotion(length=(0.0, 0.0)), (1.0, 1.0), (0.0, 0.0), (0.0, 0.0)),
}


def picture(height=40, width=60, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ALL)
def test_all_chance_is_the_generators(name):
    clean, degradation = picture(), ALL[name]
    first = degradation(clean, of_seed(1))
    torch.manual_seed(5)
    assert torch.equal(first, degradation(clean, of_seed(1)))
    assert not torch.equal(first, degradation(clean, of_seed(2)))
    assert torch.equal(clean, picture()), "the clean picture was changed in place"


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (17, 9), (300, 40)])
def test_pictures_of_any_size_keep_it(name, size):
    degraded = ALL[name](picture(*size), of_seed(0))
    assert degraded.shape == (3, *size) and degraded.dtype == torch.float32
    assert degraded.isfinite().all()
    assert name == "gaussian" or (0 <= degraded.min() and degraded.max() <= 1)


@pytest.mark.parametrize("name", NOTHING)
def test_without_strength_the_picture_stays(name):
    clean = picture()
    torch.testing.assert_close(NOTHING[name](clean, of_seed(0)), clean, atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", ["gaussian", "rain", "heavy rain", "linear"])
def test_nothing_beyond_the_margin_shows(name):
    margin = ALL[name].margin
    clean, inside = picture(60, 60), slice(20, 40)
    other = picture(60, 60, seed=1)
    near = slice(20 - margin, 40 + margin)
    other[:, near, near] = clean[:, near, near]
    degraded, changed = (ALL[name](each, of_seed(3)) for each in (clean, other))
    assert not torch.equal(degraded, changed)
    torch.testing.assert_close(degraded[:, inside, inside], changed[:, inside, inside])


def test_gaussian_noise_has_the_moments_it_is_asked_for():
    clean = picture(200, 200)
    noise = GaussianNoise(sigma=(25.0, 25.0))(clean, of_seed(0)) - clean
    n, sigma = noise.numel(), 25 / 255
    assert abs(noise.mean().item()) < 4 * sigma / n**0.5
    assert noise.var().item() == pytest.approx(sigma**2, rel=4 * (2 / n) ** 0.5)


def test_gaussian_noise_is_not_clipped_unless_asked():
    clean = picture(50, 50)
    free = GaussianNoise(sigma=(50.0, 50.0))(clean, of_seed(0))
    assert free.min() < 0 and free.max() > 1
    file = GaussianNoise(sigma=(50.0, 50.0), eight_bit=True)(clean, of_seed(0))
    torch.testing.assert_close(file, (free.clamp(0, 1) * 255).round() / 255)


def test_sigma_is_uniform_over_its_range():
    levels = [
        255 * GaussianNoise()(torch.zeros(3, 20, 20), of_seed(seed)).std().item()
        for seed in range(300)
    ]
    assert min(levels) < 5 and max(levels) > 70
    assert sum(levels) / 300 == pytest.approx(37.5, abs=4 * 75 / 12**0.5 / 300**0.5)
