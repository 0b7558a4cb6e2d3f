"""Writing finished pictures: PNG, JPEG and TIFF, upright, with a colour profile and EXIF."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from pathlib import Path
from typing import BinaryIO, Literal

import imagecodecs
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from pellucid.choices import OutputProfile
from pellucid.color import to_profile
from pellucid.errors import FileError
from pellucid.io.orientation import upright
from pellucid.io.picture_facts import PictureFacts, picture_facts
from pellucid.io.png import encode_png
from pellucid.io.profiles import icc_profile
from pellucid.io.replacing import check_folder, replacing
from pellucid.io.tiff_writer import Field, Order, Tree, write_tree
from pellucid.raw import RawImage

Bits = Literal[8, 16]
Pixels = npt.NDArray[np.uint8 | np.uint16]

# The bits that each format takes, its default first.
_BITS: dict[str, tuple[Bits, ...]] = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".tif": (16, 8),
    ".tiff": (16, 8),
}

_BAND = 512  # Rows that are converted at once.
_STRIP = 1 << 18  # Bytes of a TIFF's strips.

PICTURE_SUFFIXES = frozenset(_BITS)
"""The endings of the pictures that can be written, in lower case."""


def check_output(
    path: str | Path, bits: Bits | None = None, profile: OutputProfile = "srgb"
) -> None:
    """Raise FileError where a picture could not be written, before any long work."""
    check_bits(path, bits, profile)
    check_folder(path)


def check_bits(path: str | Path, bits: Bits | None = None, profile: OutputProfile = "srgb") -> None:
    """Raise FileError where the ending is none of a picture, or cannot hold bits and profile."""
    suffix = Path(path).suffix.lower()
    if suffix not in _BITS:
        raise FileError.of(path, f"unknown ending {suffix!r}; expected one of {', '.join(_BITS)}")
    if bits is not None and bits not in _BITS[suffix]:
        raise FileError.of(path, f"{suffix} cannot hold {bits} bits; expected {_BITS[suffix][0]}")
    if profile == "linear" and (bits == 8 or 16 not in _BITS[suffix]):
        got = f"{suffix} of {bits or 8} bits"
        raise FileError.of(
            path, f"{got} is too coarse for linear light; expected .png or .tif of 16"
        )


def write_picture(
    path: str | Path,
    srgb: Tensor,
    raw: RawImage | None = None,
    *,
    bits: Bits | None = None,
    profile: OutputProfile = "srgb",
    source: str | Path | None = None,
) -> None:
    """Write display values (3, H, W) in [0, 1]; the ending says the format.

    With its raw, a picture in the frame of `raw.mosaic` loses the padding, is turned upright, and
    carries the file's EXIF; one made of a finished picture carries that of `source`. PNG has 8 bits
    or 16, JPEG 8, TIFF 16 or 8; `linear` has 16.
    Values outside [0, 1] are colours outside sRGB: a wider profile holds them, else they are
    clipped. Raises FileError.
    """
    check_output(path, bits, profile)
    if srgb.dim() != 3 or srgb.shape[0] != 3:
        raise ValueError(f"picture has shape {tuple(srgb.shape)}; expected (3, H, W)")
    suffix = Path(path).suffix.lower()
    depth = bits or (16 if profile == "linear" else _BITS[suffix][0])
    pixels = _pixels(_placed(srgb, raw), depth, profile)
    height, width, _ = pixels.shape
    shot = Path(source) if raw is None and source is not None else raw
    facts = picture_facts(shot, height, width, srgb=profile == "srgb")
    with replacing(path) as file:
        _encode(file, suffix, pixels, facts, icc_profile(profile))


def _placed(srgb: Tensor, raw: RawImage | None) -> Tensor:
    if raw is None or raw.source is None:
        return srgb
    shown = raw.trim(srgb) if srgb.shape[-2:] == raw.mosaic.shape[-2:] else srgb
    return upright(shown, raw.source.orientation)


def _pixels(srgb: Tensor, bits: Bits, profile: OutputProfile) -> Pixels:
    """Integers (H, W, 3), a band of rows at a time."""
    pixels = np.empty((*srgb.shape[1:], 3), np.uint8 if bits == 8 else np.uint16)
    for start in range(0, srgb.shape[1], _BAND):
        band = srgb[:, start : start + _BAND].detach().cpu().float().nan_to_num(0, 1, 0)
        scaled = to_profile(band, profile).clamp(0, 1).mul(2**bits - 1).round()
        pixels[start : start + _BAND] = scaled.permute(1, 2, 0).to(torch.int32).numpy()
    return pixels


def _encode(
    file: BinaryIO, suffix: str, pixels: Pixels, facts: PictureFacts, profile: bytes
) -> None:
    match suffix:
        case ".png":
            file.write(encode_png(pixels, profile, facts.block()))
        case ".jpg" | ".jpeg":
            exif = b"Exif\0\0" + facts.block()
            Image.fromarray(pixels).save(
                file, "JPEG", quality=95, subsampling=0, icc_profile=profile, exif=exif
            )
        case _:
            _encode_tiff(file, pixels, facts, profile)


def _encode_tiff(file: BinaryIO, pixels: Pixels, facts: PictureFacts, profile: bytes) -> None:
    """In strips, each row as differences of neighbours, deflated."""
    height, width, _ = pixels.shape
    rows = max(1, _STRIP // (width * 3 * pixels.itemsize))
    strips = [_strip(pixels[top : top + rows], facts.order) for top in range(0, height, rows)]
    structure = [
        Field(256, "long", [width]),
        Field(257, "long", [height]),
        Field(258, "short", [8 * pixels.itemsize] * 3),
        Field(259, "short", [8]),  # Compression: deflate
        Field(262, "short", [2]),  # PhotometricInterpretation: RGB
        Field(277, "short", [3]),
        Field(278, "long", [rows]),
        Field(284, "short", [1]),
        Field(317, "short", [2]),  # Predictor: horizontal differences
        Field(34675, "undefined", profile),
    ]
    write_tree(file, Tree([*structure, *facts.entries], strips, below=facts.below), facts.order)


def _strip(pixels: Pixels, order: Order) -> bytes:
    differences = pixels.copy()
    differences[:, 1:] -= pixels[:, :-1]
    ordered = differences.astype(differences.dtype.newbyteorder(order))
    return bytes(imagecodecs.deflate_encode(ordered.tobytes(), level=6))
