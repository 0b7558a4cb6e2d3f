"""The noise of one camera as calibrated: levels and intervals by ISO, kept as JSON."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pellucid.errors import FileError, PellucidError
from pellucid.io.replacing import replacing
from pellucid.noise_profiles import CameraProfile, interpolated, same_camera
from pellucid.raw import Noise

FORMAT = "pellucid noise"
VERSION = 1
READ_SLOPE = 1.232
"""Read variance goes with this power of shot noise, over 369 cameras (docs/noise_laws.md)."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level for all sites, or for R, G and B where they differ, with its 95 % interval."""

    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HotPixels:
    """Sites that stand out of their neighbours in every frame."""

    threshold: float
    """By how many standard deviations."""
    count: int
    places: tuple[tuple[int, int], ...]
    """Row and column in the visible area, the strongest first; not more than `MOST_PLACES`."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What was looked at."""

    flats: int = 0
    darks: int = 0
    shots: int = 0

    @property
    def rank(self) -> tuple[bool, bool]:
        """How much such frames tell: flats the gain, darks what does not come from light."""
        return self.flats > 0, self.darks > 0

    @property
    def words(self) -> str:
        """Such as 4 flats, 1 dark."""
        counts = {"flat": self.flats, "dark": self.darks, "shot": self.shots}
        return ", ".join(f"{n} {name}{'s' * (n > 1)}" for name, n in counts.items() if n)


@dataclass(frozen=True, slots=True)
class IsoNoise:
    """Noise at one ISO; the unit is white less black."""

    iso: float
    shot: Level
    read: Level
    """Variance of all that does not come from light: read noise, rows and rounding together."""
    row: float | None
    """Standard deviation that the sites of a row share, a part of `read`; None if not known."""
    hot_pixels: HotPixels | None
    levels: float
    """White less black in DN, so that shot * levels is the gain in DN per electron."""
    frames: Frames

    @property
    def noise(self) -> Noise:
        """The two levels alone."""
        shot, read = self.shot.value, self.read.value
        return Noise(shot[0], read[0]) if len(shot) == 1 else Noise(shot, read)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True)
class CalibratedCamera:
    """A camera's noise at one or several ISOs, in their order."""

    make: str
    model: str
    isos: tuple[IsoNoise, ...]

    @property
    def name(self) -> str:
        """As a user says it; many models repeat their maker."""
        repeats = self.model.casefold().startswith(self.make.casefold())
        return (self.model if repeats else f"{self.make} {self.model}").strip() or "unknown camera"

    def is_of(self, make: str, model: str) -> bool:
        """Whether a raw file's names are this camera's."""
        return bool(model) and same_camera(self.make, self.model, make, model)

    def at(self, iso: float) -> Noise:
        """Noise at an ISO: a power law between neighbours.

        Beyond the calibrated ISOs shot goes with the ISO and read with its power `READ_SLOPE`.
        """
        low, high = self.isos[0].iso, self.isos[-1].iso
        inside = min(max(iso, low), high)
        profiles = [CameraProfile(self.make, self.model, one.iso, one.noise) for one in self.isos]
        shot, read = interpolated(profiles, inside)
        return Noise(shot * (iso / inside), read * (iso / inside) ** READ_SLOPE)

    def merged(self, newer: "CalibratedCamera") -> "CalibratedCamera":
        """Both; where they have the same ISO what was made of better frames, else the newer."""
        both = sorted((*self.isos, *newer.isos), key=lambda one: one.frames.rank)
        isos = {one.iso: one for one in both}
        return replace(newer, isos=tuple(isos[iso] for iso in sorted(isos)))


def write_calibration(path: str | Path, camera: CalibratedCamera) -> None:
    """Write a camera's noise as JSON; raises FileError where the system refuses."""
    record = {
        "format": FORMAT,
        "version": VERSION,
        "unit": "variance = shot * x + read, x from 0 (black) to 1 (white)",
        **asdict(camera),
    }
    with replacing(path) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def read_calibration(path: str | Path) -> CalibratedCamera:
    """The camera of a file that `write_calibration` wrote; raises FileError for any other."""
    record = _json_of(path)
    if not is_calibration(record):
        raise FileError.of(path, "no noise profile; expected what pellucid calibrate writes")
    if record["version"] != VERSION:
        got = record["version"]
        raise FileError.of(path, f"its format has version {got}; expected {VERSION}")
    try:
        return _camera(record)
    except (LookupError, TypeError, ValueError) as error:
        raise FileError.of(path, f"a damaged noise profile ({error!r})") from error


def is_calibration(record: Any) -> bool:
    """Whether what a JSON file holds says that it is one of ours."""
    return isinstance(record, dict) and record.get("format") == FORMAT and "version" in record


def calibration_in(folder: Path, make: str, model: str) -> tuple[Path, CalibratedCamera] | None:
    """The first file of a folder, by name, that is of a camera; other files are passed over."""
    for path in sorted(folder.glob("*.json")):
        if is_calibration(_json_of(path)):
            camera = read_calibration(path)
            if camera.is_of(make, model):
                return path, camera
    return None


def noise_at(camera: CalibratedCamera, iso: float | None) -> Noise:
    """Noise at the ISO that a file says; raises PellucidError if it must and does not."""
    if iso is not None:
        return camera.at(iso)
    if len(camera.isos) > 1:
        known = ", ".join(f"{one.iso:g}" for one in camera.isos)
        raise PellucidError(f"the file says no ISO; expected one, for a profile of ISO {known}")
    only = next(iter(camera.isos))
    return only.noise


def _json_of(path: str | Path) -> Any:
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise FileError.from_os(path, error) from error
    except ValueError as error:
        raise FileError.of(path, "no JSON; expected what pellucid calibrate writes") from error


def _camera(record: dict[str, Any]) -> CalibratedCamera:
    isos = sorted((_iso(one) for one in record["isos"]), key=lambda one: one.iso)
    if not isos:
        raise ValueError("no ISO")
    return CalibratedCamera(str(record["make"]), str(record["model"]), tuple(isos))


def _iso(record: dict[str, Any]) -> IsoNoise:
    shot, read = _level(record["shot"]), _level(record["read"])
    iso, row = float(record["iso"]), record["row"]
    if len(shot.value) != len(read.value) or not 0 < iso < float("inf"):
        raise ValueError("levels or ISO that make no sense")
    return IsoNoise(
        iso,
        shot,
        read,
        None if row is None else float(row),
        _optional(_hot_pixels, record["hot_pixels"]),
        float(record["levels"]),
        Frames(**record["frames"]),
    )


def _level(record: dict[str, Any]) -> Level:
    value, low, high = (tuple(map(float, record[name])) for name in ("value", "low", "high"))
    # Networks divide by sigma, and a power law takes logarithms.
    if len(value) not in (1, 3) or not all(0 < one <= 1 for one in value):
        raise ValueError("expected 1 or 3 levels above 0 and at most 1")
    return Level(value, low, high)


def _hot_pixels(record: dict[str, Any]) -> HotPixels:
    places = tuple((int(row), int(column)) for row, column in record["places"])
    return HotPixels(float(record["threshold"]), int(record["count"]), places)


def _optional(read: Callable[[Any], HotPixels], record: Any) -> HotPixels | None:
    return None if record is None else read(record)
