"""The raw pixels of a clean DNG: the original ones, as a mosaic, or with three colours each."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import PHASES
from pellucid.demosaic import demosaic
from pellucid.io.dng import Area
from pellucid.io.dng_levels import (
    clean_sensor,
    frame_levels,
    level_factor,
    scaled_levels,
    without,
)
from pellucid.io.dng_source import active_area, default_crop
from pellucid.io.dng_tags import OF_CODING, OF_INTEGERS, OF_RAW, POINTERS, STRUCTURE
from pellucid.io.gain_opcodes import per_plane, shifted_phase
from pellucid.io.lossless_jpeg import LOSSLESS, encode_tiles, jpeg_frame, tile_side
from pellucid.io.map_polynomial import without_polynomials
from pellucid.io.raw_origin import Origin
from pellucid.io.tiff_reader import Directory
from pellucid.io.tiff_writer import Entry, Field, Tree
from pellucid.isp import ISPConfig, white_balance
from pellucid.raw import RawImage, SensorFrame

_MOSAIC, _LINEAR_RAW = 32803, 34892
_LEVELS = frozenset(range(50713, 50718))
_NOISE = frozenset([50935, 51041])
_LINEAR_WHITE = 65535
_ROWS, _HALO = 512, 16


def original_pixels(source: SensorFrame, origin: Origin, photograph: Directory) -> Tree:
    """The source's integers as they were before linearisation, with all that is said of them.

    In lossless JPEG; copied byte for byte where LibRaw's integers do not give them back exactly,
    and where they are lossy, so that decoders disagree on them.
    """
    said = _of_raw(origin, photograph)
    bits = photograph.number(258)
    copied = _is_lossy(origin, photograph) or photograph.number(262) != _MOSAIC
    stored = None if copied else _stored(source, photograph, bits)
    if stored is not None:
        return _encoded(stored, _MOSAIC, without(said, OF_CODING), bits)
    kept = without(said | _structure(photograph), {254, 273, 279, 324, 325, *POINTERS})
    main = Field(254, "long", [0])  # NewSubfileType: the photograph itself
    return Tree([main, *kept], origin.pixels, 324 in photograph.entries)


def _is_lossy(origin: Origin, photograph: Directory) -> bool:
    compression = photograph.number(259, 1)
    if compression != 7 or not origin.pixels:
        return compression not in (1, 8)
    frame = jpeg_frame(origin.pixels[0][:65536])
    return frame is None or frame.marker != LOSSLESS


def _stored(source: SensorFrame, photograph: Directory, bits: int) -> npt.NDArray[np.uint16] | None:
    """The integers before the linearisation table; None where they cannot be known exactly."""
    sides = (photograph.number(257), photograph.number(256))
    if photograph.number(339, 1) != 1 or sides != source.sensor.shape or not 9 <= bits <= 16:
        return None
    table, sensor = source.linearization, source.sensor
    if table is not None:
        if not (np.diff(table.astype(np.int32)) > 0).all():
            return None
        places = np.searchsorted(table, sensor).clip(max=len(table) - 1)
        if not np.array_equal(table[places], sensor):
            return None
        sensor = places.astype(np.uint16)
    return sensor if int(sensor.max()) < 1 << bits else None


def mosaic_pixels(
    raw: RawImage, source: SensorFrame, restored: Tensor, origin: Origin, strength: float
) -> Tree:
    """The restored mosaic within the source's borders, in lossless JPEG."""
    photograph = origin.photograph if origin.is_dng else None
    factor = level_factor(source) if strength else 1
    sensor = clean_sensor(source, raw.mosaic, restored, strength, factor)
    if photograph is None or (photograph.number(257), photograph.number(256)) != sensor.shape:
        said = _frame(source, default_crop(raw, source, origin), factor)
    else:
        replaced = OF_INTEGERS | _LEVELS | _NOISE
        said = without(_of_raw(origin, photograph), replaced)
        said = [*said, *scaled_levels(source, photograph, factor)]
    return _encoded(sensor, _MOSAIC, said)


