"""`pellucid calibrate` and `pellucid inspect --noise`: what they write and say."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from pellucid import Camera, write_mosaic
from pellucid.bayer import mosaic_of
from pellucid.calibration.profile import read_calibration
from pellucid.color import decode
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.io import DngFields
from pellucid.noise import EldSensor, add_eld_noise

SIDE = 256
SENSORS = {
    200: EldSensor(0.83, 1.1, 0.14, 0.6, levels=15359.0),
    1600: EldSensor(6.64, 3.3, 0.14, 1.8, levels=15359.0),
}
CAMERA = Camera.of(torch.eye(3), torch.ones(3))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shoot(name: str, clean: torch.Tensor, iso: int, seed: int, model: str = "One") -> None:
    fields = DngFields(make="Acme", model=model, iso=iso)
    noisy = add_eld_noise(clean, SENSORS[iso], seeded(seed)).clamp(max=1)
    write_mosaic(f"{name}{seed}_{iso}.dng", noisy, CAMERA, None, fields)


@pytest.fixture
def frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, the user's own folder in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "frames"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def shoot_flats(iso: int) -> None:
    y = torch.linspace(-1, 1, SIDE)
    flat = (0.7 * (1 - 0.4 * y[:, None] ** 2 - 0.2 * y**2))[None]
    hot = torch.zeros(1, SIDE, SIDE)
    hot[0, 10, 20] = hot[0, 101, 7] = 0.2
    for seed in range(4):
        shoot("flat", flat + hot, iso, seed)
        shoot("dark", hot, iso, 10 + seed)


def size_of(picture: str) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


def sigma(shot: float, read: float) -> torch.Tensor:
    return (shot * torch.logspace(-2.3, -0.1, 20) + read).sqrt()


def check_sigma(found, iso: int, share: float) -> None:
    sensor = SENSORS[iso]
    true = sigma(sensor.gain / sensor.levels, sensor.read_variance / sensor.levels**2)
    one = next(one for one in found.isos if one.iso == iso)
    torch.testing.assert_close(
        sigma(one.shot.value[0], one.read.value[0]), true, rtol=share, atol=0
    )


@pytest.mark.parametrize("level", [2e-4, 0.0, -2e-4])
def test_darks_count_on_either_side_of_black(frames, pellucid, level):
    # Two flats of one light say nothing of read noise.
    for seed in range(2):
        shoot("flat", torch.full((1, 128, 128), 0.4), 200, seed)
        shoot("dark", torch.full((1, 128, 128), level), 200, 10 + seed)
    run = pellucid("calibrate . -o c.json")
    assert run.code == 0, run.err
    read = read_calibration(Path("c.json")).isos[0].read.value[0]
    true = SENSORS[200].read_variance / SENSORS[200].levels ** 2
    assert read == pytest.approx(true, rel=0.2)


def test_flats_and_darks_become_a_profile_that_restore_finds(frames, pellucid):
    shoot_flats(200)
    shoot_flats(1600)
    run = pellucid("calibrate . -o c.json --darktable dt.json --plot p.png")
    assert (run.code, run.err) == (0, [])
    assert [line.split("(")[0].strip() for line in run.out[:3]] == [
        "Acme One:",
        "ISO 200",
        "ISO 1600",
    ]
    assert run.out[3:] == ["wrote dt.json", "wrote p.png", "wrote c.json"]
    found = read_calibration("c.json")
    for iso, one in zip(SENSORS, found.isos, strict=True):
        check_sigma(found, iso, 0.03)
        assert (one.frames.flats, one.frames.darks, one.frames.shots) == (4, 4, 0)
        assert one.hot_pixels is not None and set(one.hot_pixels.places) == {(10, 20), (101, 7)}
        assert one.row is not None
        assert one.row * one.levels == pytest.approx(SENSORS[iso].row, rel=0.15)
    assert size_of("p.png") == (1200, 500)
    assert json.loads(Path("dt.json").read_text())["noiseprofiles"][0]["maker"] == "Acme"
    own = pellucid("calibrate flat0_200.dng flat1_200.dng dark10_200.dng dark11_200.dng")
    assert own.code == 0 and own.out[-1].endswith("Acme_One.json")
    used = pellucid("inspect flat0_200.dng --noise n.png")
    assert used.code == 0 and "noise used       calibrated, Acme_One.json" in used.out
    assert size_of("n.png") == (800, 500)


def test_ordinary_shots_become_a_profile(frames, pellucid):
    for seed in range(5):
        scene = mosaic_of(0.7 * decode(DeadLeaves().patch(SIDE, seeded(seed)), "rec709"))
        shoot("shot", scene, 1600, seed)
    run = pellucid("calibrate . -o c.json")
    assert (run.code, run.err) == (0, [])
    found = read_calibration("c.json")
    check_sigma(found, 1600, 0.08)
    sensor = SENSORS[1600]
    (one,) = found.isos
    assert one.shot.value[0] == pytest.approx(sensor.gain / sensor.levels, rel=0.15)
    assert one.read.low[0] < sensor.read_variance / sensor.levels**2 < one.read.high[0]
    assert one.frames.shots == 5 and one.row is None


def test_what_cannot_be_calibrated_is_said_in_one_line(frames, pellucid):
    for seed in range(2):
        shoot("dark", torch.zeros(1, 64, 64), 200, seed)
    shoot("other", torch.zeros(1, 64, 64), 200, 3, model="Two")
    Path("bad.dng").write_text("no raw")
    Path("empty").mkdir()
    for command, words in {
        "dark0_200.dng dark1_200.dng -o c.json": "ISO 200: 2 darks alone; expected flats or shots",
        "dark0_200.dng other3_200.dng -o c.json": "cameras (Acme One, Acme Two)",
        "empty -o c.json": "empty: holds no raw files",
        "missing.dng -o c.json": "no frame can be used",
        "dark0_200.dng -o no/c.json": "no/c.json: the folder no does not exist",
        "dark0_200.dng --kind flats -o c.json --iso 0": "--iso: 0: expected a number",
    }.items():
        run = pellucid(f"calibrate {command}")
        assert run.code == 2 and words in run.err[-1], run.err
        assert not Path("c.json").exists()


def test_a_better_profile_stays_and_what_becomes_of_it_is_said(frames, pellucid):
    shoot_flats(200)
    shoot("shot", torch.full((1, SIDE, SIDE), 0.3), 200, 30)
    assert pellucid("calibrate flat0_200.dng flat1_200.dng dark10_200.dng dark11_200.dng").code == 0
    profile = frames.parent / "config/pellucid/Acme_One.json"
    found = profile.read_bytes()
    said = "ISO 200: what is of 2 flats, 2 darks {}"
    worse = pellucid("calibrate shot30_200.dng --kind shots")
    assert worse.code == 0 and said.format("stays, better than 1 shot") in worse.out
    assert profile.read_bytes() == found
    better = pellucid("calibrate . --kind flats")
    assert better.code == 0 and said.format("gives way to 5 flats, 4 darks") in better.out
    assert profile.read_bytes() != found
    clash = pellucid(f"calibrate shot30_200.dng --darktable {profile}")
    assert clash.code == 2 and "Acme_One.json: is the same file as " in clash.err[-1]


def test_a_file_without_iso_is_reported_and_the_others_count(frames, pellucid):
    shoot_flats(200)
    write_mosaic("none.dng", torch.rand(1, SIDE, SIDE), CAMERA, None, DngFields(make="Acme"))
    run = pellucid("calibrate . -o c.json")
    assert run.code == 2 and run.err == [
        "pellucid: none.dng: says no ISO; expected one in the file or by --iso"
    ]
    check_sigma(read_calibration("c.json"), 200, 0.05)


def test_bad_files_are_reported_and_the_others_count(frames, pellucid):
    shoot_flats(200)
    Path("bad.dng").write_text("no raw")
    run = pellucid("calibrate . -o c.json")
    assert run.code == 2 and len(run.err) == 1 and "bad.dng: no raw file" in run.err[0]
    check_sigma(read_calibration("c.json"), 200, 0.05)
