"""What a clean DNG says of its camera: a DNG's own tags, or LibRaw's table for other raws."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import math
from pathlib import Path

from pellucid.io.dng import Area
from pellucid.io.dng_levels import without
from pellucid.io.dng_tags import EVERYWHERE, OF_RAW, POINTERS
from pellucid.io.libraw_facts import LibrawFacts, exif_of, libraw_facts
from pellucid.io.raw_origin import Origin
from pellucid.io.tiff_reader import Directory
from pellucid.io.tiff_writer import Entry, Field, text
from pellucid.raw import RawImage, SensorFrame

_VERSION, _BACKWARD, _UNIQUE_MODEL = 50706, 50707, 50708
_MATRIX1, _MATRIX2, _LIGHT1 = 50721, 50722, 50778
_NEUTRAL, _WHITE_XY, _EXPOSURE = 50728, 50729, 50730
_OLDEST, _KNOWN = (1, 1, 0, 0), (1, 4, 0, 0)
_D65 = 21


def camera_fields(raw: RawImage, source: SensorFrame, origin: Origin) -> list[Field | Entry]:
    """Names, colour, words and rights, for the first directory; what is missing is filled in."""
    fields = _dng_fields(raw, origin) if origin.is_dng else _other_fields(raw, origin)
    there = {field.code for field in fields}
    if _UNIQUE_MODEL not in there:
        fields.append(text(_UNIQUE_MODEL, _unique_model(raw)))
    if not {_NEUTRAL, _WHITE_XY} & there and not raw.is_grey:
        neutral = [round(value, 6) for value in (1 / raw.camera.white_balance.double()).tolist()]
        fields.append(Field(_NEUTRAL, "rational", neutral))
    return fields


def _dng_fields(raw: RawImage, origin: Origin) -> list[Field | Entry]:
    """The tags of the first directory, and those that the photograph's has in its place."""
    entries = dict(origin.photograph.entries) if origin.photograph else {}
    entries |= origin.first.entries if origin.first else {}
    fields: list[Field | Entry] = [*without(entries, POINTERS | {_VERSION} | _unusable(origin))]
    said = origin.first.integers(_VERSION) if origin.first else ()
    version = max(said, _KNOWN)
    fields.append(Field(_VERSION, "byte", version))
    if _BACKWARD not in entries:
        fields.append(Field(_BACKWARD, "byte", _OLDEST))
    if _LIGHT1 in _unusable(origin):  # a matrix alone is D65's to dcraw, LibRaw and darktable
        fields.append(Field(_LIGHT1, "short", [_D65]))
    return fields


def _unusable(origin: Origin) -> set[int]:
    """A neutral that is none, an exposure of 0/0, a single matrix without its light."""
    first = origin.first
    if first is None:
        return set()
    neutral, exposure = first.numbers(_NEUTRAL), first.numbers(_EXPOSURE)
    bad = {_NEUTRAL} if neutral and not all(value > 0 for value in neutral) else set[int]()
    bad |= {_EXPOSURE} if exposure and not all(map(math.isfinite, exposure)) else set()
    alone = _MATRIX1 in first.entries and _MATRIX2 not in first.entries
    return bad | ({_LIGHT1} if alone and not first.number(_LIGHT1) else set())


def _other_fields(raw: RawImage, origin: Origin) -> list[Field | Entry]:
    """Of raws that are no DNG: their words, and the matrix that LibRaw's table has for D65."""
    fields: list[Field | Entry] = []
    if origin.first is not None:
        kept = without(origin.first.entries, POINTERS | OF_RAW)
        fields += [entry for entry in kept if entry.code in EVERYWHERE]
    elif raw.path is not None:
        fields += _words(raw.path)
    there = {field.code for field in fields}
    names = {271: raw.make, 272: raw.model}
    fields += [text(code, name) for code, name in names.items() if name and code not in there]
    return [
        *fields,
        Field(_VERSION, "byte", _KNOWN),
        Field(_BACKWARD, "byte", _OLDEST),
        *([] if raw.is_grey else _matrix(raw)),
        *([text(50827, raw.path.name)] if raw.path else []),
    ]


def _matrix(raw: RawImage) -> list[Field]:
    # Tables have four places; what float32 adds is no news.
    matrix = [round(value, 6) for value in raw.camera.xyz_to_cam.double().flatten().tolist()]
    return [Field(_MATRIX1, "srational", matrix), Field(_LIGHT1, "short", [_D65])]


def _words(path: Path) -> list[Field]:
    facts = libraw_facts(path)
    fields = [text(315, facts.artist)] if facts.artist else []
    clock = f"{facts.moment:%Y:%m:%d %H:%M:%S}" if facts.moment else ""
    return fields + ([text(306, clock)] if clock else [])


def _unique_model(raw: RawImage) -> str:
    """Maker and model; many models repeat their maker."""
    name = raw.model if raw.model.startswith(raw.make) else f"{raw.make} {raw.model}"
    return name.strip() or "Unknown"


def exif_fields(raw: RawImage) -> list[Field]:
    """EXIF from what LibRaw says, for files that hold none."""
    facts = libraw_facts(raw.path) if raw.path else LibrawFacts()
    return exif_of(facts, raw.iso, raw.exposure_time)


def default_crop(raw: RawImage, source: SensorFrame, origin: Origin) -> Area:
    """What developers show, counted within the visible area; all of it where nothing is said."""
    whole = Area(0, 0, source.height, source.width)
    if not origin.is_dng:
        return (libraw_facts(raw.path).crop if raw.path else None) or whole
    if origin.photograph is None:
        return whole
    return _dng_crop(origin.photograph, source) or whole


def _dng_crop(photograph: Directory, source: SensorFrame) -> Area | None:
    start, size = photograph.numbers(50719), photograph.numbers(50720)
    if len(start) != 2 or len(size) != 2 or not all(map(math.isfinite, (*start, *size))):
        return None
    # LibRaw starts an odd active area one row or column later.
    top, left = active_area(photograph)[:2]
    left, top = round(start[0]) + left - source.left, round(start[1]) + top - source.top
    right = min(left + round(size[0]), source.width)
    bottom = min(top + round(size[1]), source.height)
    left, top = max(left, 0), max(top, 0)
    return Area(top, left, bottom, right) if top < bottom and left < right else None


def active_area(photograph: Directory) -> Area:
    """A DNG's ActiveArea, or the whole sensor."""
    area = photograph.integers(50829)
    if len(area) != 4:
        return Area(0, 0, photograph.number(257), photograph.number(256))
    top, left, bottom, right = area
    return Area(top, left, bottom, right)
