"""Noise has the variance its law says, DualDn's, goes below black, and follows its seed."""

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.bayer import pack
from pellucid.noise import (
    BoxLaw,
    LogLinearLaw,
    MixedLaw,
    add_noise,
    log_uniform,
    standard_deviation,
    uniform,
    variance,
)
from pellucid.raw import Noise

GOLDEN = json.loads((Path(__file__).parent / "golden" / "dualdn_noise.json").read_text())
LAWS = ("gaussian", "poisson", "gaussian_poisson", "heteroscedastic_gaussian")
HAS_PHOTONS = ("poisson", "gaussian_poisson")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise_of(law, shot, read):
    """Noise whose `variance` is that of the law."""
    return Noise(0.0 if law == "gaussian" else shot, 0.0 if law == "poisson" else read)


def law_variance(law, shot, read, level):
    planes = torch.full((4, 1, 1), level, dtype=torch.float64)
    return variance(planes, noise_of(law, shot, read))[0].item()


def standard_errors(law, shot, read, level, n):
    """Of the sample mean and of the sample variance, whose fourth cumulant photons raise."""
    var = law_variance(law, shot, read, level)
    fourth = shot**3 * level if law in HAS_PHOTONS else 0.0
    return math.sqrt(var / n), math.sqrt((fourth + 2 * var**2) / n)


# -- the four laws --------------------------------------------------------------------------------


@pytest.mark.parametrize("law", LAWS)
def test_golden_variance(law):
    """DualDn's statistics of a million samples: mean and variance within 0.5 % of our law."""
    rows = [row for row in GOLDEN["statistics"] if row["model"] == law]
    assert len(rows) == 15
    for row in rows:
        shot, read, level = row["K"], row["g_scale"], row["level"]
        expected = law_variance(law, shot, read, level)
        assert row["var"] == pytest.approx(expected, rel=5e-3, abs=1e-12)
        assert abs(row["mean_err"]) <= 5e-3 * max(level, math.sqrt(expected))


@pytest.mark.parametrize("law", LAWS)
def test_samples_have_the_laws_moments_and_dualdns(law):
    """A million samples at each of DualDn's levels: four standard errors from law and golden."""
    generator, n = seeded(1), 1_000_000
    for row in (row for row in GOLDEN["statistics"] if row["model"] == law):
        shot, read, level = row["K"], row["g_scale"], row["level"]
        clean = torch.full((1, 1000, 1000), level)
        error = add_noise(clean, Noise(shot, read), law, generator).double() - level
        of_mean, of_variance = (4 * e + 1e-12 for e in standard_errors(law, shot, read, level, n))
        # float32 rounds `level` itself.
        rounding = abs(float(torch.tensor(level)) - level)
        assert abs(error.mean().item()) <= of_mean + rounding
        assert abs(error.var().item() - law_variance(law, shot, read, level)) <= of_variance
        # Both are samples, so their difference has the error of two.
        assert abs(error.mean().item() - row["mean_err"]) <= math.sqrt(2) * of_mean + rounding
        assert abs(error.var().item() - row["var"]) <= math.sqrt(2) * of_variance
        below = (error + level < 0).double().mean().item()
        spread = 4 * math.sqrt(2 * 0.25 / n)
        assert abs(below - row["frac_neg"]) <= spread


@pytest.mark.parametrize("law", LAWS)
def test_nothing_is_clipped(law):
    """Noise on black goes below black, unless there are only photons; on white it goes above."""
    noise = Noise(1e-2, 1e-3)
    dark = add_noise(torch.zeros(1, 100, 100), noise, law, seeded())
    assert (dark.min() < -0.05) == (law != "poisson")
    assert abs(dark.mean().item()) <= 4 * math.sqrt(1e-3 / 1e4)
    assert add_noise(torch.ones(1, 100, 100), noise, law, seeded()).max() > 1.05


@pytest.mark.parametrize("law", LAWS)
def test_below_black_is_as_black(law):
    """Shot noise of a mosaic that is negative, as denoised ones may be, is that of black."""
    mosaic = torch.full((1, 200, 200), -0.01)
    result = add_noise(mosaic, Noise(1e-2, 1e-6), law, seeded())
    assert torch.isfinite(result).all()
    assert result.var().item() <= 1.1e-6


