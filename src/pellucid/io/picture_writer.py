"""Writing finished pictures: PNG, JPEG and TIFF, upright, with an sRGB profile and EXIF."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import Image, TiffImagePlugin
from torch import Tensor

from pellucid.errors import FileError
from pellucid.io.orientation import upright
from pellucid.io.png import encode_png
from pellucid.io.profiles import srgb_profile
from pellucid.io.replacing import check_folder, replacing
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

PICTURE_SUFFIXES = frozenset(_BITS)
"""The endings of the pictures that can be written, in lower case."""


def check_output(path: str | Path, bits: Bits | None = None) -> None:
    """Raise FileError where a picture could not be written, before any long work."""
    suffix = Path(path).suffix.lower()
    if suffix not in _BITS:
        raise FileError.of(path, f"unknown ending {suffix!r}; expected one of {', '.join(_BITS)}")
    if bits is not None and bits not in _BITS[suffix]:
        raise FileError.of(path, f"{suffix} cannot hold {bits} bits; expected {_BITS[suffix][0]}")
    check_folder(path)


def write_picture(
    path: str | Path, srgb: Tensor, raw: RawImage | None = None, *, bits: Bits | None = None
) -> None:
    """Write display values (3, H, W) in [0, 1], values outside clipped; the ending says the format.

    With its raw, a picture in the frame of `raw.mosaic` loses the padding, is turned upright, and
    carries camera and exposure. PNG has 8 bits or 16, JPEG 8, TIFF 16 or 8. Raises FileError.
    """
    check_output(path, bits)
    if srgb.dim() != 3 or srgb.shape[0] != 3:
        raise ValueError(f"picture has shape {tuple(srgb.shape)}; expected (3, H, W)")
    suffix = Path(path).suffix.lower()
    pixels = _pixels(_placed(srgb, raw), bits or _BITS[suffix][0])
    with replacing(path) as file:
        _encode(file, suffix, pixels, raw)


def _placed(srgb: Tensor, raw: RawImage | None) -> Tensor:
    if raw is None or raw.source is None:
        return srgb
    shown = raw.trim(srgb) if srgb.shape[-2:] == raw.mosaic.shape[-2:] else srgb
    return upright(shown, raw.source.orientation)


def _pixels(srgb: Tensor, bits: Bits) -> Pixels:
    """Integers (H, W, 3)."""
    scaled = srgb.detach().cpu().float().nan_to_num().clamp(0, 1).mul(2**bits - 1).round()
    values = scaled.permute(1, 2, 0).contiguous().to(torch.int32).numpy()
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def _encode(file: BinaryIO, suffix: str, pixels: Pixels, raw: RawImage | None) -> None:
    match suffix:
        case ".png":
            block = _exif(raw).removeprefix(b"Exif\0\0")
            file.write(encode_png(pixels, srgb_profile(), block))
        case ".jpg" | ".jpeg":
            Image.fromarray(pixels).save(
                file, "JPEG", quality=95, subsampling=0, icc_profile=srgb_profile(), exif=_exif(raw)
            )
        case _:
            _encode_tiff(file, pixels, raw)


def _encode_tiff(file: BinaryIO, pixels: Pixels, raw: RawImage | None) -> None:
    tifffile.imwrite(
        file,
        pixels,
        photometric="rgb",
        compression="zlib",
        predictor=True,
        iccprofile=srgb_profile(),
        metadata=None,
        software="Pellucid",
        extratags=_tiff_tags(raw),
    )


def _tiff_tags(raw: RawImage | None) -> list[tuple[int, str, int, object, bool]]:
    """Facts in the picture's own directory, as in TIFF/EP: tifffile writes no EXIF directory."""
    tags: list[tuple[int, str, int, object, bool]] = [(274, "H", 1, 1, True)]
    if raw is None:
        return tags
    words = [(271, raw.make), (272, raw.model)]
    tags += [
        (code, "s", 0, word.encode("ascii", "replace").decode(), True)
        for code, word in words
        if word
    ]
    if raw.iso:
        tags.append((34855, "H", 1, min(round(raw.iso), 65535), True))
    if raw.exposure_time:
        tags.append((33434, "2I", 1, _seconds(raw.exposure_time).as_integer_ratio(), True))
    return tags


def _exif(raw: RawImage | None) -> bytes:
    """EXIF block: upright, and with the raw's facts."""
    exif = Image.Exif()
    exif[274] = 1
    exif[305] = "Pellucid"
    if raw is not None:
        exif.update({code: word for code, word in ((271, raw.make), (272, raw.model)) if word})
        shot = exif.get_ifd(34665)
        if raw.iso:
            shot[34855] = min(round(raw.iso), 65535)
        if raw.exposure_time:
            shot[33434] = TiffImagePlugin.IFDRational(_seconds(raw.exposure_time))
    return exif.tobytes()


def _seconds(exposure_time: float) -> Fraction:
    return Fraction(exposure_time).limit_denominator(100_000)
