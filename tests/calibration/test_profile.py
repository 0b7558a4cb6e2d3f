"""A calibrated camera: its file, its ISOs, and those between and beyond."""

import json

import pytest

from pellucid.calibration.darktable import write_darktable
from pellucid.calibration.profile import (
    READ_SLOPE,
    CalibratedCamera,
    Frames,
    HotPixels,
    IsoNoise,
    Level,
    calibration_in,
    noise_at,
    read_calibration,
    write_calibration,
)
from pellucid.errors import FileError, PellucidError
from pellucid.noise_profiles import profile_of, read_profiles


def level(*values: float) -> Level:
    return Level(values, tuple(0.9 * v for v in values), tuple(1.1 * v for v in values))


def at_iso(iso: float, shot: tuple[float, ...], read: tuple[float, ...]) -> IsoNoise:
    hot = HotPixels(5.0, 2, ((3, 4), (0, 7)))
    return IsoNoise(iso, level(*shot), level(*read), 1e-4, hot, 15359.0, Frames(8, 4))


CAMERA = CalibratedCamera(
    "NIKON CORPORATION",
    "NIKON D850",
    (at_iso(100, (1e-5,), (1e-8,)), at_iso(400, (4e-5,), (4e-8,))),
)
IN_COLOUR = CalibratedCamera(
    "Acme", "One", (at_iso(100, (2e-5, 1e-5, 1.5e-5), (3e-8, 1e-8, 2e-8)),)
)


@pytest.mark.parametrize("camera", [CAMERA, IN_COLOUR])
def test_what_is_written_is_read_again(camera, tmp_path):
    write_calibration(tmp_path / "c.json", camera)
    assert read_calibration(tmp_path / "c.json") == camera


def test_levels_between_isos_and_beyond():
    for iso, factor in {100: 1, 200: 2, 400: 4}.items():
        noise = CAMERA.at(iso)
        assert float(noise.shot) == pytest.approx(1e-5 * factor, rel=1e-5)
        assert float(noise.read) == pytest.approx(1e-8 * factor, rel=1e-5)
    assert float(CAMERA.at(1600).shot) == pytest.approx(16e-5, rel=1e-5)
    assert float(CAMERA.at(1600).read) == pytest.approx(4e-8 * 4**READ_SLOPE, rel=1e-5)
    assert IN_COLOUR.at(200).shot.tolist() == pytest.approx([4e-5, 2e-5, 3e-5])


def test_a_file_without_iso_needs_a_profile_of_one():
    assert noise_at(IN_COLOUR, None).shot.shape == (3,)
    with pytest.raises(
        PellucidError, match="says no ISO; expected one, for a profile of ISO 100, 400"
    ):
        noise_at(CAMERA, None)


def test_a_folder_is_searched_by_camera(tmp_path):
    write_calibration(tmp_path / "a.json", IN_COLOUR)
    write_calibration(tmp_path / "b.json", CAMERA)
    (tmp_path / "c.json").write_text('{"other": 1}')
    found = calibration_in(tmp_path, "Nikon Corporation", "NIKON D850")
    assert found == (tmp_path / "b.json", CAMERA)
    assert calibration_in(tmp_path, "NIKON CORPORATION", "NIKON D810") is None
    assert calibration_in(tmp_path, "", "") is None
    assert calibration_in(tmp_path / "missing", "Acme", "One") is None


def test_newer_isos_replace_older_ones():
    newer = CalibratedCamera("NIKON CORPORATION", "NIKON D850", (at_iso(400, (5e-5,), (5e-8,)),))
    merged = CAMERA.merged(newer)
    assert [(one.iso, one.shot.value) for one in merged.isos] == [(100, (1e-5,)), (400, (5e-5,))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "its format has version 2; expected 1"),
        ({"format": "other"}, "no noise profile; expected what pellucid calibrate writes"),
        ({"isos": []}, "a damaged noise profile"),
        ({"isos": [{"iso": 100}]}, "a damaged noise profile"),
        ({"isos": 3}, "a damaged noise profile"),
    ],
)
def test_what_is_no_profile_is_refused_in_one_line(change, words, tmp_path):
    path = tmp_path / "c.json"
    write_calibration(path, CAMERA)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(FileError, match=words) as caught:
        read_calibration(path)
    assert "\n" not in str(caught.value)


def test_levels_that_make_no_sense_are_refused(tmp_path):
    path = tmp_path / "c.json"
    write_calibration(path, CAMERA)
    record = json.loads(path.read_text())
    record["isos"][0]["read"]["value"] = [-1e-8]
    path.write_text(json.dumps(record))
    with pytest.raises(FileError, match="damaged"):
        read_calibration(path)
    path.write_text("{")
    with pytest.raises(FileError, match="no JSON"):
        read_calibration(path)


@pytest.mark.parametrize("camera", [CAMERA, IN_COLOUR])
def test_darktables_format_is_read_back_as_greens_noise(camera, tmp_path):
    write_darktable(tmp_path / "dt.json", camera)
    profiles = read_profiles(tmp_path / "dt.json")
    for one in camera.isos:
        noise = profile_of(profiles, camera.make, camera.model, one.iso)
        assert noise is not None
        green = len(one.shot.value) // 2
        assert float(noise.shot) == pytest.approx(one.shot.value[green], rel=1e-5)
        assert float(noise.read) == pytest.approx(one.read.value[green], rel=1e-5)
