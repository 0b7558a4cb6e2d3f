"""Laws draw what they say: DualDn's, ELD's cameras as published, a profile database as measured."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonargparse import ArgumentParser

from pellucid import FileError, noise_profiles
from pellucid.camera_tables import ELD_CAMERAS, eld_camera
from pellucid.data.synthesis import RawSynthesis
from pellucid.noise import ELD_LEVELS, EldNoise, tukey_variance
from pellucid.noise_laws import (
    REAL_CAMERAS,
    BoxLaw,
    CameraLaw,
    EldLaw,
    LogLinearLaw,
    MixedLaw,
    ProfileLaw,
    log_uniform,
    uniform,
)
from pellucid.noise_profiles import profile_of, read_profiles
from pellucid.raw import Noise

GOLDEN = json.loads((Path(__file__).parent / "golden" / "dualdn_noise.json").read_text())

# What the first version drew with seed 7.
OLD_LEVELS = [
    [9.474390935793053e-06, 8.940683073888067e-07],
    [0.0005841886741109192, 1.939353744262462e-08],
    [0.0016072208527475595, 2.9282202262947976e-07],
    [0.0005172122037038207, 1.5789735741122968e-08],
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


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


@pytest.mark.parametrize("law", [LogLinearLaw(), BoxLaw(), MixedLaw(), CameraLaw(), EldLaw()])
def test_a_seed_is_a_noise_level(law):
    assert torch.equal(drawn(law, 5, seed=3), drawn(law, 5, seed=3))
    assert not torch.equal(drawn(law, 5, seed=3), drawn(law, 5, seed=4))


@settings(deadline=None, max_examples=50)
@given(low=st.floats(1e-6, 1), factor=st.floats(1, 1e4), seed=st.integers(0, 9999))
def test_uniforms_stay_between(low, factor, seed):
    high = low * factor
    assert low <= uniform(low, high, seeded(seed)) <= high
    assert low * (1 - 1e-9) <= log_uniform(low, high, seeded(seed)) <= high * (1 + 1e-9)


# -- ELD's cameras --------------------------------------------------------------------------------


def test_every_camera_has_six_stops_of_gain_and_a_shape_for_each_bias():
    for name in ELD_CAMERAS:
        camera = eld_camera(name)
        assert camera.gain[1] / camera.gain[0] == pytest.approx(64, rel=1e-4)
        assert len(camera.shapes) == len(camera.biases) in (16, 18)


def test_table_is_what_eld_published():
    """A few of its numbers, kept with DualDn's golden data, which came from the same files."""
    sony = eld_camera("SonyA7S2")
    assert ELD_LEVELS == 15583
    assert sony.gain == pytest.approx((0.09391607, 6.01062854), rel=1e-5)
    law = GOLDEN["law"]
    assert sony.gaussian.slope + 2 == pytest.approx(law["slope_plus_2"], abs=1e-4)
    assert sony.gaussian.intercept == pytest.approx(law["bias"], abs=1e-4)
    assert sony.gaussian.scatter == pytest.approx(law["sigma"], abs=1e-4)
    assert eld_camera("CanonEOS70D").biases[-1] == (3.421, 6.132, -1.393, -0.5191)


@pytest.mark.parametrize("name", ELD_CAMERAS)
def test_camera_samples_lie_on_the_camera_in_normalised_units(name):
    """Gain over levels is the shot noise; the deviation in DN over levels, squared, the read."""
    shot, read = drawn(CameraLaw((name,)), 2000).unbind(-1)
    camera = eld_camera(name)
    check_log_uniform(shot, *(gain / ELD_LEVELS for gain in camera.gain))
    medians = torch.tensor([camera.gaussian.median(k) for k in (shot * ELD_LEVELS).tolist()])
    residual = (read.sqrt() * ELD_LEVELS / medians).log()
    assert abs(residual.mean().item()) <= 4 * camera.gaussian.scatter / math.sqrt(2000)
    assert residual.std().item() == pytest.approx(camera.gaussian.scatter, rel=0.1)


@pytest.mark.parametrize("name", ELD_CAMERAS)
def test_both_descriptions_of_read_noise_agree(name):
    """The published Tukey scale, with its shape, and the published Gaussian: within a third."""
    camera = eld_camera(name)
    low, high = camera.gain
    for i, shape in enumerate(camera.shapes):
        gain = low * (high / low) ** (i / (len(camera.shapes) - 1))
        sigma = camera.tukey.median(gain) * tukey_variance(shape) ** 0.5
        assert sigma == pytest.approx(camera.gaussian.median(gain), rel=0.35)


