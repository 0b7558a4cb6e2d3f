"""Writing DNG: uncompressed 16-bit pixels with colour, noise and EXIF (Adobe DNG 1.4)."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pellucid.bayer import Phase, red_offset
from pellucid.io.dng_fields import Area, DngFields
from pellucid.io.gain_opcodes import shifted_phase
from pellucid.io.replacing import replacing
from pellucid.io.tiff_writer import Field, directory, directory_size, text
from pellucid.raw import Camera, Noise


def write_dng(path: str | Path, sensor: npt.NDArray[np.uint16], fields: DngFields) -> None:
    """Write the integers, (H, W) of a mosaic or (H, W, 3) in linear camera RGB, as a DNG.

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
    A phase of the active area that is not RGGB at the sensor's corner is made by leaving out the
    first row or column.
    """
    fields = replace(
        fields,
        xyz_to_cam=tuple(map(tuple, camera.xyz_to_cam.tolist())),
        as_shot_neutral=tuple((1 / camera.white_balance.double()).tolist()),
        noise=fields.noise if noise is None else noise_pairs(noise),
    )
    phase, black = _of_sensor(fields)
    row, column = red_offset(phase)
    write_dng(path, quantise(mosaic[..., row:, column:], black, fields.white), fields)


def _of_sensor(fields: DngFields) -> tuple[Phase, tuple[float, ...]]:
    """Phase and levels of the sensor's corner, where fields say those of the active area's."""
    top, left, *_ = fields.active_area or (0, 0)
    levels = np.roll(np.resize(fields.black, (2, 2)), (top, left), (0, 1))
    return shifted_phase(fields.phase, top, left), tuple(levels.ravel().tolist())


def quantise(
    mosaic: Tensor,
    black: tuple[float, ...],
    white: float,
    deltas: Sequence[npt.NDArray[np.float32]] = (),
) -> npt.NDArray[np.uint16]:
    """Integers (H, W) of one normalised mosaic (..., 1, H, W), clipped to what 16 bits hold.

    `deltas` are what single rows (H, 1) or columns (W,) have above black.
    """
    values = mosaic.detach().cpu().numpy().astype(np.float64).reshape(mosaic.shape[-2:])
    levels = np.resize(np.array(black), 4)
    for site, level in enumerate(levels):
        part = values[site // 2 :: 2, site % 2 :: 2]
        part[...] = part * (white - level) + level
    for above in deltas:
        values += above
    return np.clip(np.rint(values), 0, 65535).astype(np.uint16)


def noise_pairs(noise: Noise) -> tuple[tuple[float, float], ...]:
    """NoiseProfile of a noise: one pair, or three for R, G, B."""
    shot, read = noise.shot.double().reshape(-1).tolist(), noise.read.double().reshape(-1).tolist()
    count = max(len(shot), len(read))
    if not {len(shot), len(read)} <= {1, count} or count not in (1, 3):
        raise ValueError(f"noise has {len(shot)} shot and {len(read)} read values; expected 1 or 3")
    return tuple(zip(shot * (count // len(shot)), read * (count // len(read)), strict=True))


def _check(sensor: npt.NDArray[np.uint16], fields: DngFields) -> None:
    planes = sensor.shape[2:] if fields.pattern == () else ()
    if sensor.shape[2:] not in ((), (3,)) or sensor.dtype != np.uint16 or not sensor.size:
        raise ValueError(
            f"sensor is {sensor.dtype} of shape {sensor.shape}; expected uint16 (H, W) or (H, W, 3)"
        )
    if sensor.shape[2:] != planes:
        raise ValueError("sensor has three colours per pixel; expected the pattern ()")
    if len(fields.black) not in (1, 4) or max(fields.black) >= fields.white:
        raise ValueError(
            f"black is {fields.black}; expected 1 or 4 levels below white {fields.white}"
        )
    if fields.noise is not None and len(fields.noise) not in (1, 3, 4):
        raise ValueError(f"noise has {len(fields.noise)} pairs; expected 1, 3 or 4")
    height, width = sensor.shape[:2]
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
    height, width = sensor.shape[:2]
    samples = sensor.size // (height * width)
    return [
        Field(254, "long", [0]),  # NewSubfileType: the photograph itself
        Field(256, "long", [width]),
        Field(257, "long", [height]),
        Field(258, "short", [16] * samples),
        Field(259, "short", [1]),  # Compression: none
        # PhotometricInterpretation: LinearRaw or colour filter array
        Field(262, "short", [34892 if fields.pattern == () else 32803]),
        Field(273, "long", [pixels]),
        Field(274, "short", [fields.orientation]),
        Field(277, "short", [samples]),
        Field(278, "long", [height]),
        Field(279, "long", [sensor.nbytes]),
        Field(284, "short", [1]),
        Field(34665, "long", [exif]),
        *_facts(fields),
        *_filters(fields),
        *([] if samples == 1 and fields.pattern == () else _colour(fields)),
        *_versions(fields),
        *_levels(fields, samples),
        *_areas(fields),
        *_opcodes(fields),
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


def _filters(fields: DngFields) -> list[Field]:
    """CFARepeatPatternDim and CFAPattern, of the active area."""
    if fields.pattern == ():
        return []
    rows = fields.pattern or (fields.phase[:2], fields.phase[2:])
    sites = ["RGB".index(letter) for row in rows for letter in row]
    return [Field(33421, "short", [len(rows), len(rows[0])]), Field(33422, "byte", sites)]


def _versions(fields: DngFields) -> list[Field]:
    """The DNG's versions, and what it says of exposure and noise."""
    said = [
        Field(50706, "byte", [1, 4, 0, 0]),  # DNGVersion
        Field(50707, "byte", [1, 1, 0, 0]),  # DNGBackwardVersion
    ]
    if fields.baseline_exposure is not None:
        said.append(Field(50730, "srational", [fields.baseline_exposure]))
    if fields.noise is not None:
        said.append(Field(51041, "double", [value for pair in fields.noise for value in pair]))
    return said


def _colour(fields: DngFields) -> list[Field]:
    """The colours of a sensor that is not grey."""
    matrix = [value for row in fields.xyz_to_cam for value in row]
    return [
        Field(50721, "srational", matrix),
        Field(50728, "rational", fields.as_shot_neutral),
        Field(50778, "short", [fields.illuminant]),
    ]


def _levels(fields: DngFields, samples: int) -> list[Field]:
    side = 2 if len(fields.black) == 4 else 1
    levels = [level for level in fields.black for _ in range(samples)]
    whole = all(level == int(level) for level in levels)
    black = Field(50714, "long" if whole else "rational", [int(v) if whole else v for v in levels])
    white = Field(50717, "long", [fields.white] * samples)
    table = [Field(50712, "short", fields.linearization)] if fields.linearization else []
    return [*table, Field(50713, "short", [side, side]), black, white]


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


def _opcodes(fields: DngFields) -> list[Field]:
    lists = zip((51008, 51009, 51022), fields.opcode_lists, strict=True)
    return [Field(code, "undefined", data) for code, data in lists if data]


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


def _clock(moment: datetime | None) -> str:
    return f"{moment:%Y:%m:%d %H:%M:%S}" if moment else ""
