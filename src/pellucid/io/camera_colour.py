"""The colour matrix and white balance of a raw file, as LibRaw would choose them."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.color import SRGB_TO_XYZ
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_tags import TiffTags
from pellucid.raw import Camera

Matrix = npt.NDArray[np.float64]

_D65 = 6504.0
# Correlated colour temperature of EXIF LightSource values, kelvin.
_KELVIN = {
    1: 5500.0, 2: 4200.0, 3: 2856.0, 4: 5500.0, 9: 5500.0, 10: 6500.0, 11: 7500.0, 12: 6430.0,
    13: 5000.0, 14: 4150.0, 15: 3450.0, 17: 2856.0, 18: 4874.0, 19: 6774.0, 20: 5503.0, 21: _D65,
    22: 7504.0, 23: 5003.0, 24: 3200.0,
}  # fmt: skip


def camera_of(decoded: Decoded, tags: TiffTags, mosaic: Tensor) -> tuple[Camera, tuple[str, ...]]:
    """The camera, and a sentence for whatever had to be replaced; `mosaic` is RGGB (1, H, W)."""
    matrix = dng_matrix(tags) if tags.is_dng else None
    for candidate in (matrix, decoded.xyz_to_cam, _xyz_to_cam(decoded.cam_to_srgb)):
        if _is_colour_matrix(candidate):
            gains, remarks = white_balance(decoded, tags, candidate, mosaic)
            return Camera.of(torch.as_tensor(candidate, dtype=torch.float32), gains), remarks
    gains, remarks = white_balance(decoded, tags, None, mosaic)
    remark = (
        "No colour matrix is known for this camera: its colours are shown as if they were sRGB."
    )
    return Camera.of(torch.linalg.inv(torch.tensor(SRGB_TO_XYZ["D65"])), gains), (remark, *remarks)


def dng_matrix(tags: TiffTags) -> Matrix | None:
    """That of the light nearest to D65."""
    return _numbered(tags, 1 if _distance(tags, 1) <= _distance(tags, 2) else 2)


def _numbered(tags: TiffTags, number: int) -> Matrix | None:
    """AnalogBalance * CameraCalibration * ColorMatrix, each the first or the second."""
    colour = tags.numbers(50720 + number, 9)
    if colour is None:
        return None
    calibration = tags.numbers(50722 + number, 9) or tuple(np.eye(3).flat)
    analog = tags.numbers(50727, 3) or (1.0, 1.0, 1.0)
    matrix: Matrix = np.reshape(calibration, (3, 3)) @ np.reshape(colour, (3, 3))
    return np.diag(analog) @ matrix


def _distance(tags: TiffTags, number: int) -> float:
    """How far the light of ColorMatrix1 or 2 is from D65; of two unnamed lights the second wins."""
    if tags.numbers(50720 + number, 9) is None:
        return math.inf
    kelvin = _kelvin(tags, number)
    return 1e6 - number if kelvin is None else abs(kelvin - _D65)


def _kelvin(tags: TiffTags, number: int) -> float | None:
    """Of CalibrationIlluminant1 or 2."""
    light = tags.numbers(50777 + number, 1) or (0.0,)
    return _KELVIN.get(int(light[0]))


def white_balance(
    decoded: Decoded, tags: TiffTags, xyz_to_cam: Matrix | None, mosaic: Tensor
) -> tuple[Tensor, tuple[str, ...]]:
    """Gains for R, G, B as shot, else those of the mean, of daylight or of D65; with a remark.

    The mean comes first among the substitutes because LibRaw's does, and because the light that a
    camera failed to name is seldom daylight.
    """
    neutral = min(tags.numbers(50728, 3) or (0.0,)) > 0
    chosen = _chosen_white(tags) if tags.is_dng and not neutral else None
    if chosen is not None:
        return chosen, ()
    # LibRaw takes 1 for a neutral that is none.
    if _are_gains(decoded.as_shot) and (neutral or 50728 not in tags.tags):
        return _gains(decoded.as_shot), ()
    missing = "The file has no valid white balance: "
    means = _means(mosaic)
    if bool((means > 1e-4).all()):
        return 1 / means, (missing + "the mean of the picture is taken as grey.",)
    if _are_gains(decoded.daylight):
        return _gains(decoded.daylight), (missing + "this camera's for daylight is used.",)
    if xyz_to_cam is None:
        return torch.ones(3), (missing + "none is applied.",)
    daylight = xyz_to_cam @ np.array(SRGB_TO_XYZ["D65"]).sum(1)
    return _gains(tuple(1 / daylight)), (missing + "the colour matrix's for D65 is used.",)


def _chosen_white(tags: TiffTags) -> Tensor | None:
    """Gains that make AsShotWhiteXY grey; None where there is none, or no matrix to see it with."""
    x, y = tags.numbers(50729, 2) or (0.0, 0.0)
    matrix = _matrix_under(tags, x, y) if 0 < x < 1 - y < 0.8 else None
    if matrix is None:
        return None
    neutral = matrix @ (x / y, 1.0, (1 - x - y) / y)
    return _gains(tuple(1 / neutral)) if bool((neutral > 1e-3).all()) else None


def _matrix_under(tags: TiffTags, x: float, y: float) -> Matrix | None:
    """Between both matrices by inverse temperature, as the white of a DNG is meant (1.7, ch. 6)."""
    first, second = _numbered(tags, 1), _numbered(tags, 2)
    warm, cold = _kelvin(tags, 1), _kelvin(tags, 2)
    if first is None or second is None or warm is None or cold is None or warm == cold:
        return dng_matrix(tags)
    slope = (x - 0.332) / (0.1858 - y)  # McCamy 1992
    kelvin = max(((449 * slope + 3525) * slope + 6823.3) * slope + 5520.33, 1000.0)
    share = (1 / kelvin - 1 / cold) / (1 / warm - 1 / cold)
    share = min(max(share, 0.0), 1.0)
    return share * first + (1 - share) * second


def _means(mosaic: Tensor) -> Tensor:
    """Mean R, G, B of the 2x2 cells without a saturated site; NaN where there is none."""
    planes = pack(mosaic)
    open_cells = planes.amax(0) < 0.99
    red, first, second, blue = planes[:, open_cells].clamp(min=0).mean(1)
    return torch.stack([red, (first + second) / 2, blue])


def _gains(values: tuple[float, ...]) -> Tensor:
    """R, G, B of LibRaw's four, where a second green of 0 stands for the first one."""
    red, green, blue = values[:3]
    second = values[3] if len(values) > 3 and values[3] > 0 else green
    return torch.tensor([red, (green + second) / 2, blue], dtype=torch.float32)


def _are_gains(values: tuple[float, ...]) -> bool:
    return all(math.isfinite(value) for value in values) and min(values[:3]) > 0


def _is_colour_matrix(matrix: Matrix | None) -> bool:
    """Whether a matrix can be normalised and inverted; LibRaw gives zeros where it has none."""
    if matrix is None or not np.isfinite(matrix).all() or not matrix.any():
        return False
    neutral = matrix @ np.array(SRGB_TO_XYZ["D65"]).sum(1)
    return bool((neutral > 1e-3).all() and np.linalg.cond(matrix / neutral[:, None]) < 1e4)


def _xyz_to_cam(camera_to_srgb: Matrix) -> Matrix | None:
    """A matrix that gives this camera-to-sRGB back; its rows' unknown scale is left at 1."""
    if not camera_to_srgb.any() or not np.linalg.det(camera_to_srgb):
        return None
    xyz_to_srgb = np.linalg.inv(np.array(SRGB_TO_XYZ["D65"], dtype=np.float64))
    return np.linalg.inv(camera_to_srgb) @ xyz_to_srgb
