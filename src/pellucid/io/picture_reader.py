"""Reading finished pictures as sRGB display values, upright."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pellucid.errors import FileError
from pellucid.io.held_stderr import held_stderr
from pellucid.io.orientation import is_orientation, upright
from pellucid.io.png import bit_depth, decode_png
from pellucid.io.profiles import to_srgb

_MOST_PIXELS = 200_000_000  # the largest cameras have 150 million
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB = range(3)
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_picture(path: str | Path) -> Tensor:
    """Picture (3, H, W) float32 in [0, 1], sRGB display values, turned upright.

    8-bit pictures are converted from their ICC profile; those of 16 bits are taken to be sRGB. Grey
    becomes RGB, transparency is left out. Raises FileError where it is missing, damaged, a raw or
    none, and for 16 bits of other colours.
    """
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pillow's advice on large or odd files
            return _read(path)
    except FileNotFoundError as error:
        raise FileError.from_os(path, error) from error
    except UnidentifiedImageError as error:
        raise FileError.of(path, "not a picture; expected PNG, JPEG or TIFF") from error
    except OSError as error:
        raise FileError.from_os(path, error) from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise FileError.of(
            path, f"the picture is too large; expected at most {_MOST_PIXELS} pixels"
        ) from error
    except (
        ValueError,
        RuntimeError,
        SyntaxError,
        EOFError,
        LookupError,
        TypeError,
        ArithmeticError,
        struct.error,
    ) as error:
        raise FileError.of(
            path, f"damaged picture ({error})"
        ) from error  # decoders fail in many ways


def _read(path: Path) -> Tensor:
    with path.open("rb") as file:
        head = file.read(32)
    if head.startswith(_TIFF_HEADS):
        if (deep := _deep_tiff(path)) is not None:
            return deep
        with held_stderr():  # libtiff prints what is wrong, and pillow raises it
            return _shallow(path, head)
    return _shallow(path, head)


def _shallow(path: Path, head: bytes) -> Tensor:
    """What pillow reads, and PNG of 16 bits."""
    with Image.open(path) as picture:
        _check_size(*picture.size)
        if bit_depth(head) == 16:
            picture.load()  # pillow finds damage that libpng lets pass
            return upright(_rgb(decode_png(path.read_bytes())), _orientation(picture))
        return _rgb(np.asarray(to_srgb(ImageOps.exif_transpose(picture))))


def _deep_tiff(path: Path) -> Tensor | None:
    """A TIFF of 16-bit integers or floats; None where pillow reads it as well."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_picture(path, page)
        if page.dtype is None or page.dtype == np.uint8 or page.dtype == np.bool_:
            return None
        _check_size(page.imagewidth, page.imagelength)
        _check_colours(path, page)
        pixels = np.asarray(page.asarray())
    if page.planarconfig == 2 and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    tag = page.tags.get(274)
    orientation = int(tag.value) if tag is not None and is_orientation(int(tag.value)) else 1
    values = _rgb(pixels, page.bitspersample if pixels.dtype.kind == "u" else None)
    return upright(1 - values if page.photometric == _MIN_IS_WHITE else values, orientation)


def _check_picture(path: Path, page: tifffile.TiffPage) -> None:
    """Raws are TIFFs too: their first directory has a mosaic, or a stamp of the photograph."""
    if 50706 in page.tags or (page.subfiletype & 1 and 330 in page.tags):
        raise FileError.of(path, "is a raw photograph by its tags; expected a finished picture")


def _check_colours(path: Path, page: tifffile.TiffPage) -> None:
    known = page.photometric in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB)
    if not known or np.issubdtype(page.dtype, np.complexfloating):
        name = getattr(page.photometric, "name", page.photometric)
        kind = f"{name} of {page.bitspersample} bits ({page.dtype})"
        raise FileError.of(path, f"its pixels are {kind}; expected grey or RGB above 8 bits")


def _rgb(pixels: npt.NDArray[np.generic], bits: int | None = None) -> Tensor:
    """(3, H, W) in [0, 1] of pixels (H, W) or (H, W, C), grey or RGB, with or without alpha.

    Integers that fill fewer bits than theirs say how many.
    """
    full = np.iinfo(pixels.dtype.name).max if pixels.dtype.kind in "iu" else 1
    full = full if bits is None else 2**bits - 1
    colours = pixels[..., None] if pixels.ndim == 2 else pixels
    colours = colours[..., :1].repeat(3, -1) if colours.shape[-1] < 3 else colours[..., :3]
    values = torch.from_numpy(np.ascontiguousarray(colours.transpose(2, 0, 1), dtype=np.float32))
    return (values / full).nan_to_num(0, 1, 0).clamp(0, 1)


def _orientation(picture: Image.Image) -> int:
    value = picture.getexif().get(274, 1)
    return int(value) if is_orientation(value) else 1


def _check_size(width: int, height: int) -> None:
    if width * height > _MOST_PIXELS:
        raise Image.DecompressionBombError
