"""A DNG with everything in it, for what reads and writes them."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.bayer import PHASES, Phase
from pellucid.io import Area
from pellucid.io.lossless_jpeg import encode_tiles, tile_side
from pellucid.io.tiff_writer import Entry, Field, Order, Tree, text, write_tree

MATRIX = [0.88, -0.32, -0.1, -0.47, 1.29, 0.2, -0.11, 0.19, 0.61]
FORWARD = [0.6, 0.3, 0.0642, 0.25, 0.7, 0.05, 0.02, 0.1, 0.7049]


def gain_map(site: int, gain: float) -> bytes:
    """One GainMap opcode for one site of a mosaic."""
    area = struct.pack(">8I", site // 2, site % 2, 40, 40, 0, 1, 2, 2)
    grid = struct.pack(">2I4dI", 2, 2, 1.0, 1.0, 0.0, 0.0, 1) + struct.pack(">4f", *[gain] * 4)
    return struct.pack(">4I", 9, 0x01030000, 1, len(area + grid)) + area + grid


def opcode_list(*opcodes: bytes) -> bytes:
    """The bytes of an opcode list."""
    return struct.pack(">I", len(opcodes)) + b"".join(opcodes)


@dataclass(frozen=True)
class Rich:
    """What a test asks of a DNG; `first`, `raw`, `exif` replace fields, or with None drop them."""

    sensor: np.ndarray
    """Integers before any linearisation."""
    phase: Phase = "RGGB"
    black: tuple[int, ...] = (64,)
    white: int = 1023
    bits: int = 10
    order: Order = "<"
    orientation: int = 1
    area: Area | None = None
    crop: Area | None = None
    table: np.ndarray | None = None
    jpeg: bool = True
    noise: tuple[float, ...] | None = (1e-3, 1e-6)
    preview: Image.Image | None = None
    nested: bool = True
    """Whether the raw pixels stand in a directory below the first one."""
    first: dict[int, Field | Entry | None] = field(default_factory=dict)
    raw: dict[int, Field | Entry | None] = field(default_factory=dict)
    exif: dict[int, Field | Entry | None] = field(default_factory=dict)


def write_rich(path: Path, rich: Rich) -> Path:
    """Write a DNG as cameras do: thumbnail first, raw below it, EXIF, GPS and a maker's note."""
    main = _replaced(_main(rich), rich.first)
    raw = _replaced(_raw(rich), rich.raw)
    blocks = encode_tiles(rich.sensor, rich.bits) if rich.jpeg else [_plain(rich)]
    exif = Tree(_replaced(_exif(), rich.exif), below={40965: [Tree([text(1, "R98")])]})
    below = {34665: [exif], 34853: [Tree(_gps())]}
    if not rich.nested:
        tree = Tree([*main, *raw], blocks, rich.jpeg, below)
    else:
        thumb = [Field(254, "long", [1]), *_picture(2, 2, 1), Field(278, "long", [2])]
        pictures = [Tree(raw, blocks, rich.jpeg)]
        if rich.preview is not None:
            pictures.append(_preview(rich.preview))
        tree = Tree([*main, *thumb], [bytes(range(12))], below={330: pictures, **below})
    with path.open("wb") as file:
        write_tree(file, tree, rich.order)
    return path


@pytest.fixture
def rich_dng() -> Callable[[Path, Rich], Path]:
    """Writes a DNG with everything in it."""
    return write_rich


@pytest.fixture
def rich() -> type[Rich]:
    """What can be asked of it."""
    return Rich


def _replaced(fields: list, changes: dict[int, Field | Entry | None]) -> list:
    kept = [one for one in fields if one.code not in changes]
    return kept + [one for one in changes.values() if one is not None]


