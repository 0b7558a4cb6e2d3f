"""Colour matrix and white balance are those that LibRaw would use."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import torch

from pellucid.io import DngFields, dng, read_raw, write_dng
from pellucid.io.camera_colour import camera_of, white_balance
from pellucid.io.libraw import decode
from pellucid.io.tiff_tags import TiffTags
from pellucid.io.tiff_writer import Field

KISS_X4 = (0.6461, -0.1164, -0.0857, -0.3825, 1.1597, 0.2534, -0.0416, 0.1540, 0.6039)
D500 = (0.8813, -0.3210, -0.1036, -0.4703, 1.2868, 0.2021, -0.1054, 0.1940, 0.6129)
CALIBRATION = (1.1, 0.02, 0.0, 0.0, 1.0, 0.05, 0.03, 0.0, 0.9)


def written(path: Path, monkeypatch: pytest.MonkeyPatch, fields: Sequence[Field]) -> Path:
    """A DNG whose colour tags are replaced."""
    own = dng._colour  # pyright: ignore[reportPrivateUsage]
    replaced = {50721, 50778, *(field.code for field in fields)}

    def colour(facts: DngFields) -> list[Field]:
        return [field for field in own(facts) if field.code not in replaced] + [*fields]

    monkeypatch.setattr(dng, "_colour", colour)
    sensor = np.random.default_rng(0).integers(0, 1024, (48, 64), dtype=np.uint16)
    write_dng(path, sensor, DngFields(black=(0.0,), white=1023, as_shot_neutral=(0.5, 1.0, 0.625)))
    return path


def agrees_with_libraw(path: Path) -> None:
    with rawpy.imread(str(path)) as raw:
        expected = raw.color_matrix[:, :3]
    np.testing.assert_allclose(read_raw(path).camera.cam_to_srgb, expected, atol=2e-5)


@pytest.mark.parametrize(
    "lights",
    [(17, 21), (21, 17), (17, 20), (20, 17), (17, 23), (24, 21), (21, 21), (255, 17), (17,), ()],
)
def test_the_light_nearest_to_daylight_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lights: tuple[int, ...]
) -> None:
    matrices = [Field(50721, "srational", KISS_X4), Field(50722, "srational", D500)]
    named = [Field(50778 + i, "short", [light]) for i, light in enumerate(lights)]
    used = matrices if len(lights) != 1 else matrices[:1]
    agrees_with_libraw(written(tmp_path / "x.dng", monkeypatch, [*used, *named]))


def test_calibration_and_analog_balance_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = [
        Field(50721, "srational", D500),
        Field(50778, "short", [21]),
        Field(50723, "srational", CALIBRATION),
        Field(50727, "rational", [1.2, 1.0, 0.9]),
    ]
    agrees_with_libraw(written(tmp_path / "x.dng", monkeypatch, fields))


def test_linearization_is_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.arange(1024, dtype=np.uint16) * 64
    path = written(tmp_path / "x.dng", monkeypatch, [Field(50712, "short", table.tolist())])
    source = read_raw(path).source
    assert source is not None and source.linearization is not None
    np.testing.assert_array_equal(source.linearization, table)
    stored = np.random.default_rng(0).integers(0, 1024, (48, 64), dtype=np.uint16)
    np.testing.assert_array_equal(source.sensor, table[stored])


def test_substitutes_for_an_invalid_balance_in_their_order(tmp_path: Path) -> None:
    write_dng(tmp_path / "x.dng", np.zeros((48, 64), np.uint16), DngFields())
    decoded = replace(
        decode(tmp_path / "x.dng"), as_shot=(-1.0, 1.0, 1.0, 0.0), daylight=(2.0, 1.0, 1.5, 0.0)
    )
    bright = torch.tensor([[0.1, 0.2], [0.2, 0.4]]).tile(1, 8, 8)
    dark = torch.zeros(1, 16, 16)
    matrix = np.reshape(D500, (3, 3))
    gains, remarks = white_balance(decoded, TiffTags(), matrix, bright)
    torch.testing.assert_close(gains, torch.tensor([10.0, 5.0, 2.5]))
    assert "mean of the picture" in remarks[0]
    gains, remarks = white_balance(decoded, TiffTags(), matrix, dark)
    torch.testing.assert_close(gains, torch.tensor([2.0, 1.0, 1.5]))
    assert "daylight" in remarks[0]
    lost = replace(decoded, daylight=(float("nan"), 0.0, 0.0, 0.0))
    gains, remarks = white_balance(lost, TiffTags(), matrix, dark)
    assert "D65" in remarks[0] and bool((gains > 0).all())
    gains, remarks = white_balance(lost, TiffTags(), None, dark)
    assert gains.tolist() == [1, 1, 1]


def white_xy(
    path: Path, monkeypatch: pytest.MonkeyPatch, xy: tuple[float, float], *others: Field
) -> torch.Tensor:
    """White balance of a DNG that says its white by AsShotWhiteXY, without a remark."""
    monkeypatch.setattr(dng, "_colour", lambda _: [Field(50729, "rational", xy), *others])
    sensor = np.random.default_rng(0).integers(0, 1024, (48, 64), dtype=np.uint16)
    write_dng(path, sensor, DngFields(black=(0.0,), white=1023))
    raw = read_raw(path)
    assert raw.remarks == ()
    return raw.camera.white_balance


@pytest.mark.parametrize("xy", [(0.3127, 0.3290), (0.4476, 0.4074)])
def test_a_white_by_its_place_is_seen_with_the_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xy: tuple[float, float]
) -> None:
    x, y = xy
    others = [Field(50721, "srational", D500), Field(50778, "short", [21])]
    gains = white_xy(tmp_path / "x.dng", monkeypatch, xy, *others)
    neutral = np.reshape(D500, (3, 3)) @ (x / y, 1, (1 - x - y) / y)
    np.testing.assert_allclose(gains, neutral.max() / neutral, rtol=1e-4)
    others.append(Field(50728, "rational", [0.0, 1.0, 0.0]))  # no neutral: the place counts
    again = white_xy(tmp_path / "x.dng", monkeypatch, xy, *others)
    torch.testing.assert_close(again, gains)


@pytest.mark.parametrize(
    ("xy", "share"),
    [((0.4476, 0.4074), 1), ((0.3127, 0.3290), 0), ((0.3457, 0.3585), 0.235), ((0.5, 0.41), 1)],
)
def test_a_white_between_two_lights_is_seen_with_both_matrices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xy: tuple[float, float], share: float
) -> None:
    x, y = xy
    matrices = [Field(50721, "srational", KISS_X4), Field(50722, "srational", D500)]
    lights = [Field(50778, "short", [17]), Field(50779, "short", [21])]
    gains = white_xy(tmp_path / "x.dng", monkeypatch, xy, *matrices, *lights)
    # 2856 K and 6504 K; D50 has 5003 K, of which the inverse lies so far between theirs.
    matrix = np.reshape(KISS_X4, (3, 3)) * share + np.reshape(D500, (3, 3)) * (1 - share)
    neutral = matrix @ (x / y, 1, (1 - x - y) / y)
    np.testing.assert_allclose(gains, neutral.max() / neutral, rtol=1e-3)


@pytest.mark.parametrize("xy", [(0.0, 0.0), (0.0, 0.3), (0.5, 0.1858), (0.6, 0.4), (0.9, 0.9)])
def test_a_place_that_is_no_white_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xy: tuple[float, float]
) -> None:
    monkeypatch.setattr(dng, "_colour", lambda _: [Field(50729, "rational", xy)])
    write_dng(tmp_path / "x.dng", np.full((48, 64), 5000, np.uint16), DngFields())
    raw = read_raw(tmp_path / "x.dng")
    assert any("white balance" in remark for remark in raw.remarks)
    assert bool(raw.camera.white_balance.isfinite().all())


def test_camera_matrix_of_the_file_serves_where_no_other_is_known(tmp_path: Path) -> None:
    write_dng(tmp_path / "x.dng", np.zeros((48, 64), np.uint16), DngFields())
    matrix = np.array([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])
    decoded = replace(decode(tmp_path / "x.dng"), xyz_to_cam=np.zeros((3, 3)), cam_to_srgb=matrix)
    camera, remarks = camera_of(decoded, TiffTags(), torch.rand(1, 8, 8))
    np.testing.assert_allclose(camera.cam_to_srgb, matrix, atol=1e-5)
    assert remarks == ()


def test_a_second_green_is_averaged(tmp_path: Path) -> None:
    write_dng(tmp_path / "x.dng", np.zeros((48, 64), np.uint16), DngFields())
    decoded = replace(decode(tmp_path / "x.dng"), as_shot=(2.0, 1.0, 1.5, 1.02))
    gains, _ = white_balance(decoded, TiffTags(), None, torch.zeros(1, 2, 2))
    torch.testing.assert_close(gains, torch.tensor([2.0, 1.01, 1.5]))