@pytest.mark.parametrize("law", LAWS)
def test_a_seed_is_a_sample(law):
    clean = torch.rand(2, 1, 8, 8, generator=seeded())
    noise = Noise([1e-2, 1e-3], [1e-4, 1e-6])
    first, again, other = (add_noise(clean, noise, law, seeded(s)) for s in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("law", LAWS)
def test_no_noise_is_no_noise(law):
    """Not even for photons: without shot noise there are infinitely many."""
    clean = torch.rand(1, 8, 8, generator=seeded())
    assert torch.allclose(add_noise(clean, Noise(0.0, 0.0), law, seeded()), clean, atol=1e-5)


# -- shapes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leading", "shape"),
    [
        ((), ()),
        ((), (3,)),
        ((), (4,)),
        ((2,), ()),
        ((2,), (2,)),
        ((2,), (2, 3)),
        ((2,), (1, 3)),
        ((3,), (3, 3)),
    ],
)
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 99))
def test_variance_is_each_sites_own(leading, shape, seed):
    mosaic = torch.rand(*leading, 1, 4, 6, generator=seeded(seed))
    shot, read = (torch.rand(shape, generator=seeded(seed + i)) for i in (1, 2))
    result = variance(pack(mosaic), Noise(shot, read))
    assert result.shape == (*leading, 4, 2, 3)
    planes = pack(mosaic).reshape(-1, 4, 2, 3)
    per_channel = len(shape) > len(leading)
    for b, picture in enumerate(planes):
        for site, colour in enumerate((0, 1, 1, 2)):
            k, r = shot, read
            if shape and shape[0] == len(planes) and leading:
                k, r = k[b], r[b]
            elif len(shape) == 2:
                k, r = k[0], r[0]
            if per_channel:
                where = site if shape[-1] == 4 else colour
                k, r = k[where], r[where]
            expected = k * picture[site] + r
            assert torch.allclose(result.reshape(-1, 4, 2, 3)[b, site], expected)


@pytest.mark.parametrize(
    ("leading", "shape"),
    [((1,), (3,)), ((2,), (3,)), ((), (2, 3)), ((2,), (3, 3)), ((2,), (5, 2, 3))],
)
def test_noise_that_does_not_fit_is_refused(leading, shape):
    """One mosaic and its noise in R, G, B must not become a batch of three."""
    noise = Noise(torch.ones(shape), torch.ones(shape))
    mosaic = torch.zeros(*leading, 1, 4, 4)
    for use in (lambda: standard_deviation(mosaic, noise), lambda: add_noise(mosaic, noise)):
        with pytest.raises(
            ValueError, match=r"noise of shape \(.*\) for .* batch shape \(.*expected"
        ):
            use()


def test_standard_deviation_is_the_root_of_the_variance_as_a_mosaic():
    mosaic = torch.rand(2, 1, 6, 8, generator=seeded()) - 0.2
    noise = Noise(torch.tensor([[1e-2, 2e-2, 3e-2]]), torch.tensor([[1e-4, 2e-4, 3e-4]]))
    std = standard_deviation(mosaic, noise)
    assert std.shape == mosaic.shape
    assert torch.allclose(pack(std) ** 2, variance(pack(mosaic), noise), rtol=1e-5)
    assert torch.allclose(standard_deviation(mosaic, Noise(0.0, 0.0)), torch.tensor(1e-6))


def test_batches_are_noised_each_with_its_own():
    clean = torch.full((2, 1, 300, 300), 0.5)
    noisy = add_noise(clean, Noise([1e-2, 1e-4], [0.0, 0.0]), generator=seeded())
    for picture, shot in zip(noisy, (1e-2, 1e-4), strict=True):
        expected = shot * 0.5
        off = 4 * math.sqrt((shot**3 * 0.5 + 2 * expected**2) / 90_000)
        assert abs(picture.var().item() - expected) <= off


# -- laws to draw levels from ---------------------------------------------------------------------


def drawn(law, n, seed=0):
    generator = seeded(seed)
    levels = [law.sample(generator) for _ in range(n)]
    assert {value.dtype for noise in levels for value in noise} == {torch.float32}
    return torch.tensor([[noise.shot.item(), noise.read.item()] for noise in levels]).double()


