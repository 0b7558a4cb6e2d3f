"""The camera's own picture inside a raw file."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from io import BytesIO
from pathlib import Path

import numpy as np
import rawpy
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from pellucid.errors import FileError
from pellucid.io.libraw import opened
from pellucid.io.profiles import to_srgb

LEAST = 256
"""Longer side in pixels of a preview that is of use."""


def read_embedded(path: str | Path) -> Tensor:
    """The largest preview (3, H, W) in [0, 1] in a raw file, turned as its EXIF says.

    Raises FileError where there is none, or only a stamp.
    """
    path = Path(path)
    try:
        with opened(path) as raw:
            found = raw.extract_thumb()
    except OSError as error:
        raise FileError.from_os(path, error) from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise FileError.of(path, "has no preview inside; expected --reference IMG.jpg") from error
    picture = _decoded(path, found)
    if max(picture.shape[-2:]) < LEAST:
        sides = f"{picture.shape[-1]}x{picture.shape[-2]}"
        raise FileError.of(path, f"its preview has {sides} pixels; expected {LEAST} or more")
    return picture


def _decoded(path: Path, found: rawpy.Thumbnail) -> Tensor:
    if found.format == rawpy.ThumbFormat.BITMAP:
        pixels = np.asarray(found.data)
    else:
        try:
            with Image.open(BytesIO(bytes(found.data))) as picture:
                pixels = np.asarray(to_srgb(ImageOps.exif_transpose(picture)))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise FileError.of(path, "its preview is damaged") from error
    values = torch.from_numpy(np.ascontiguousarray(pixels[..., :3], dtype=np.float32))
    return values.permute(2, 0, 1) / 255