def test_the_full_model_draws_sensors_of_the_table():
    generator = seeded()
    for _ in range(200):
        noise = EldLaw(("NikonD850",)).sample(generator)
        camera, sensor = eld_camera("NikonD850"), noise.sensor
        assert camera.gain[0] <= sensor.gain <= camera.gain[1] * (1 + 1e-9)
        assert sensor.shape in camera.shapes and sensor.bias in camera.biases
        assert 0.3 < sensor.row / camera.row.median(sensor.gain) < 3
        assert noise.shot.item() == pytest.approx(sensor.gain / ELD_LEVELS)
        assert noise.read.item() == pytest.approx(sensor.read_variance / ELD_LEVELS**2)


def test_all_cameras_are_drawn_and_a_mixture_may_hold_the_full_model():
    generator = seeded()
    mixed = MixedLaw((EldLaw(), BoxLaw()))
    full = [isinstance(mixed.sample(generator), EldNoise) for _ in range(400)]
    assert abs(sum(full) / 400 - 0.5) <= 4 * 0.5 / math.sqrt(400)
    biases = {EldLaw().sample(generator).sensor.bias for _ in range(300)}
    for name in ELD_CAMERAS:
        assert biases & set(eld_camera(name).biases)


def test_real_cameras_hold_the_five_and_the_chart():
    """Nine of ten levels of ELD's cameras lie within two deviations of the fit to all others."""
    levels = drawn(CameraLaw(), 1000)
    shot, read = torch.cat([levels, torch.tensor([[1.5e-4, 9e-7]]).double()]).unbind(-1)
    assert shot.min() > REAL_CAMERAS.shot[0] and shot.max() < REAL_CAMERAS.shot[1]
    medians = torch.tensor([REAL_CAMERAS.median_read(s) for s in shot.tolist()])
    off = (read / medians).log().abs() / REAL_CAMERAS.scatter
    assert (off < 2).double().mean() > 0.9 and off[-1] < 2


def test_real_cameras_are_the_law_that_the_docs_give():
    """Recipes cannot name a constant, so the docs write it out."""
    docs = (Path(__file__).parents[1] / "docs" / "noise_laws.md").read_text()
    law = re.search(r"class_path: pellucid.noise_laws.LogLinearLaw\n *init_args: ({.*})", docs)
    values = yaml.safe_load(law.group(1))
    assert LogLinearLaw(**{**values, "shot": tuple(values["shot"])}) == REAL_CAMERAS


# -- laws at work ---------------------------------------------------------------------------------

RECIPE = """
law:
  class_path: pellucid.noise_laws.MixedLaw
  init_args:
    laws:
      - class_path: pellucid.noise_laws.EldLaw
        init_args: {cameras: [NikonD850, SonyA7S2]}
      - class_path: pellucid.noise_laws.ProfileLaw
        init_args: {path: profiles.json}
      - class_path: pellucid.noise_laws.LogLinearLaw
        init_args: {shot: [1e-5, 1e-2], slope: 1.0, intercept: -4.0, scatter: 1.0}
"""


def test_a_recipe_names_laws():
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(RawSynthesis, "synthesis")
    text = "synthesis:" + RECIPE.replace("\n", "\n  ")
    synthesis = parser.instantiate_classes(parser.parse_string(text)).synthesis
    assert synthesis == RawSynthesis(
        MixedLaw(
            (
                EldLaw(("NikonD850", "SonyA7S2")),
                ProfileLaw(Path("profiles.json")),
                LogLinearLaw((1e-5, 1e-2), 1.0, -4.0, 1.0),
            )
        )
    )


def test_samples_hold_all_that_the_full_model_adds():
    """Whole numbers of the sensor, and a row's shared offset; the network is told plain levels."""
    law = EldLaw(("CanonEOS700D",))
    sample = RawSynthesis(law, jitter=1.0)(torch.zeros(3, 64, 512), seeded(1))
    values = sample.noisy * ELD_LEVELS
    assert torch.allclose(values, values.round(), atol=2e-3)
    assert type(sample.noise) is Noise
    assert sample.noisy.std().item() == pytest.approx(sample.noise.read.item() ** 0.5, rel=0.35)