def check_log_uniform(values, low, high):
    assert values.min() >= low * (1 - 1e-6) and values.max() <= high * (1 + 1e-6)
    u = (values.log() - math.log(low)) / math.log(high / low)
    n = len(values)
    assert abs(u.mean().item() - 0.5) <= 4 * math.sqrt(1 / 12 / n)
    assert abs(u.var().item() - 1 / 12) <= 4 * math.sqrt(1 / 180 / n)


def test_log_linear_law_is_dualdns():
    """Its constants, its medians, and 64 of DualDn's own draws, which scatter about them."""
    law, published = LogLinearLaw(), GOLDEN["law"]
    assert law.slope == pytest.approx(published["slope_plus_2"], abs=1e-4)
    assert law.intercept == pytest.approx(published["bias"], abs=1e-4)
    assert law.scatter == pytest.approx(published["sigma"], abs=1e-4)
    for shot, median in published["median_g_scale_at_K"].items():
        assert law.median_read(float(shot)) == pytest.approx(median, rel=1e-3)
    shot, read = torch.tensor(GOLDEN["draws_K_g_scale"], dtype=torch.float64).unbind(-1)
    check_log_uniform(shot, *law.shot)
    check_scatter(law, shot, read)


def check_scatter(law, shot, read):
    residual = read.log() - law.slope * shot.log() - law.intercept
    n = len(residual)
    assert abs(residual.mean().item()) <= 4 * law.scatter / math.sqrt(n)
    assert abs(residual.std().item() / law.scatter - 1) <= 4 / math.sqrt(2 * n)
    # No slope is left in what remains.
    centred = shot.log() - shot.log().mean()
    slope = (residual * centred).sum() / centred.square().sum()
    assert abs(slope.item()) <= 4 * law.scatter / centred.square().sum().sqrt().item()


@pytest.mark.parametrize("law", [LogLinearLaw(), LogLinearLaw((1e-5, 1e-3), 1.5, -3.0, 0.6)])
def test_log_linear_samples(law):
    shot, read = drawn(law, 2000).unbind(-1)
    check_log_uniform(shot, *law.shot)
    check_scatter(law, shot, read)


@pytest.mark.parametrize("law", [BoxLaw(), BoxLaw((1e-4, 1e-2), (1e-6, 1e-5))])
def test_box_samples_fill_the_box_independently(law):
    shot, read = drawn(law, 2000).unbind(-1)
    check_log_uniform(shot, *law.shot)
    check_log_uniform(read, *law.read)
    correlation = torch.corrcoef(torch.stack([shot.log(), read.log()]))[0, 1].item()
    assert abs(correlation) <= 4 / math.sqrt(2000)


def test_mixed_law_takes_each_law_equally_often():
    low, high = BoxLaw((1e-6, 1e-5)), BoxLaw((1e-3, 1e-2))
    shot = drawn(MixedLaw((low, high)), 2000)[:, 0]
    share = (shot < 1e-4).double().mean().item()
    assert abs(share - 0.5) <= 4 * 0.5 / math.sqrt(2000)
    check_log_uniform(shot[shot < 1e-4], *low.shot)
    check_log_uniform(shot[shot > 1e-4], *high.shot)


def test_the_default_mixture_is_dualdns_law_and_the_box():
    assert MixedLaw().laws == (LogLinearLaw(), BoxLaw())


@pytest.mark.parametrize("law", [LogLinearLaw(), BoxLaw(), MixedLaw()])
def test_a_seed_is_a_noise_level(law):
    assert torch.equal(drawn(law, 5, seed=3), drawn(law, 5, seed=3))
    assert not torch.equal(drawn(law, 5, seed=3), drawn(law, 5, seed=4))


@settings(deadline=None, max_examples=50)
@given(low=st.floats(1e-6, 1), factor=st.floats(1, 1e4), seed=st.integers(0, 9999))
def test_uniforms_stay_between(low, factor, seed):
    high = low * factor
    assert low <= uniform(low, high, seeded(seed)) <= high
    assert low * (1 - 1e-9) <= log_uniform(low, high, seeded(seed)) <= high * (1 + 1e-9)
