"""Raws that are no Bayer mosaic, as pixels with all their colours."""
# pyright: reportUnknownMemberType=false

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import mosaic_of, pad
from pellucid.color import SRGB_TO_XYZ
from pellucid.io.tiff_tags import TiffTags
from pellucid.pattern_demosaic import demosaic_pattern, own_sites
from pellucid.raw import Camera, LinearImage, SensorFrame

SPREAD = 6.0
"""How much larger the networks are told the variance of demosaicked pixels."""


_SIZES = {(2, 2): 1, (4, 4): 4, (6, 6): 8}
"""Rows and columns of the patterns that are known, and how many red sites each has."""


def filters_of(tags: TiffTags) -> tuple[str, ...]:
    """Rows of a DNG's pattern, from the active area on; () where it has none of R, G, B."""
    dimensions, sites = tags.numbers(33421, 2), tags.numbers(33422)
    if not tags.is_dng or dimensions is None or sites is None or set(sites) - {0.0, 1.0, 2.0}:
        return ()
    rows, columns = map(int, dimensions)
    if (rows, columns) not in _SIZES or rows * columns != len(sites):
        return ()
    if sorted(map(sites.count, (0.0, 2.0))) != [_SIZES[rows, columns]] * 2:
        return ()
    letters = "".join("RGB"[int(site)] for site in sites)
    return tuple(letters[row * columns : (row + 1) * columns] for row in range(rows))


def moved(filters: tuple[str, ...], down: int, across: int) -> tuple[str, ...]:
    """A pattern that begins so many rows and columns later."""
    rolled = [row[across % len(row) :] + row[: across % len(row)] for row in filters]
    return tuple(rolled[down % len(rolled) :] + rolled[: down % len(rolled)])


def grey_camera() -> Camera:
    """The camera of a sensor without colour filters."""
    return Camera(torch.ones(3), torch.eye(3), torch.tensor(SRGB_TO_XYZ["D65"]).inverse())


def seen_mosaic(visible: npt.NDArray[np.float32], pattern: tuple[str, ...]) -> Tensor:
    """A mosaic (1, h, w) of the sensor's own sites, or of its pixels, to measure in."""
    values = torch.from_numpy(visible)
    if pattern:
        return own_sites(values[None], pattern)
    height, width = (side // 2 * 2 for side in values.shape[:2])
    values = values[:height, :width]
    return values[None].clone() if values.dim() == 2 else mosaic_of(values.permute(2, 0, 1))


def linear_image(
    visible: npt.NDArray[np.float32], pattern: tuple[str, ...], source: SensorFrame, camera: Camera
) -> LinearImage:
    """The image of normalised pixels, (H, W) of a mosaic or of grey ones, or (H, W, 3)."""
    sites = seen_mosaic(visible, pattern)
    values = torch.from_numpy(visible)
    if pattern:
        light = demosaic_pattern(values[None], pattern, camera.white_balance)
        return LinearImage(pad(light, source.padding), sites, SPREAD)
    light = values[None] if values.dim() == 2 else values.permute(2, 0, 1)
    return LinearImage(pad(light.contiguous(), source.padding), sites)


def mosaic_of_linear(light: Tensor) -> Tensor:
    """The mosaic (1, H, W) that a Bayer sensor would have seen of light (3 or 1, H, W)."""
    return light if light.shape[-3] == 1 else mosaic_of(light)


def kind_remark(pattern: tuple[str, ...], samples: int) -> str:
    """How pixels of another kind than Bayer's are restored, in a sentence."""
    if pattern:
        name = {6: "An X-Trans", 4: "A quad-Bayer"}.get(len(pattern), "An unusual")
        return (
            f"{name} mosaic: restored after demosaicking, as linear RGB with its noise propagated; "
            "a DNG of it is a linear one."
        )
    if samples == 1:
        return "A monochrome sensor: restored as luminance; a DNG of it is a linear one."
    return (
        "Already demosaicked (LinearRaw): restored as linear RGB with its noise propagated; "
        "a DNG of it is a linear one."
    )
