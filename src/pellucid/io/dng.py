"""Writing DNG: uncompressed 16-bit Bayer mosaics with colour, noise and EXIF (Adobe DNG 1.4)."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pellucid.bayer import PHASES, Phase, red_offset
from pellucid.io.replacing import replacing
from pellucid.io.tiff_writer import Field, Value, directory, directory_size, text
from pellucid.raw import Camera, Noise

_SRGB_CAMERA = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)


class Area(NamedTuple):
    """Rows top to bottom and columns left to right, ends excluded, as DNG's ActiveArea has them."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class DngFields:
    """What a DNG says about its integers."""

    phase: Phase = "RGGB"
    """Phase of the active area."""
    black: tuple[float, ...] = (1024.0,)
    """One level, or four for the active area's sites (0,0), (0,1), (1,0), (1,1)."""
    white: int = 16383
    xyz_to_cam: tuple[tuple[float, ...], ...] = _SRGB_CAMERA
    """ColorMatrix1, for the light that `illuminant` names."""
    illuminant: int = 21
    """EXIF LightSource; 21 is D65."""
    as_shot_neutral: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Camera RGB of a grey under the light of the photograph: 1 / white balance."""
    noise: tuple[tuple[float, float], ...] | None = None
    """NoiseProfile: one (shot, read) for all, three for R, G, B, or four for the CFA's sites."""
    baseline_exposure: float | None = None
    """Stops."""
    orientation: int = 1
    active_area: Area | None = None
    default_crop: Area | None = None
    """Within the active area."""
    make: str = ""
    model: str = ""
    iso: float | None = None
    exposure_time: float | None = None
    """Seconds."""
    date_time: datetime | None = None
    software: str = "Pellucid"


def write_dng(path: str | Path, sensor: npt.NDArray[np.uint16], fields: DngFields) -> None:
    """Write the integers (H, W) as a Bayer DNG.

    Raises ValueError where the fields contradict each other, FileError where the system refuses.
    """
    _check(sensor, fields)
    head = _head(sensor, fields)
    with replacing(path) as file:
        file.write(head)
        file.write(np.ascontiguousarray(sensor, dtype="<u2").data)


def write_mosaic(
    path: str | Path,
    mosaic: Tensor,
    camera: Camera,
    noise: Noise | None = None,
    fields: DngFields = DngFields(),  # noqa: B008
) -> None:
    """Write a normalised RGGB mosaic (1, H, W) as a DNG, with its camera's colour and its noise.

    `fields` says the rest; its black of 1024 and white of 16383 leave room for noise on both sides.
    A phase other than RGGB is made by leaving out the first row or column.
    """
    fields = replace(
        fields,
        xyz_to_cam=tuple(map(tuple, camera.xyz_to_cam.tolist())),
        as_shot_neutral=tuple((1 / camera.white_balance.double()).tolist()),
        noise=fields.noise if noise is None else noise_pairs(noise),
    )
    row, column = red_offset(fields.phase)
    write_dng(path, quantise(mosaic[..., row:, column:], fields.black, fields.white), fields)


def quantise(mosaic: Tensor, black: tuple[float, ...], white: float) -> npt.NDArray[np.uint16]:
    """Integers (H, W) of one normalised mosaic (..., 1, H, W), clipped to what 16 bits hold."""
    values = mosaic.detach().cpu().numpy().astype(np.float64).reshape(mosaic.shape[-2:])
    levels = np.resize(np.array(black), 4)
    for site, level in enumerate(levels):
        part = values[site // 2 :: 2, site % 2 :: 2]
        part[...] = part * (white - level) + level
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)


