"""Which noise level a photograph is taken to have: the first that anyone knows."""

import os
from pathlib import Path
from typing import NamedTuple

from pellucid.calibration.blind import estimate_noise
from pellucid.calibration.profile import (
    CalibratedCamera,
    calibration_in,
    noise_at,
    read_calibration,
)
from pellucid.errors import FileError, PellucidError
from pellucid.noise_profiles import DATABASES, profile_of, read_profiles
from pellucid.raw import Noise, RawImage


def parse_noise(text: str | None) -> Noise | CalibratedCamera | None:
    """SHOT,READ as a noise level, or FILE.json as a calibrated camera."""
    if text is None:
        return None
    if text.casefold().endswith(".json"):
        return read_calibration(text)
    try:
        shot, read = (float(part) for part in text.split(","))
    except ValueError:
        raise PellucidError(
            f"--noise {text}: expected two numbers SHOT,READ, such as 0.001,1e-6, or a profile "
            "FILE.json"
        ) from None
    if not (0 <= shot <= 1 and 0 <= read <= 1 and shot + read > 0):
        raise PellucidError(f"--noise {text}: expected SHOT and READ from 0 to 1, not both 0")
    return Noise(shot, read)


class KnownNoise(NamedTuple):
    """The noise level that a restoration goes by, and where it came from."""

    noise: Noise
    origin: str


def settle_noise(raw: RawImage, given: Noise | CalibratedCamera | None = None) -> KnownNoise:
    """The first of what is given, calibrated, in the file, in darktable's database, or estimated.

    A calibrated camera that is given holds for any camera at the file's ISO; those in the user's
    folder are found by camera and ISO. Raises PellucidError where a given one needs an ISO that the
    file does not say, FileError where a profile cannot be read.
    """
    if isinstance(given, CalibratedCamera):
        return _given_camera(raw, given)
    if given is not None:
        return KnownNoise(given, "given")
    return (
        calibrated_noise(raw)
        or file_noise(raw)
        or darktable_noise(raw)
        or KnownNoise(estimate_noise(raw.sites), "estimated from the picture")
    )


def _given_camera(raw: RawImage, camera: CalibratedCamera) -> KnownNoise:
    try:
        return KnownNoise(noise_at(camera, raw.iso), f"calibrated for {camera.name}")
    except PellucidError as error:
        raise FileError.of(raw.path or "raw", str(error)) from error


def calibrated_noise(raw: RawImage, folder: Path | None = None) -> KnownNoise | None:
    """Of a camera that was calibrated into the user's folder."""
    found = calibration_in(folder or profile_folder(), raw.make, raw.model)
    if found is None or (raw.iso is None and len(found[1].isos) > 1):
        return None
    return KnownNoise(noise_at(found[1], raw.iso), f"calibrated, {found[0].name}")


def file_noise(raw: RawImage) -> KnownNoise | None:
    """Of the NoiseProfile."""
    return None if raw.noise is None else KnownNoise(raw.noise, "the file's noise profile")


def darktable_noise(raw: RawImage) -> KnownNoise | None:
    """Of the database of a darktable installation, if there is one that knows the camera."""
    database = darktable_database()
    if database is None or raw.iso is None or not (raw.make and raw.model):
        return None
    noise = profile_of(read_profiles(database), raw.make, raw.model, raw.iso)
    return None if noise is None else KnownNoise(noise, "darktable's noise profiles")


def darktable_database() -> Path | None:
    """The noise profiles of an installation, if there is one."""
    return next((path for path in DATABASES if path.is_file()), None)


def profile_folder() -> Path:
    """Where calibrated cameras are looked for: ~/.config/pellucid, or below XDG_CONFIG_HOME."""
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "pellucid"
