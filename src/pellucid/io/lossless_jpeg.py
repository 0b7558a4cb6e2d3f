"""Lossless JPEG tiles, as DNG's Compression 7 asks for (ITU-T T.81, process 14)."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
from collections.abc import Iterator
from typing import NamedTuple

import imagecodecs
import numpy as np
import numpy.typing as npt

_LARGEST = 512  # readers decode tiles in parallel
LOSSLESS = 0xC3
"""The frame marker of a lossless JPEG."""


class Frame(NamedTuple):
    """What a JPEG's frame header says; `marker` names its process."""

    marker: int
    precision: int
    height: int
    width: int
    components: int


def tile_side(width: int) -> int:
    """Side of a tile, a multiple of 16 as TIFF asks; not more than the picture's width.

    LibRaw and dcraw take the rest of a wider tile's row for the picture's next row.
    """
    return max(16, min(_LARGEST, width // 16 * 16))


def encode_tiles(pixels: npt.NDArray[np.uint16], bits: int) -> list[bytes]:
    """Tiles of integers (H, W) or (H, W, 3) in reading order; beyond the edge, it is repeated.

    `bits` are 9 to 16.
    """
    return [_encode(tile, bits) for tile in _tiles(pixels)]


def _tiles(pixels: npt.NDArray[np.uint16]) -> Iterator[npt.NDArray[np.uint16]]:
    height, width = pixels.shape[:2]
    side = tile_side(width)
    for top in range(0, height, side):
        for left in range(0, width, side):
            tile = pixels[top : top + side, left : left + side]
            missing = [(0, side - tile.shape[0]), (0, side - tile.shape[1])]
            yield np.pad(tile, missing + [(0, 0)] * (tile.ndim - 2), mode="edge")


def _encode(tile: npt.NDArray[np.uint16], bits: int) -> bytes:
    """A mosaic's neighbours of one colour stand two apart: as two components they predict well."""
    parts = tile if tile.ndim == 3 else tile.reshape(len(tile), -1, 2)
    space = "rgb" if tile.ndim == 3 else "unknown"
    encoded = imagecodecs.jpeg_encode(
        np.ascontiguousarray(parts),
        lossless=True,
        predictor=1,
        bitspersample=bits,
        colorspace=space,
        outcolorspace=space,
    )
    return bytes(encoded)


def jpeg_frame(data: bytes) -> Frame | None:
    """The frame header of a JPEG that begins the data; None where there is none."""
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return Frame(marker, *struct.unpack_from(">BHHB", data, at + 4))
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None
