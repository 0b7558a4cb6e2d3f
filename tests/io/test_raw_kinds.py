"""What a raw says beside its pixels: lens shading, bad pixels, tables, white, JPEG XL."""

import struct
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch

from pellucid import Noise, develop, read_raw
from pellucid.errors import FileError
from pellucid.io import DngFields, read_bayer, write_dng
from pellucid.io.clean_dng import Cleaning, write_clean_dng
from pellucid.io.dng_fields import X_TRANS, Area
from pellucid.io.gain_opcodes import Opcode, opcode_list
from pellucid.io.tiff_writer import Field, Tree, write_tree
from pellucid.look.white_balance import auto_gains
from pellucid.restore import Restorer

BLACK, WHITE, SIDE = 1024, 60000, (97, 120)
AREA = Area(3, 4, 95, 116)


def vignette(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Light that arrives at places from 0 to 1."""
    return 1 / (1 + 0.8 * ((y[:, None] - 0.5) ** 2 + (x - 0.5) ** 2) * 2)


def gain_map(gains: np.ndarray, site: tuple[int, int] | None = None, plane: int = 0) -> Opcode:
    """A map over the active area, for all pixels or one of four sites."""
    top, left = site or (0, 0)
    pitch = 2 if site else 1
    height, width = AREA.bottom - AREA.top, AREA.right - AREA.left
    rows, columns = gains.shape
    data = struct.pack(">8I", top, left, height, width, plane, 1, pitch, pitch)
    data += struct.pack(">2I4dI", rows, columns, 1 / (rows - 1), 1 / (columns - 1), 0, 0, 1)
    return Opcode(9, 0x01030000, 1, data + gains.astype(">f4").tobytes())


def shaded(level: float = 0.4) -> np.ndarray:
    """A grey wall through the vignette."""
    height, width = AREA.bottom - AREA.top, AREA.right - AREA.left
    y = (np.arange(SIDE[0]) - AREA.top + 0.5) / height
    x = (np.arange(SIDE[1]) - AREA.left + 0.5) / width
    return np.rint(vignette(y, x) * level * (WHITE - BLACK) + BLACK).astype(np.uint16)


def points() -> np.ndarray:
    return 1 / vignette(np.linspace(0, 1, 17), np.linspace(0, 1, 21))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("single", [True, False])
def test_a_known_vignette_develops_flat(tmp_path: Path, number: int, single: bool) -> None:
    sites = [(y, x) for y in (0, 1) for x in (0, 1)]
    if number == 1:
        maps = [gain_map(points(), site) for site in sites] if single else [gain_map(points())]
    else:
        maps = [gain_map(points(), plane=plane) for plane in range(3)]
    lists = [b"", b"", b""]
    lists[number] = opcode_list(maps)
    said = DngFields(black=(BLACK,), white=WHITE, active_area=AREA, opcode_lists=tuple(lists))  # pyright: ignore
    write_dng(tmp_path / "x.dng", shaded(), said)
    raw = read_raw(tmp_path / "x.dng")
    assert raw.gain is not None and raw.gain.shape == raw.light.shape
    assert raw.light.amax() / raw.light.amin() > 1.5
    picture = raw.trim(develop(raw))
    assert picture.amax() / picture.amin() - 1 < 0.005
    restored = Restorer.load()(raw, Noise(1e-6, 1e-8))
    assert (restored.mosaic / raw.light - 1).abs().mean() < 0.02
    level = raw.trim(restored.srgb)[:, 8:-8, 8:-8]
    assert level.amax() / level.amin() - 1 < 0.05


def test_shading_of_linear_pixels(tmp_path: Path) -> None:
    maps = opcode_list([gain_map(points(), plane=plane) for plane in range(3)])
    said = DngFields(
        black=(BLACK,), white=WHITE, active_area=AREA, opcode_lists=(b"", b"", maps), pattern=()
    )
    write_dng(tmp_path / "x.dng", np.repeat(shaded()[..., None], 3, 2), said)
    picture = develop(read_raw(tmp_path / "x.dng"))
    assert picture.amax() / picture.amin() - 1 < 0.005


def test_what_is_kept_but_not_applied_is_said(tmp_path: Path) -> None:
    warp = opcode_list([Opcode(1, 0x01030000, 1, bytes(60))])
    write_dng(tmp_path / "x.dng", shaded(), DngFields(opcode_lists=(b"", b"", warp)))
    assert any("WarpRectilinear" in remark for remark in read_raw(tmp_path / "x.dng").remarks)


def test_damaged_maps_are_left_out(tmp_path: Path) -> None:
    whole = gain_map(points())
    broken = [whole._replace(data=whole.data[:size]) for size in (0, 40, 75, 90)]
    said = DngFields(opcode_lists=(b"", opcode_list(broken), b""))
    write_dng(tmp_path / "x.dng", shaded(), said)
    assert read_raw(tmp_path / "x.dng").gain is None


def test_listed_bad_pixels_are_mended(tmp_path: Path) -> None:
    sensor = np.full(SIDE, 20000, np.uint16)
    sensor[AREA.top + 10, AREA.left + 7] = 60000
    sensor[AREA.top + 20 : AREA.top + 22, AREA.left + 30 : AREA.left + 33] = 0
    sensor[50, 50] = 7
    listed = struct.pack(">3I", 0, 1, 1) + struct.pack(">2I4I", 10, 7, 20, 30, 22, 33)
    ops = [Opcode(4, 0x01030000, 0, struct.pack(">2I", 7, 0)), Opcode(5, 0x01030000, 0, listed)]
    said = DngFields(black=(BLACK,), active_area=AREA, opcode_lists=(opcode_list(ops), b"", b""))
    write_dng(tmp_path / "x.dng", sensor, said)
    mosaic = read_raw(tmp_path / "x.dng").mosaic
    assert mosaic.amax() - mosaic.amin() < 1e-6


def test_a_bad_constant_is_an_integer_of_the_file(tmp_path: Path) -> None:
    stored = np.full(SIDE, 500, np.uint16)
    stored[20, 20], stored[31, 41] = 0, 0
    table = tuple(range(64, 1088))
    constant = opcode_list([Opcode(4, 0x01030000, 0, struct.pack(">2I", 0, 0))])
    lists = (constant, b"", b"")
    said = DngFields(black=(64.0,), white=1087, linearization=table, opcode_lists=lists)
    write_dng(tmp_path / "x.dng", stored, said)
    mosaic = read_raw(tmp_path / "x.dng").mosaic
    assert mosaic.amax() - mosaic.amin() < 1e-6


def test_linearization_tables_are_applied_to_other_patterns(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (60, 72), dtype=np.uint16)
    table = tuple(int(value) for value in (np.arange(256) ** 2) // 2)
    write_dng(tmp_path / "x.dng", stored, DngFields(pattern=X_TRANS, linearization=table))
    source = read_raw(tmp_path / "x.dng").source
    assert source is not None
    np.testing.assert_array_equal(source.sensor, np.array(table)[stored])


def test_a_white_level_that_is_never_reached_is_settled(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    scene = generator.uniform(0, 1.6, (400, 400)) ** 2 * 4000
    sensor = np.minimum(scene, 3800 + generator.normal(0, 8, scene.shape))
    said = DngFields(black=(0.0,), white=4095)
    write_dng(tmp_path / "x.dng", np.rint(sensor).clip(0).astype(np.uint16), said)
    raw = read_raw(tmp_path / "x.dng")
    assert raw.source is not None and 3770 < raw.source.white < 3805
    assert any("White level 4095" in remark for remark in raw.remarks)


def test_a_bright_object_is_no_saturation(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    sensor = generator.uniform(0, 2000, (400, 400))
    wall = np.array([[2900.0, 3800.0], [3800.0, 3100.0]])
    sensor[100:300, 100:300] = np.tile(wall, (100, 100)) + generator.normal(0, 8, (200, 200))
    said = DngFields(black=(0.0,), white=4095)
    write_dng(tmp_path / "x.dng", np.rint(sensor).astype(np.uint16), said)
    raw = read_raw(tmp_path / "x.dng")
    assert raw.source is not None and raw.source.white == 4095


def tiled_dng(path: Path, pixels: np.ndarray, said: list[Field], block: bytes) -> Path:
    """A DNG in one tile of a codec that our writer has not; `said` names it.

    Linear, or of two dimensions a mosaic of RGGB.
    """
    matrix = (3.24, -1.54, -0.5, -0.97, 1.88, 0.04, 0.06, -0.2, 1.06)
    height, width, samples = np.atleast_3d(pixels).shape
    filters = [Field(33421, "short", [2, 2]), Field(33422, "byte", [0, 1, 1, 2])]
    fields = [
        Field(254, "long", [0]),
        Field(256, "long", [width]),
        Field(257, "long", [height]),
        Field(258, "short", [8 * pixels.itemsize] * samples),
        Field(262, "short", [32803 if samples == 1 else 34892]),
        Field(277, "short", [samples]),
        Field(284, "short", [1]),
        Field(322, "long", [width]),
        Field(323, "long", [height]),
        *(filters if samples == 1 else []),
        Field(50706, "byte", [1, 7, 1, 0]),
        Field(50721, "srational", matrix),
        Field(50728, "rational", [0.5, 1.0, 0.625]),
        Field(50778, "short", [21]),
        *said,
    ]
    with path.open("wb") as file:
        write_tree(file, Tree(fields, [block], tiled=True), "<")
    return path


def jpeg_xl(path: Path, pixels: np.ndarray, *others: Field, leave_out: int = 0) -> Path:
    """A DNG in JPEG XL, which LibRaw cannot read.

    `others` stand in the place of levels of their code; `leave_out` is a code that is missing.
    """
    samples = np.atleast_3d(pixels).shape[2]
    levels = [Field(50714, "long", [BLACK] * samples), Field(50717, "long", [WHITE] * samples)]
    replaced = {leave_out, *(field.code for field in others)}
    levels = [field for field in levels if field.code not in replaced]
    block = imagecodecs.jpegxl_encode(pixels, lossless=True)
    return tiled_dng(path, pixels, [Field(259, "short", [52546]), *levels, *others], block)


LOSSY_BLACK, CURVE = 51, (0.0, 0.05, 0.0, 0.8)


def lossy_jpeg(path: Path) -> tuple[Path, np.ndarray]:
    """A linear DNG as Adobe's converter compresses it, and the integers of it, even and grey."""
    levels = [Field(50714, "long", [LOSSY_BLACK] * 3), Field(50717, "long", [255] * 3)]
    area = [struct.pack(">9I", 0, 0, 48, 64, plane, 1, 1, 1, 3) for plane in range(3)]
    maps = [Opcode(8, 0x01030000, 0, each + struct.pack(">4d", *CURVE)) for each in area]
    curves = Field(51009, "undefined", opcode_list(maps))
    squares = np.linspace(11, 255, 48).round().astype(np.uint8).reshape(6, 8)
    pixels = np.repeat(np.kron(squares, np.ones((8, 8), np.uint8))[..., None], 3, 2)
    block = imagecodecs.jpeg8_encode(pixels, level=100, subsampling="444")
    said = [Field(259, "short", [34892]), *levels, curves]
    return tiled_dng(path, pixels, said, block), pixels


def test_lossy_jpeg_is_mapped_after_black(tmp_path: Path) -> None:
    path, pixels = lossy_jpeg(tmp_path / "x.dng")
    raw = read_raw(path)
    x = (pixels.astype(np.float64).transpose(2, 0, 1) - LOSSY_BLACK) / (255 - LOSSY_BLACK)
    wanted = torch.from_numpy(CURVE[1] * x + CURVE[3] * x**3)
    torch.testing.assert_close(raw.light.double(), wanted, atol=0.006, rtol=0)  # a step of JPEG
    torch.testing.assert_close(raw.light.mean().double(), wanted.mean(), atol=5e-4, rtol=0)
    assert not any("MapPolynomial" in remark for remark in raw.remarks)


def test_a_clean_dng_of_lossy_jpeg_is_not_mapped_again(tmp_path: Path) -> None:
    raw = read_raw(lossy_jpeg(tmp_path / "x.dng")[0])
    write_clean_dng(tmp_path / "y.dng", raw, raw.light, torch.zeros(3, *raw.mosaic.shape[1:]))
    back = read_raw(tmp_path / "y.dng")
    torch.testing.assert_close(back.light, raw.light.clamp(min=0), atol=1e-5, rtol=0)
    assert back.source is not None and 51009 not in back.source.tags


def test_damaged_lossy_jpeg(tmp_path: Path) -> None:
    path, _ = lossy_jpeg(tmp_path / "x.dng")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\xff\xda") + 60
    data[at : at + 2] = b"\xff\xd9"  # its end, too early
    path.write_bytes(data)
    with pytest.raises(FileError, match="damaged"):
        read_raw(path)


def test_jpeg_xl_is_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(BLACK, WHITE, (48, 64, 3), dtype=np.uint16)
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", pixels))
    wanted = torch.from_numpy((pixels.astype(np.float32) - BLACK) / (WHITE - BLACK))
    torch.testing.assert_close(raw.light, wanted.permute(2, 0, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(raw.camera.white_balance, torch.tensor([2.0, 1.0, 1.6]))


@pytest.mark.parametrize(("down", "across"), [(2, 2), (2, 1), (1, 3), (5, 2), (1000, 2)])
def test_jpeg_xl_in_interleaved_fields(tmp_path: Path, down: int, across: int) -> None:
    sensor = np.random.default_rng(0).integers(BLACK, WHITE, (47, 64), dtype=np.uint16)
    rows = [sensor[first::down] for first in range(min(down, 47))]
    stored = np.concatenate(rows)
    stored = np.concatenate([stored[:, first::across] for first in range(across)], axis=1)
    factors = Field(50975, "long", [down]), Field(52547, "long", [across])
    source = read_raw(jpeg_xl(tmp_path / "x.dng", stored, *factors)).source
    assert source is not None
    np.testing.assert_array_equal(source.sensor, sensor)


@pytest.mark.parametrize(
    ("repeat", "levels", "meant"),
    [
        ((2, 2), (500, 600, 700, 800), (500, 600, 700, 800)),
        ((1, 2), (500, 600), (500, 600, 500, 600)),
        ((2, 1), (500, 600), (500, 500, 600, 600)),
        ((1, 4), (500, 600, 520, 640), (510, 620, 510, 620)),
        ((1, 1), (700,), (700,) * 4),
        ((2, 2), (500, 600), (550,) * 4),
    ],
)
def test_jpeg_xl_with_black_by_site(
    tmp_path: Path, repeat: tuple[int, int], levels: tuple[int, ...], meant: tuple[int, ...]
) -> None:
    area = Area(1, 2, 47, 63)
    sensor = np.roll(np.tile(np.reshape(meant, (2, 2)), (24, 32)), (1, 2), (0, 1))
    said = Field(50713, "short", repeat), Field(50714, "long", levels), Field(50829, "long", area)
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", sensor.astype(np.uint16), *said))
    assert raw.source is not None and raw.source.black == meant
    assert not raw.mosaic.any()


@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_xl_with_black_of_rows_and_columns(tmp_path: Path, samples: int) -> None:
    rows, columns = np.arange(48.0), np.arange(64.0) * 2
    said = [Field(50716, "srational", rows.tolist()), Field(50715, "srational", columns.tolist())]
    pixels = (BLACK + np.add.outer(rows, columns)).astype(np.uint16)
    pixels = pixels if samples == 1 else np.repeat(pixels[..., None], 3, 2)
    assert not read_raw(jpeg_xl(tmp_path / "x.dng", pixels, *said)).light.any()


def test_jpeg_xl_with_black_by_colour(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 3), (500, 600, 700), np.uint16)
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", pixels, Field(50714, "long", [500, 600, 700])))
    assert not raw.light.any()


@pytest.mark.parametrize(("kind", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_jpeg_xl_without_a_white_level(tmp_path: Path, kind: type, white: int) -> None:
    black = Field(50714, "long", [0])
    sensor = np.random.default_rng(0).integers(0, 200, (48, 64)).astype(kind)
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", sensor, black, leave_out=50717))
    assert raw.source is not None and raw.source.white == white
    table = Field(50712, "short", (np.arange(256) * 16).tolist())
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", sensor, black, table, leave_out=50717))
    assert raw.source is not None and raw.source.white == 255 * 16


@pytest.mark.parametrize("sides", [(2, 2), (4, 4), (6, 6), (2, 64), (64, 10)])
def test_jpeg_xl_of_a_few_pixels_is_refused(tmp_path: Path, sides: tuple[int, int]) -> None:
    with pytest.raises(FileError, match="makes no sense; expected 12 or more"):
        read_raw(jpeg_xl(tmp_path / "x.dng", np.full(sides, 5000, np.uint16)))


def test_jpeg_xl_of_twelve_pixels_is_restored(tmp_path: Path) -> None:
    sensor = np.random.default_rng(0).integers(5000, 9000, (12, 12), dtype=np.uint16)
    raw = read_raw(jpeg_xl(tmp_path / "x.dng", sensor))
    assert develop(raw).shape == Restorer.load()(raw).srgb.shape == (3, 12, 12)
    assert bool(auto_gains(raw.mosaic).isfinite().all())


def test_jpeg_xl_without_its_codec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jpeg_xl(tmp_path / "x.dng", np.full((48, 64, 3), 5000, np.uint16))
    monkeypatch.setattr(imagecodecs.JPEGXL, "available", False)
    with pytest.raises(FileError, match="pip install"):
        read_raw(path)


def test_damaged_jpeg_xl(tmp_path: Path) -> None:
    path = jpeg_xl(tmp_path / "x.dng", np.full((48, 64, 3), 5000, np.uint16))
    at = path.read_bytes().index(b"\xff\x0a") if b"\xff\x0a" in path.read_bytes() else -40
    data = bytearray(path.read_bytes())
    data[at : at + 30] = bytes(30)
    path.write_bytes(data)
    with pytest.raises(FileError):
        read_raw(path)


@pytest.mark.parametrize("pattern", [X_TRANS, ()])
def test_clean_dngs_of_other_kinds_are_linear(tmp_path: Path, pattern: tuple[str, ...]) -> None:
    sensor = np.random.default_rng(0).integers(5000, 9000, (61, 73), dtype=np.uint16)
    write_dng(tmp_path / "x.dng", sensor, DngFields(black=(1024.0,), pattern=pattern))
    raw = read_raw(tmp_path / "x.dng")
    srgb = torch.zeros(3, *raw.mosaic.shape[1:])
    write_clean_dng(tmp_path / "y.dng", raw, raw.light * 0.5, srgb, Cleaning(noise=Noise(1e-3, 0)))
    back = read_raw(tmp_path / "y.dng")
    torch.testing.assert_close(back.trim(back.light), raw.trim(raw.light) * 0.5, atol=1e-5, rtol=0)
    write_clean_dng(tmp_path / "z.dng", raw, raw.light, srgb, Cleaning(strength=0))
    same = read_raw(tmp_path / "z.dng").source
    assert same is not None
    np.testing.assert_array_equal(same.sensor, sensor)
    with pytest.raises(FileError, match="expected a Bayer mosaic"):
        read_bayer(tmp_path / "x.dng")


@pytest.mark.parametrize("strength", [0.0, 1.0])
@pytest.mark.parametrize("pattern", [X_TRANS, ()])
def test_clean_dngs_of_files_that_are_none_are_linear(
    tmp_path: Path, pattern: tuple[str, ...], strength: float
) -> None:
    sensor = np.random.default_rng(0).integers(5000, 9000, (61, 73), dtype=np.uint16)
    write_dng(tmp_path / "x.dng", sensor, DngFields(black=(1024.0,), pattern=pattern))
    (tmp_path / "x.raf").write_bytes(b"FUJIFILMCCD-RAW " + bytes(200))
    raw = replace(read_raw(tmp_path / "x.dng"), path=tmp_path / "x.raf")
    srgb = torch.zeros(3, *raw.mosaic.shape[1:])
    write_clean_dng(tmp_path / "y.dng", raw, raw.light, srgb, Cleaning(strength))
    back = read_raw(tmp_path / "y.dng")
    torch.testing.assert_close(back.trim(back.light), raw.trim(raw.light), atol=1e-5, rtol=0)
    tags = back.source.tags if back.source else {}
    assert raw.is_grey == (not pattern) and ({50721, 50728} <= tags.keys()) == (not raw.is_grey)
