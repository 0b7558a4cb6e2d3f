"""White balance of one's own choice: the camera's, daylight, by the picture, or given gains."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.color import SRGB_TO_XYZ
from pellucid.errors import FileError
from pellucid.raw import Camera, RawImage

WhiteBalance = Literal["camera", "daylight", "auto"] | tuple[float, float, float]
"""`auto` finds it in the picture; numbers are gains of R, G, B in any scale."""


def with_balance(raw: RawImage, choice: WhiteBalance) -> RawImage:
    """A raw with the white balance that was chosen; raises FileError where it has no colours."""
    if choice != "camera" and raw.is_grey:
        raise FileError.of(raw.path or "raw", "has no colours; expected no --white-balance")
    return replace(raw, camera=balanced(raw.camera, raw.mosaic, choice))


def balanced(camera: Camera, mosaic: Tensor, choice: WhiteBalance) -> Camera:
    """A camera with the white balance that was chosen; `mosaic` is RGGB (1, H, W)."""
    match choice:
        case "camera":
            return camera
        case "daylight":
            gains = daylight_gains(camera)
        case "auto":
            gains = auto_gains(mosaic)
        case _:
            gains = torch.tensor(choice, dtype=torch.float32)
    return camera._replace(white_balance=gains / gains.amin(-1, keepdim=True))


def daylight_gains(camera: Camera) -> Tensor:
    """Gains that make D65 grey, by the camera's matrix."""
    white = torch.tensor(SRGB_TO_XYZ["D65"]).sum(1)
    return 1 / (camera.xyz_to_cam @ white).clamp(min=1e-3)


def auto_gains(mosaic: Tensor) -> Tensor:
    """Gains that make the picture's edges grey on average (grey edge, van de Weijer et al. 2007).

    Edges of 8x8 sites, which noise hardly moves; what is saturated does not count.
    """
    planes = torch.nn.functional.avg_pool2d(pack(mosaic), 4)
    colours = torch.stack([planes[0], planes[1:3].mean(0), planes[3]])
    down, across = colours.diff(dim=-2)[:, :, 1:], colours.diff(dim=-1)[:, 1:]
    clear = torch.nn.functional.max_pool2d(pack(mosaic).amax(0, keepdim=True), 4) < 0.95
    clear = (clear[:, 1:, 1:] & clear[:, :-1, 1:] & clear[:, 1:, :-1]).float()
    edges = ((down.square() + across.square()).sqrt() * clear).pow(6).mean((1, 2)).pow(1 / 6)
    if not float(edges.min()) > 1e-6:  # NaN where the picture is too small to have edges
        edges = colours.clamp(min=0).mean((1, 2)).clamp(min=1e-6)
    return 1 / edges
