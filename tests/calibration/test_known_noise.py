"""Which noise level wins: given, calibrated, the file's, darktable's, estimated."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pellucid.calibration import known_noise
from pellucid.calibration.blind import estimate_noise
from pellucid.calibration.known_noise import parse_noise, settle_noise
from pellucid.calibration.profile import (
    CalibratedCamera,
    Frames,
    IsoNoise,
    Level,
    write_calibration,
)
from pellucid.errors import FileError, PellucidError
from pellucid.noise import add_noise
from pellucid.raw import Camera, Noise, RawImage


def level(value: float) -> Level:
    return Level((value,), (value,), (value,))


def calibrated(*isos: float, model: str = "One") -> CalibratedCamera:
    return CalibratedCamera(
        "Acme",
        model,
        tuple(
            IsoNoise(iso, level(1e-6 * iso), level(1e-9 * iso), None, None, 15359.0, Frames(8, 4))
            for iso in isos
        ),
    )


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RawImage:
    """A raw of a camera that only the file knows; no folder and no database but those of a test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(known_noise, "DATABASES", (tmp_path / "darktable.json",))
    (tmp_path / "pellucid").mkdir()
    mosaic = add_noise(
        torch.full((1, 32, 32), 0.3), Noise(1e-3, 1e-6), generator=torch.Generator().manual_seed(0)
    )
    camera = Camera.of(torch.eye(3), torch.ones(3))
    return RawImage(mosaic, camera, Noise(5e-4, 5e-7), make="Acme", model="One", iso=200)


def write_database(path: Path) -> None:
    entry = {"iso": 200, "a": [1.0, 3e-5, 1.0], "b": [1.0, 4e-8, 1.0]}
    models = [{"model": "One", "profiles": [entry]}]
    path.write_text(json.dumps({"noiseprofiles": [{"maker": "Acme", "models": models}]}))


def test_each_source_gives_way_to_the_one_before(raw, tmp_path):
    blind = replace(raw, noise=None)
    assert settle_noise(blind).origin == "estimated from the picture"
    torch.testing.assert_close(settle_noise(blind).noise, estimate_noise(raw.mosaic))
    write_database(tmp_path / "darktable.json")
    assert settle_noise(blind).origin == "darktable's noise profiles"
    torch.testing.assert_close(settle_noise(blind).noise, Noise(3e-4, 2.4e-7))
    assert settle_noise(raw) == (raw.noise, "the file's noise profile")
    write_calibration(tmp_path / "pellucid" / "x.json", calibrated(100, 400))
    known = settle_noise(raw)
    assert known.origin == "calibrated, x.json"
    torch.testing.assert_close(known.noise, Noise(2e-4, 2e-7))
    known = settle_noise(raw, calibrated(200, model="Other"))
    assert known.origin == "calibrated for Acme Other"
    given = Noise(1e-2, 1e-5)
    assert settle_noise(raw, given) == (given, "given")


def test_other_cameras_and_unknown_isos_are_passed_over(raw, tmp_path):
    write_calibration(tmp_path / "pellucid" / "x.json", calibrated(100, 400))
    assert settle_noise(replace(raw, model="Two")).origin == "the file's noise profile"
    assert settle_noise(replace(raw, iso=None)).origin == "the file's noise profile"
    write_calibration(tmp_path / "pellucid" / "x.json", calibrated(400))
    assert settle_noise(replace(raw, iso=None)).origin == "calibrated, x.json"


def test_a_given_profile_needs_an_iso(raw):
    with pytest.raises(FileError, match="photo.dng: the file says no ISO; expected one"):
        settle_noise(replace(raw, iso=None, path=Path("photo.dng")), calibrated(100, 400))


def test_a_damaged_profile_in_the_folder_is_said(raw, tmp_path):
    (tmp_path / "pellucid" / "x.json").write_text("{")
    with pytest.raises(FileError, match=r"x\.json: no JSON"):
        settle_noise(raw)


def test_what_the_command_line_says(tmp_path):
    assert parse_noise(None) is None
    torch.testing.assert_close(parse_noise("1e-3,2e-6"), Noise(1e-3, 2e-6))
    write_calibration(tmp_path / "c.json", calibrated(100))
    assert parse_noise(str(tmp_path / "c.json")) == calibrated(100)
    with pytest.raises(PellucidError, match="c2.json: no such file"):
        parse_noise(str(tmp_path / "c2.json"))
    for text in ("1", "a,b", "0,0", "2,0"):
        with pytest.raises(PellucidError, match=f"--noise {text}: expected"):
            parse_noise(text)