def linear_pixels(
    raw: RawImage, source: SensorFrame, restored: Tensor, origin: Origin, strength: float
) -> Tree:
    """Linear camera RGB of the visible area, not white-balanced, in lossless JPEG."""
    light = raw.light.lerp(restored.to(raw.light), strength)
    if raw.linear is None:
        light = _demosaicked(light, raw.camera.white_balance)
    rgb = raw.trim(light).permute(1, 2, 0).numpy()
    # Black is 0: darktable and RawTherapee do not subtract another one from LinearRaw.
    values = np.clip(np.rint(rgb * _LINEAR_WHITE), 0, 65535).astype(np.uint16)
    samples = values.shape[2]
    top, left, bottom, right = default_crop(raw, source, origin)
    said: list[Field | Entry] = [
        Field(50717, "long", [_LINEAR_WHITE] * samples),
        Field(50719, "long", [left, top]),
        Field(50720, "long", [right - left, bottom - top]),
        Field(50829, "long", [0, 0, source.height, source.width]),
        *_linear_opcodes(raw, source, origin),
    ]
    return _encoded(values if samples == 3 else values[..., 0], _LINEAR_RAW, said)


def _linear_opcodes(raw: RawImage, source: SensorFrame, origin: Origin) -> list[Entry]:
    """Corrections that still apply: gains by colour, and all of what follows demosaicking."""
    photograph = origin.photograph
    if photograph is None:
        return []
    kept = [photograph.entries[51022]] if 51022 in photograph.entries else []
    second = photograph.entries.get(51009)
    area = active_area(photograph)
    shift = (source.top - area.top, source.left - area.left)
    data = per_plane(second.data, shifted_phase(source.phase, *shift)) if second else b""
    data = data if raw.linear is None else without_polynomials(data)  # they are in the light
    kept += [second._replace(data=data, number=len(data))] if second and data else []
    return [entry._replace(at=None) for entry in kept]


def _demosaicked(mosaic: Tensor, gains: Tensor) -> Tensor:
    """Camera RGB (3, H, W) in bands of bounded memory; the filters want balanced colours."""
    bands: list[Tensor] = []
    for top in range(0, mosaic.shape[-2], _ROWS):
        first = max(0, top - _HALO)
        balanced = white_balance(mosaic[:, first : top + _ROWS + _HALO], gains)
        band = demosaic(balanced, ISPConfig().demosaic) / gains[:, None, None]
        bands.append(band[:, top - first :][:, :_ROWS])
    return torch.cat(bands, dim=-2)


def _encoded(
    pixels: npt.NDArray[np.uint16],
    photometric: int,
    said: Sequence[Field | Entry],
    bits: int = 16,
) -> Tree:
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    side = tile_side(pixels.shape[1])
    structure = [
        Field(254, "long", [0]),  # NewSubfileType: the photograph itself
        Field(256, "long", [pixels.shape[1]]),
        Field(257, "long", [pixels.shape[0]]),
        Field(258, "short", [bits] * samples),
        Field(259, "short", [7]),  # Compression: JPEG, here a lossless one
        Field(262, "short", [photometric]),
        Field(277, "short", [samples]),
        Field(284, "short", [1]),
        Field(322, "long", [side]),
        Field(323, "long", [side]),
    ]
    return Tree([*structure, *said], encode_tiles(pixels, bits), tiled=True)


def _of_raw(origin: Origin, photograph: Directory) -> dict[int, Entry]:
    """Tags of raw pixels; some writers leave them in the first directory."""
    first = origin.first.entries if origin.first else {}
    merged = first | photograph.entries
    return {code: entry for code, entry in merged.items() if code in OF_RAW}


def _structure(photograph: Directory) -> dict[int, Entry]:
    return {code: entry for code, entry in photograph.entries.items() if code in STRUCTURE}


def _frame(source: SensorFrame, crop: Area, factor: int) -> list[Field | Entry]:
    """Pattern, levels and areas of a source that is no DNG."""
    red = PHASES.index(source.phase)
    pattern = [0 if site == red else 2 if site == 3 - red else 1 for site in range(4)]
    bottom, right = source.top + source.height, source.left + source.width
    return [
        Field(33421, "short", [2, 2]),
        Field(33422, "byte", pattern),
        Field(50710, "byte", [0, 1, 2]),
        Field(50711, "short", [1]),
        *frame_levels(source, factor),
        Field(50719, "long", [crop.left, crop.top]),
        Field(50720, "long", [crop.right - crop.left, crop.bottom - crop.top]),
        Field(50829, "long", [source.top, source.left, bottom, right]),
    ]
