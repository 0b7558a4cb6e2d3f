"""A calibrated camera in the format of darktable's noise profiles."""

import json
from pathlib import Path

from torch import Tensor

from pellucid.calibration.profile import CalibratedCamera
from pellucid.io.replacing import replacing
from pellucid.noise_profiles import READ_FACTOR, SHOT_FACTOR


def write_darktable(path: str | Path, camera: CalibratedCamera) -> None:
    """Write a database with one camera, in darktable's own unit (docs/noise_laws.md).

    darktable's numbers for red and blue hold white-balance gains, which vary with the light: green
    stands for all three. Raises FileError where the system refuses.
    """
    profiles = [
        {
            "name": f"{camera.name} iso {one.iso:g}",
            "iso": one.iso,
            "a": [_green(one.noise.shot) / SHOT_FACTOR] * 3,
            "b": [_green(one.noise.read) / READ_FACTOR] * 3,
        }
        for one in camera.isos
    ]
    model = {"model": _short(camera), "profiles": profiles}
    database = {"version": 0, "noiseprofiles": [{"maker": camera.make, "models": [model]}]}
    with replacing(path) as file:
        file.write((json.dumps(database, indent=1) + "\n").encode())


def _green(level: Tensor) -> float:
    return float(level[1] if level.dim() else level)


def _short(camera: CalibratedCamera) -> str:
    """The model without its maker, as darktable has it."""
    maker, _, model = camera.model.partition(" ")
    return model if camera.make.casefold().startswith(maker.casefold()) and model else camera.model
