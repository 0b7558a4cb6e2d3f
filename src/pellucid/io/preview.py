"""Previews of a DNG: a plain thumbnail, and a JPEG that viewers show in place of the raw."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor

from pellucid.io.tiff_writer import Entry, Field, Tree, text

THUMBNAIL, PREVIEW = 256, 2048
"""The longer side in pixels."""
_REDUCED = 1  # NewSubfileType of a preview


def thumbnail(srgb: Tensor) -> tuple[list[Field], bytes]:
    """Fields and bytes of an uncompressed thumbnail of (3, H, W), for the first directory."""
    picture = _small(srgb, THUMBNAIL)
    pixels = picture.tobytes()
    return [
        *_structure(picture, 1, 2),  # not compressed, RGB
        Field(277, "short", [3]),
        Field(278, "long", [picture.height]),
        Field(284, "short", [1]),
    ], pixels


def preview(srgb: Tensor, said: list[Field | Entry]) -> Tree:
    """A JPEG preview of (3, H, W) as a directory of its own."""
    picture, file = _small(srgb, PREVIEW), BytesIO()
    picture.save(file, "JPEG", quality=90, subsampling=2)
    fields = [
        *_structure(picture, 7, 6),  # JPEG, YCbCr
        Field(277, "short", [3]),
        Field(278, "long", [picture.height]),
        Field(284, "short", [1]),
        Field(530, "short", [2, 2]),
        Field(531, "short", [1]),
        Field(532, "rational", [0, 255, 128, 255, 128, 255]),
    ]
    return Tree([*fields, *said], [file.getvalue()])


def preview_facts(version: str) -> list[Field]:
    """Who made the previews; no date, so that equal runs write equal files."""
    return [
        text(50966, "Pellucid"),
        text(50967, version),
        Field(50970, "long", [2]),  # PreviewColorSpace: sRGB
    ]


def _structure(picture: Image.Image, compression: int, photometric: int) -> list[Field]:
    return [
        Field(254, "long", [_REDUCED]),
        Field(256, "long", [picture.width]),
        Field(257, "long", [picture.height]),
        Field(258, "short", [8, 8, 8]),
        Field(259, "short", [compression]),
        Field(262, "short", [photometric]),
    ]


def _small(srgb: Tensor, side: int) -> Image.Image:
    """The picture in 8 bits, its longer side at most `side`."""
    values = srgb.detach().cpu().float().nan_to_num().clamp(0, 1).mul(255).round()
    picture = Image.fromarray(values.to(torch.uint8).permute(1, 2, 0).contiguous().numpy())
    picture.thumbnail((side, side), Image.Resampling.BOX)
    return picture
