"""The DNG check: each fault of the field is found, and a good file is left alone."""

import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pellucid import develop, read_raw
from pellucid.errors import FileError
from pellucid.io import Area, DngFields, write_clean_dng, write_dng
from pellucid.io.dng_check import check_dng
from pellucid.io.dng_fault import Finding
from pellucid.io.dng_fields import QUAD_BAYER, X_TRANS
from pellucid.io.tiff_writer import Entry, Field, text


def scene(height: int = 128, width: int = 160) -> np.ndarray:
    """A 10-bit RGGB mosaic of smooth colours, with a little noise."""
    rows, columns = np.mgrid[:height, :width] / width
    colours = np.stack([0.25 + 0.2 * columns, 0.5 + 0.3 * rows, 0.3 + 0.1 * rows])
    site = np.array([[0, 1], [1, 2]])[np.arange(height)[:, None] % 2, np.arange(width) % 2]
    values = np.take_along_axis(colours, site[None], 0)[0]
    noisy = values + np.random.default_rng(0).normal(0, 0.002, values.shape)
    return (64 + noisy * 900).clip(0, 1023).astype(np.uint16)


def preview(size: tuple[int, int] = (160, 128)) -> Image.Image:
    """What the scene looks like: brighter downwards and to the right."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    values = 90 + 60 * rows / size[1] + 10 * columns / size[0]
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


@pytest.fixture
def check(tmp_path: Path, rich, rich_dng):
    """Findings of a DNG with what a test asks of it."""

    def run(**asked: object) -> list[Finding]:
        asked = {"sensor": scene(), "preview": preview(), **asked}
        return check_dng(rich_dng(tmp_path / "a.dng", rich(**asked)))

    return run


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("jpeg", [True, False])
def test_a_good_dng_has_no_findings(check, order: str, jpeg: bool) -> None:
    bits = {} if jpeg else {"bits": 16}
    assert check(order=order, jpeg=jpeg, area=Area(2, 4, 126, 156), **bits) == []


FAULTS = {
    "UniqueCameraModel": {"first": {50708: None}},
    "Make (tag 271)": {"first": {271: None}},
    "Orientation is 9": {"first": {274: Field(274, "short", [9])}},
    "CalibrationIlluminant1 is missing": {"first": {50778: None}},
    "CalibrationIlluminant2 is missing": {"first": {50779: Field(50779, "short", [0])}},
    "both matrices are for light 21": {"first": {50778: Field(50778, "short", [21])}},
    "ColorMatrix1 is missing": {"first": {50721: None}},
    "ColorMatrix1 cannot be inverted": {"first": {50721: Field(50721, "srational", [1] * 9)}},
    "rows of ForwardMatrix1 sum": {"first": {50964: Field(50964, "srational", [1] * 9)}},
    "neither AsShotNeutral": {"first": {50728: None}},
    "AsShotNeutral is 0": {"first": {50728: Field(50728, "rational", [0, 1, 1])}},
    "AsShotNeutral and AsShotWhiteXY": {"first": {50729: Field(50729, "rational", [0.3, 0.3])}},
    "BaselineExposure is nan": {"first": {50730: Entry(50730, 10, 1, bytes(8))}},
    "DNGBackwardVersion 1.7": {"first": {50707: Field(50707, "byte", [1, 7, 0, 0])}},
    "opcode lists in a DNG 1.1": {
        "first": {50706: Field(50706, "byte", [1, 1, 0, 0]), 50707: None}
    },
    "ISO is 0": {"exif": {34855: Field(34855, "short", [0])}},
    "ISO is missing": {"exif": {34855: None}},
    "ExposureTime is missing": {"exif": {33434: None}},
    "DateTimeOriginal": {"exif": {36867: text(36867, "")}},
    "NoiseProfile has 8 numbers": {"noise": (1e-3, 1e-6) * 4},
    "NoiseProfile is 0 0": {"noise": (0.0, 0.0)},
    "NoiseProfile has 12": {"noise": (12.0, 3.0)},
    "OpcodeList2 holds 0 whole": {"raw": {51009: Field(51009, "undefined", b"\0\0\0\1\0\0")}},
    "NewSubfileType is 1": {"raw": {254: Field(254, "long", [1])}},
    "CFARepeatPatternDim": {"raw": {33421: None}},
    "CFAPattern has 3 sites": {"raw": {33422: Field(33422, "byte", [0, 1, 2])}},
    "CFAPattern is 0 2 1 1": {"raw": {33422: Field(33422, "byte", [0, 2, 1, 1])}},
    "the greens of CFAPattern": {"phase": "GRBG"},
    "ActiveArea begins at an odd": {"area": Area(1, 0, 127, 160), "phase": "GBRG"},
    "ActiveArea (0, 0, 999, 160)": {"raw": {50829: Field(50829, "long", [0, 0, 999, 160])}},
    "the active area has 127x": {"area": Area(0, 0, 127, 160)},
    "black levels differ by site": {
        "area": Area(1, 0, 127, 160), "phase": "GBRG", "black": (64, 65, 66, 67)
    },
    "the default crop of": {"crop": Area(2, 2, 130, 100)},
    "only one of DefaultCropOrigin": {"raw": {50719: Field(50719, "long", [0, 0])}},
    "BlackLevel has 1 numbers": {"raw": {50713: Field(50713, "short", [2, 2])}},
    "black 1000 is not below white": {"black": (1000,), "white": 900},
    "WhiteLevel 16383 is above": {"white": 16383},
    "of the pixels are above WhiteLevel": {"white": 300},
    "half of the pixels are below black": {"black": (900,)},
    "WhiteLevel is missing": {"jpeg": False, "bits": 16, "raw": {50717: None}},
    "strips are too short": {
        "jpeg": False, "bits": 16,
        "raw": {257: Field(257, "long", [200]), 278: Field(278, "long", [200])},
    },
    "Compression is 5": {"raw": {259: Field(259, "short", [5])}},
    "pixels are no JPEG": {"jpeg": False, "raw": {259: Field(259, "short", [7])}, "bits": 16},
    "BitsPerSample says 9": {"raw": {258: Field(258, "short", [9])}},
    "tile offsets": {"raw": {256: Field(256, "long", [400])}},
    "there is none": {"preview": None, "nested": False},
    "correlation": {"preview": preview().rotate(180)},
    "its noise is": {"preview": Image.effect_noise((160, 128), 60).convert("RGB")},
    "it has 128x160 pixels": {"preview": preview((128, 160))},
}  # fmt: skip


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_is_found(check, words: str) -> None:
    found = check(**FAULTS[words])
    if words == "its noise is":  # noise alone shows another picture as well
        words = "it is stale"
    assert any(words in finding.line for finding in found), [one.line for one in found]
    ranks = [("error", "warning", "note").index(finding.severity) for finding in found]
    assert ranks == sorted(ranks)


def test_a_preview_with_the_noise_that_the_raw_lost_is_stale(check) -> None:
    clean = np.asarray(preview()).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 12, clean.shape[:2])[..., None]
    noisy = Image.fromarray((clean + noise).clip(0, 255).astype(np.uint8))
    assert any("its noise is" in finding.line for finding in check(preview=noisy))


def test_pixels_that_are_cut_off_are_found(tmp_path: Path, rich, rich_dng) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(scene(), jpeg=False, bits=16))
    path.write_bytes(path.read_bytes()[:-1000])
    lines = [finding.line for finding in check_dng(path)]
    assert any("1 of 1 strips reach beyond" in line for line in lines)


def test_chained_directories_are_found(tmp_path: Path, rich, rich_dng) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(scene()))
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    with tifffile.TiffFile(path) as tiff:
        below = tiff.pages.first.pages[0].offset
    for target, words in ((below, "1 more directories"), (first, "where no other directory is")):
        struct.pack_into("<I", data, first + 2 + 12 * count, target)
        path.write_bytes(data)
        assert any(words in finding.line for finding in check_dng(path))


def test_what_is_no_dng_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(b"nothing")
    with pytest.raises(FileError, match="is no TIFF file"):
        check_dng(path)
    tifffile.imwrite(path, np.zeros((8, 8), np.uint8))
    with pytest.raises(FileError, match="has no DNGVersion"):
        check_dng(path)
    with pytest.raises(FileError, match="no such file"):
        check_dng(tmp_path / "b.dng")


def test_damaged_files_give_findings_or_one_error(tmp_path: Path, rich, rich_dng) -> None:
    whole = rich_dng(tmp_path / "a.dng", rich(scene(64, 64))).read_bytes()
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        data = bytearray(whole)
        for at in torch.randint(0, 1500, (4,), generator=generator).tolist():
            data[at] = int(torch.randint(0, 256, (1,), generator=generator))
        (tmp_path / "b.dng").write_bytes(data)
        try:
            assert all("\n" not in finding.line for finding in check_dng(tmp_path / "b.dng"))
        except FileError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("pattern", [None, X_TRANS, QUAD_BAYER, ()])
@pytest.mark.parametrize("area", [None, Area(6, 8, 122, 152), Area(5, 7, 121, 151)])
def test_own_dngs_of_every_kind_have_no_findings(
    tmp_path: Path, pattern: tuple[str, ...] | None, area: Area | None
) -> None:
    """Also where the crop has another shape than the area."""
    crop = Area(10, 40, 110, 90)
    facts = {"make": "Maker", "model": "7", "iso": 100, "exposure_time": 0.1, "black": (64.0,)}
    day = datetime(2024, 2, 29, 12)
    said = DngFields(white=1023, active_area=area, default_crop=crop, date_time=day, **facts)  # pyright: ignore
    write_dng(tmp_path / "x.dng", scene(), replace(said, pattern=pattern))
    raw = read_raw(tmp_path / "x.dng")
    write_clean_dng(tmp_path / "y.dng", raw, raw.light, develop(raw).clamp(0, 1))
    levels = ("odd row", "there is none", "black level")
    for name in ("x.dng", "y.dng"):
        found = [one.line for one in check_dng(tmp_path / name)]
        assert not [line for line in found if not any(word in line for word in levels)]


def test_a_preview_of_more_than_the_crop_is_found(check) -> None:
    found = check(crop=Area(0, 0, 128, 60))
    assert any("160x128 pixels; expected the shape of the raw" in one.line for one in found)
