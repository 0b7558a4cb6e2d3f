"""Noise has the variance its law says, DualDn's or ELD's, goes below black, follows its seed."""

import json
import math
import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import tukeylambda

from pellucid.bayer import pack
from pellucid.noise import (
    EldNoise,
    EldSensor,
    add_eld_noise,
    add_noise,
    standard_deviation,
    tukey,
    tukey_variance,
    unclip,
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


# -- the full ELD model ---------------------------------------------------------------------------

SENSOR = EldSensor(gain=2.0, scale=3.0, shape=-0.1, row=1.5, bias=(1.0, -2.0, 3.0, 0.5))


@pytest.mark.parametrize("shape", [-0.2, -0.05, 0.0, 0.1, 0.14, 0.2, 1.0])
def test_tukey_lambda_has_its_moments_and_quantiles(shape):
    """Lambda 1 is uniform on [-1, 1], 0 is logistic; SciPy knows the others."""
    theirs = tukeylambda(shape)
    assert tukey_variance(shape) == pytest.approx(theirs.var(), rel=1e-5)
    n = 200_000
    samples = tukey(torch.empty(n, dtype=torch.float64), shape, seeded())
    for p in (0.01, 0.25, 0.5, 0.9, 0.999):
        below = (samples < theirs.ppf(p)).double().mean().item()
        assert abs(below - p) <= 4 * math.sqrt(p * (1 - p) / n)


def test_tukey_lambda_never_is_infinite():
    samples = tukey(torch.empty(2_000_000), -0.24, seeded())
    assert torch.isfinite(samples).all()


QUIET = EldSensor(gain=0.1, scale=0.4, shape=0.14, row=0.0)
"""So quiet that rounding is a fifth of its read variance."""


@pytest.mark.parametrize("sensor", [SENSOR, QUIET], ids=["sensor", "quiet"])
@pytest.mark.parametrize("level", [0.0, 0.01, 0.4])
def test_eld_noise_has_the_variance_that_the_network_is_told(level, sensor):
    """Four standard errors, of which a row's shared offset leaves 1,000 samples in a plane."""
    noise = EldNoise(sensor)
    noisy = add_eld_noise(torch.full((1, 2000, 400), level), sensor, seeded()).double()
    planes = pack(noisy)
    bias = torch.tensor(sensor.bias).double() / sensor.levels
    expected = (noise.shot * level + noise.read).item()
    of_mean = math.sqrt((sensor.row / sensor.levels) ** 2 / 1000 + expected / 200_000)
    assert (planes.mean((-2, -1)) - level - bias).abs().max() <= 4 * of_mean
    share = (sensor.row / sensor.levels) ** 2 / expected
    error = 4 * (share * math.sqrt(2 / 1000) + math.sqrt(6 / 200_000))
    assert planes.var((-2, -1)).flatten().tolist() == pytest.approx([expected] * 4, rel=error)


def test_rows_share_an_offset_and_columns_do_not():
    noisy = add_eld_noise(torch.full((1, 1000, 1000), 0.0), SENSOR, seeded()) * SENSOR.levels
    flat = noisy[0] - torch.tensor([[1.0, -2.0], [3.0, 0.5]]).repeat(500, 500)
    within = SENSOR.read_variance - SENSOR.row**2
    assert flat.mean(1).std().item() == pytest.approx(math.hypot(1.5, (within / 1000) ** 0.5), 0.1)
    expected = (SENSOR.row**2 / 1000 + within / 1000) ** 0.5
    assert (flat.mean(0) - flat.mean()).std().item() == pytest.approx(expected, rel=0.15)


def test_eld_noise_is_in_whole_numbers_and_below_black():
    values = add_eld_noise(torch.rand(2, 1, 50, 60), SENSOR, seeded()) * SENSOR.levels
    assert torch.allclose(values, values.round(), atol=2e-3)
    dark = add_eld_noise(torch.zeros(1, 50, 60), SENSOR, seeded())
    assert dark.min() < -5 / SENSOR.levels


def test_eld_noise_is_a_noise_level_and_follows_its_seed():
    noise = EldNoise(SENSOR)
    assert isinstance(noise, Noise) and noise.sensor is SENSOR
    assert pickle.loads(pickle.dumps(noise)).sensor == SENSOR
    assert {value.dtype for value in noise} == {torch.float32}
    clean = torch.rand(1, 8, 8)
    first, again, other = (add_eld_noise(clean, SENSOR, seeded(s)) for s in (5, 5, 6))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("std", [0.01, 0.1])
def test_unclip_finds_the_signal_behind_clipped_averages(std):
    signal = torch.linspace(1 - 6 * std, 1, 13)
    draws = signal + std * torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    averaged = draws.clamp(max=1).mean(0)
    assert (signal - averaged).max() > 0.35 * std, "there must be something to undo"
    found = unclip(averaged, torch.full_like(averaged, std))
    torch.testing.assert_close(found, signal, atol=0.02 * std, rtol=0)


def test_unclip_leaves_alone_what_white_is_far_from():
    dark = torch.tensor([-0.1, 0.0, 0.5])
    assert torch.equal(unclip(dark, torch.full_like(dark, 0.05)), dark)
