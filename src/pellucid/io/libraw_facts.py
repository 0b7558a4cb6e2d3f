"""What LibRaw says of a photograph without decoding it: lens, date, the maker's crop."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import math
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import rawpy

from pellucid.io.dng import Area
from pellucid.io.tiff_writer import Field, text


@dataclass(frozen=True, slots=True)
class LibrawFacts:
    """Facts for files whose own EXIF cannot be copied; 0 and empty where unknown."""

    aperture: float = 0.0
    focal_length: float = 0.0
    """Millimetres."""
    moment: datetime | None = None
    artist: str = ""
    lens: str = ""
    crop: Area | None = None
    """What the camera's own picture shows of the sensor, within the visible area."""


def libraw_facts(path: Path) -> LibrawFacts:
    """Facts of a raw file; none of them where LibRaw cannot open it."""
    raw = rawpy.RawPy()
    try:
        raw.open_file(str(path))
        return _facts(raw)
    except (rawpy.LibRawError, UnicodeEncodeError):
        return LibrawFacts()
    finally:
        raw.close()


def _facts(raw: rawpy.RawPy) -> LibrawFacts:
    other = raw.other
    # LibRaw says 1970 for none, and 1 for no aperture.
    moment = other.timestamp if other.timestamp.year > 1970 else None
    return LibrawFacts(
        aperture=_positive(other.aperture) if other.aperture != 1 else 0.0,
        focal_length=_positive(other.focal_length),
        moment=moment,
        artist=str(other.artist),
        lens=str(raw.lens.model),
        crop=_crop(raw.sizes),
    )


def _crop(sizes: "rawpy.ImageSizes") -> Area | None:
    top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
    bottom, right = top + sizes.crop_height, left + sizes.crop_width
    inside = 0 <= top < bottom <= sizes.height and 0 <= left < right <= sizes.width
    return Area(top, left, bottom, right) if inside else None


def _positive(value: float) -> float:
    return float(value) if math.isfinite(value) and value > 0 else 0.0


def exif_of(facts: LibrawFacts, iso: float | None, exposure_time: float | None) -> list[Field]:
    """EXIF fields of what is known."""
    fields = [Field(36864, "undefined", b"0231")]
    numbers = {33434: exposure_time, 33437: facts.aperture, 37386: facts.focal_length}
    # LibRaw counts in 32-bit floats: 1/250 s comes as 0.00400000019.
    fields += [
        Field(code, "rational", [Fraction(value).limit_denominator(100_000)])
        for code, value in numbers.items()
        if value
    ]
    if iso:
        fields.append(Field(34855, "short", [min(round(iso), 65535)]))
        # ISO that 16 bits cannot hold stands in RecommendedExposureIndex (EXIF 2.3).
        fields += [Field(34864, "short", [2]), Field(34866, "long", [round(iso)])]
    if facts.moment:
        clock = f"{facts.moment:%Y:%m:%d %H:%M:%S}"
        fields += [text(36867, clock), text(36868, clock)]
    return fields + ([text(42036, facts.lens)] if facts.lens else [])
