"""Noise of hundreds of cameras, read at run time from the database of a darktable installation.

The database is GPL and is not part of Pellucid. How its numbers become a `Noise` was measured, not
documented: docs/noise_laws.md.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TypedDict

from pellucid.errors import FileError
from pellucid.raw import Noise

DATABASES = tuple(
    Path(prefix) / "share/darktable/noiseprofiles.json"
    for prefix in ("/usr", "/usr/local", "/opt/darktable", "/opt/homebrew")
)
"""Where darktable installs its database."""
SHOT_FACTOR = 10.0
READ_FACTOR = 6.0
"""Variance at a raw site over what darktable measured: a Haar coefficient that halves twice (1/4)
of demosaicked green; geometric means over ELD's five cameras."""


@dataclass(frozen=True)
class CameraProfile:
    """A camera's noise at one ISO."""

    make: str
    model: str
    iso: float
    noise: Noise


class _Entry(TypedDict):
    iso: float
    a: list[float]
    b: list[float]


def profile_database(path: Path | None = None) -> Path:
    """The database at a path, or else the first installed one; raises `FileError` without one."""
    for candidate in (path,) if path else DATABASES:
        if candidate.is_file():
            return candidate
    looked = path or ", ".join(map(str, DATABASES))
    raise FileError(f"{looked}: no noise profiles; expected darktable's noiseprofiles.json")


@cache
def read_profiles(path: Path) -> tuple[CameraProfile, ...]:
    """Every usable profile, by camera and ISO; raises `FileError` where the file is not one.

    Left out: what darktable itself skips, and fits whose green slope or offset is not positive.
    """
    try:
        database = json.loads(path.read_text("utf-8"))
        profiles = [
            _profile(maker["maker"], model["model"], entry)
            for maker in database["noiseprofiles"]
            for model in maker["models"]
            for entry in model["profiles"]
            if not entry.get("skip") and entry["a"][1] > 0 and entry["b"][1] > 0
        ]
    except OSError as error:
        raise FileError.from_os(path, error) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise FileError.of(path, "not darktable's noise profiles") from error
    return tuple(sorted(profiles, key=lambda p: (p.make, p.model, p.iso)))


def _profile(make: str, model: str, entry: _Entry) -> CameraProfile:
    # White balance is in the file's red and blue, so green speaks for all: the gain is one.
    noise = Noise(SHOT_FACTOR * entry["a"][1], READ_FACTOR * entry["b"][1])
    return CameraProfile(make, model, float(entry["iso"]), noise)


@cache
def cameras_of(path: Path) -> tuple[tuple[CameraProfile, ...], ...]:
    """The profiles of each camera, by ISO."""
    profiles = read_profiles(path)
    return tuple(tuple(group) for _, group in groupby(profiles, lambda p: (p.make, p.model)))


def profile_of(
    profiles: Sequence[CameraProfile], make: str, model: str, iso: float
) -> Noise | None:
    """Noise of a camera at an ISO, from the nearest ISOs; None for an unknown camera.

    Names may be EXIF's, as in "NIKON CORPORATION" and "NIKON D850".
    """
    found = [p for p in profiles if same_camera(p.make, p.model, make, model)]
    return interpolated(sorted(found, key=lambda p: p.iso), iso) if found else None


def same_camera(maker: str, named: str, make: str, model: str) -> bool:
    """Whether a file's make and model, which may be EXIF's, are a profile's."""
    short = maker.casefold()
    # Names may be EXIF's on both sides: "NIKON D850" by "NIKON CORPORATION".
    names, known = (_without(short, words.casefold().split()) for words in (model, named))
    return short in make.casefold() and names == known


def _without(maker: str, names: list[str]) -> list[str]:
    return names[1:] if names and names[0] == maker.split(" ")[0] else names


def interpolated(profiles: Sequence[CameraProfile], iso: float) -> Noise:
    """Noise of one camera's profiles, in order of ISO, at an ISO: a power law between neighbours.

    Beyond the last ISO on either side that one's noise holds.
    """
    right = bisect_left([p.iso for p in profiles], iso)
    low, high = profiles[max(right - 1, 0)], profiles[min(right, len(profiles) - 1)]
    if low.iso == high.iso:
        return high.noise
    share = math.log(iso / low.iso) / math.log(high.iso / low.iso)
    return Noise(*(x ** (1 - share) * y**share for x, y in zip(low.noise, high.noise, strict=True)))