def noise_pairs(noise: Noise) -> tuple[tuple[float, float], ...]:
    """NoiseProfile of a noise: one pair, or three for R, G, B."""
    shot, read = noise.shot.double().reshape(-1).tolist(), noise.read.double().reshape(-1).tolist()
    count = max(len(shot), len(read))
    if not {len(shot), len(read)} <= {1, count} or count not in (1, 3):
        raise ValueError(f"noise has {len(shot)} shot and {len(read)} read values; expected 1 or 3")
    return tuple(zip(shot * (count // len(shot)), read * (count // len(read)), strict=True))


def _check(sensor: npt.NDArray[np.uint16], fields: DngFields) -> None:
    if sensor.ndim != 2 or sensor.dtype != np.uint16 or not sensor.size:
        raise ValueError(
            f"sensor is {sensor.dtype} of shape {sensor.shape}; expected uint16 (H, W)"
        )
    if len(fields.black) not in (1, 4) or max(fields.black) >= fields.white:
        raise ValueError(
            f"black is {fields.black}; expected 1 or 4 levels below white {fields.white}"
        )
    if fields.noise is not None and len(fields.noise) not in (1, 3, 4):
        raise ValueError(f"noise has {len(fields.noise)} pairs; expected 1, 3 or 4")
    height, width = sensor.shape
    top, left, bottom, right = fields.active_area or Area(0, 0, height, width)
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ValueError(
            f"active area {fields.active_area} lies outside of {height}x{width} pixels"
        )


def _head(sensor: npt.NDArray[np.uint16], fields: DngFields) -> bytes:
    """What stands before the pixels; offsets depend on sizes alone, so one dry run finds them."""
    exif = _exif(fields)
    first = 8
    second = first + directory_size(_main(sensor, fields, 0, 0))
    pixels = second + directory_size(exif)
    main = directory(_main(sensor, fields, second, pixels), first)
    return struct.pack("<2sHI", b"II", 42, first) + main + directory(exif, second)


def _main(sensor: npt.NDArray[np.uint16], fields: DngFields, exif: int, pixels: int) -> list[Field]:
    height, width = sensor.shape
    return [
        Field(254, "long", [0]),  # NewSubfileType: the photograph itself
        Field(256, "long", [width]),
        Field(257, "long", [height]),
        Field(258, "short", [16]),
        Field(259, "short", [1]),  # Compression: none
        Field(262, "short", [32803]),  # PhotometricInterpretation: colour filter array
        Field(273, "long", [pixels]),
        Field(274, "short", [fields.orientation]),
        Field(277, "short", [1]),
        Field(278, "long", [height]),
        Field(279, "long", [sensor.nbytes]),
        Field(284, "short", [1]),
        Field(34665, "long", [exif]),
        *_facts(fields),
        *_colour(fields),
        *_levels(fields),
        *_areas(fields),
    ]


def _facts(fields: DngFields) -> list[Field]:
    words = {
        271: fields.make,
        272: fields.model,
        305: fields.software,
        306: _clock(fields.date_time),
    }
    named = fields.model.startswith(fields.make)  # many models repeat their maker
    name = (fields.model if named else f"{fields.make} {fields.model}").strip() or "Unknown"
    return [text(code, word) for code, word in words.items() if word] + [text(50708, name)]


def _colour(fields: DngFields) -> list[Field]:
    matrix = [value for row in fields.xyz_to_cam for value in row]
    colour = [
        Field(33421, "short", [2, 2]),  # CFARepeatPatternDim
        Field(33422, "byte", _sites(fields.phase)),  # CFAPattern, of the active area
        Field(50706, "byte", [1, 4, 0, 0]),  # DNGVersion
        Field(50707, "byte", [1, 1, 0, 0]),  # DNGBackwardVersion
        Field(50721, "srational", matrix),
        Field(50728, "rational", fields.as_shot_neutral),
        Field(50778, "short", [fields.illuminant]),
    ]
    if fields.baseline_exposure is not None:
        colour.append(Field(50730, "srational", [fields.baseline_exposure]))
    if fields.noise is not None:
        colour.append(Field(51041, "double", [value for pair in fields.noise for value in pair]))
    return colour


def _levels(fields: DngFields) -> list[Field]:
    side = 2 if len(fields.black) == 4 else 1
    whole = all(level == int(level) for level in fields.black)
    black = Field(
        50714, "long" if whole else "rational", [int(v) if whole else v for v in fields.black]
    )
    return [Field(50713, "short", [side, side]), black, Field(50717, "long", [fields.white])]


def _areas(fields: DngFields) -> list[Field]:
    areas: list[Field] = []
    if fields.active_area is not None:
        areas.append(Field(50829, "long", fields.active_area))
    if fields.default_crop is not None:
        top, left, bottom, right = fields.default_crop
        areas += [
            Field(50719, "long", [left, top]),
            Field(50720, "long", [right - left, bottom - top]),
        ]
    return areas


def _exif(fields: DngFields) -> list[Field]:
    exif = [Field(36864, "undefined", b"0231")]
    if fields.exposure_time:
        exif.append(Field(33434, "rational", [fields.exposure_time]))
    if fields.iso:
        exif.append(Field(34855, "short", [min(round(fields.iso), 65535)]))
        # ISO that 16 bits cannot hold stands in RecommendedExposureIndex (EXIF 2.3).
        exif += [Field(34864, "short", [2]), Field(34866, "long", [round(fields.iso)])]
    if fields.date_time:
        exif.append(text(36867, _clock(fields.date_time)))
    return exif


def _sites(phase: Phase) -> list[Value]:
    red = PHASES.index(phase)
    return [0 if site == red else 2 if site == 3 - red else 1 for site in range(4)]


def _clock(moment: datetime | None) -> str:
    return f"{moment:%Y:%m:%d %H:%M:%S}" if moment else ""