def test_laws_of_old_draw_what_they_drew():
    """Seeds in use keep their samples."""
    generator = seeded(7)
    drawn_levels = [MixedLaw().sample(generator) for _ in range(4)]
    levels = torch.stack([torch.stack(tuple(noise)) for noise in drawn_levels])
    assert torch.allclose(levels, torch.tensor(OLD_LEVELS), rtol=1e-6)


# -- profiles as darktable keeps them -------------------------------------------------------------


@pytest.fixture
def database(tmp_path):
    def entry(iso, a, b, **more):
        return {"name": f"iso {iso}", "iso": iso, "a": [9.0, a, 9.0], "b": [9.0, b, 9.0], **more}

    good = [entry(400, 4e-5, 4e-7), entry(100, 1e-5, 1e-7)]
    bad = [entry(200, 9e-5, 1e-6, skip=True), entry(200, 9e-5, -1e-7), entry(200, 0.0, 1e-7)]
    makers = [
        {"maker": "Nikon", "models": [{"comment": "", "model": "D1", "profiles": good + bad}]},
        {"maker": "Canon", "models": [{"model": "EOS 1", "profiles": [entry(800, 1e-3, 1e-6)]}]},
    ]
    path = tmp_path / "noiseprofiles.json"
    path.write_text(json.dumps({"version": 0, "noiseprofiles": makers}))
    return path


def levels_of(noise):
    return [level.item() for level in noise]


def test_profiles_are_greens_without_what_is_unusable(database):
    profiles = read_profiles(database)
    assert [(p.make, p.model, p.iso) for p in profiles] == [
        ("Canon", "EOS 1", 800),
        ("Nikon", "D1", 100),
        ("Nikon", "D1", 400),
    ]
    assert levels_of(profiles[1].noise) == pytest.approx([1e-4, 6e-7])


def test_profile_of_a_camera_between_and_beyond_its_isos(database):
    profiles = read_profiles(database)
    at = {iso: profile_of(profiles, "NIKON CORPORATION", "NIKON D1", iso) for iso in (50, 200, 900)}
    assert levels_of(at[200]) == pytest.approx([2e-4, 1.2e-6])
    assert levels_of(at[50]) == pytest.approx([1e-4, 6e-7])
    assert levels_of(at[900]) == pytest.approx([4e-4, 2.4e-6])
    assert levels_of(profile_of(profiles, "Canon", "Canon EOS 1", 100)) == pytest.approx(
        [1e-2, 6e-6]
    )
    for make, model in (("Canon", "D1"), ("Nikon", "D10"), ("", "")):
        assert profile_of(profiles, make, model, 100) is None


def test_profile_law_draws_cameras_and_isos(database):
    shot, read = drawn(ProfileLaw(database), 600).unbind(-1)
    canon = shot > 5e-3
    assert abs(canon.double().mean().item() - 0.5) <= 4 * 0.5 / math.sqrt(600)
    check_log_uniform(shot[~canon], 1e-4, 4e-4)
    assert torch.allclose(read[~canon] / shot[~canon], torch.tensor(6e-3).double(), rtol=1e-4)


def test_what_is_no_database_is_said(tmp_path, monkeypatch):
    missing, wrong = tmp_path / "a.json", tmp_path / "b.json"
    wrong.write_text('{"noiseprofiles": [{"maker": 3}]}')
    with pytest.raises(FileError, match="a.json: no noise profiles; expected"):
        ProfileLaw(missing).sample(seeded())
    with pytest.raises(FileError, match="b.json: not darktable's"):
        ProfileLaw(wrong).sample(seeded())
    wrong.with_name("c.json").write_text('{"noiseprofiles": []}')
    with pytest.raises(FileError, match="c.json: holds no usable profile"):
        ProfileLaw(wrong.with_name("c.json")).sample(seeded())
    monkeypatch.setattr(noise_profiles, "DATABASES", (missing,))
    with pytest.raises(FileError, match="a.json: no noise profiles"):
        ProfileLaw().sample(seeded())


def test_the_installed_database_is_found(database, monkeypatch):
    monkeypatch.setattr(noise_profiles, "DATABASES", (database.parent / "none", database))
    assert torch.equal(drawn(ProfileLaw(), 5), drawn(ProfileLaw(database), 5))