def _main(rich: Rich) -> list[Field | Entry]:
    return [
        text(271, "Maker"),
        text(272, "Model 7"),
        text(305, "Firmware 1.2"),
        text(306, "2024:02:29 12:34:56"),
        text(315, "Someone"),
        text(33432, "Rights"),
        Field(274, "short", [rich.orientation]),
        Field(50706, "byte", [1, 4, 0, 0]),
        Field(50707, "byte", [1, 3, 0, 0]),
        text(50708, "Maker Model 7 Unique"),
        Field(50721, "srational", MATRIX),
        Field(50722, "srational", [value * 0.9 for value in MATRIX]),
        Field(50778, "short", [17]),
        Field(50779, "short", [21]),
        Field(50723, "srational", [1.01, 0, 0, 0, 1, 0, 0, 0, 0.99]),
        Field(50727, "rational", [1, 1, 1]),
        Field(50728, "rational", [0.5, 1, 0.625]),
        Field(50730, "srational", [0.25]),
        Field(50964, "srational", FORWARD),
        Field(50965, "srational", FORWARD),
        text(50735, "serial 123"),
        Field(50740, "byte", b"private"),
        Field(50741, "short", [1]),
        text(50936, "A profile"),
        text(50931, "calibration"),
    ]


def _raw(rich: Rich) -> list[Field | Entry]:
    height, width = rich.sensor.shape
    red, side = PHASES.index(rich.phase), 2 if len(rich.black) == 4 else 1
    fields: list[Field | Entry] = [
        Field(254, "long", [0]),
        *_picture(width, height, 7 if rich.jpeg else 1, rich.bits, 1, 32803),
        *([Field(code, "long", [tile_side(width)]) for code in (322, 323)] if rich.jpeg else []),
        *([] if rich.jpeg else [Field(278, "long", [height])]),
        Field(33421, "short", [2, 2]),
        Field(33422, "byte", [0 if s == red else 2 if s == 3 - red else 1 for s in range(4)]),
        Field(50713, "short", [side, side]),
        Field(50714, "long", rich.black),
        Field(50717, "long", [rich.white]),
        Field(51008, "undefined", opcode_list(struct.pack(">4I", 99, 0x01030000, 1, 4) + b"abcd")),
        Field(51009, "undefined", opcode_list(*(gain_map(site, 1.0 + site) for site in range(4)))),
        Field(51022, "undefined", opcode_list()),
    ]
    if rich.table is not None:
        fields.append(Field(50712, "short", rich.table.tolist()))
    if rich.area is not None:
        fields.append(Field(50829, "long", rich.area))
    if rich.crop is not None:
        top, left, bottom, right = rich.crop
        fields.append(Field(50719, "rational", [left, top]))
        fields.append(Field(50720, "rational", [right - left, bottom - top]))
    return fields + ([Field(51041, "double", rich.noise)] if rich.noise else [])


def _picture(
    width: int, height: int, compression: int, bits: int = 8, samples: int = 3, kind: int = 2
) -> list[Field]:
    return [
        Field(256, "long", [width]),
        Field(257, "long", [height]),
        Field(258, "short", [bits] * samples),
        Field(259, "short", [compression]),
        Field(262, "short", [kind]),
        Field(277, "short", [samples]),
        Field(284, "short", [1]),
    ]


def _preview(picture: Image.Image) -> Tree:
    file = BytesIO()
    picture.save(file, "JPEG", quality=95)
    fields = [Field(254, "long", [1]), *_picture(picture.width, picture.height, 7, kind=6)]
    return Tree([*fields, Field(278, "long", [picture.height])], [file.getvalue()])


def _exif() -> list[Field | Entry]:
    return [
        Field(33434, "rational", [1 / 125]),
        Field(33437, "rational", [2.8]),
        Field(34855, "short", [3200]),
        Field(36864, "undefined", b"0231"),
        text(36867, "2024:02:29 12:34:56"),
        Field(37386, "rational", [35]),
        Field(37500, "undefined", b"Maker note " * 5),
        Field(42034, "rational", [24, 70, 2.8, 4]),
        text(42036, "A lens 24-70"),
    ]


def _gps() -> list[Field]:
    return [
        Field(0, "byte", [2, 3, 0, 0]),
        text(1, "N"),
        Field(2, "rational", [59, 20, 3.5]),
        text(3, "E"),
        Field(4, "rational", [18, 3, 12.25]),
    ]


def _plain(rich: Rich) -> bytes:
    """Whole 16-bit integers in the file's byte order."""
    return rich.sensor.astype(f"{rich.order}u2").tobytes()
