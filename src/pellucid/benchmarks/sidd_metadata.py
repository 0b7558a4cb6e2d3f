"""What SIDD's METADATA_RAW files say of an image's noise and colour."""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.io import loadmat

from pellucid.errors import FileError
from pellucid.raw import Camera, Noise

NOISE_PROFILE = 51041
UNKNOWN = Camera.of(torch.eye(3), torch.ones(3))
"""Blocks are scored in their own domain: colour matters only for the picture that nobody scores."""


class Metadata(NamedTuple):
    """What is known of one image."""

    camera: Camera = UNKNOWN
    noise: Noise | None = None
    """None where it has to be estimated."""


def metadata_of(folder: Path | None, scene: str) -> Metadata:
    """Of a scene's file anywhere in the folder; of nothing where there is none."""
    path = metadata_path(folder, scene)
    return Metadata() if path is None else _read(path)


def metadata_path(folder: Path | None, scene: str) -> Path | None:
    """A scene's file anywhere in the folder; None where there is none."""
    if folder is None:
        return None
    number = scene.split("_")[0]
    return next(iter(sorted(folder.rglob(f"{number}_METADATA_RAW_010.[mM][aA][tT]"))), None)


def _read(path: Path) -> Metadata:
    try:
        held = loadmat(path, squeeze_me=True, struct_as_record=False)["metadata"]
    except (OSError, KeyError, ValueError, NotImplementedError) as error:
        raise FileError.of(path, f"cannot be read as SIDD's metadata: {error}") from error
    return Metadata(_camera(held), _noise(held))


def _camera(held: Any) -> Camera:
    matrix = np.ravel(getattr(held, "ColorMatrix2", getattr(held, "ColorMatrix1", ())))
    neutral = np.ravel(getattr(held, "AsShotNeutral", ()))
    if matrix.size != 9 or neutral.size != 3:
        return UNKNOWN
    gains = 1 / torch.tensor(neutral, dtype=torch.float32)
    return Camera.of(torch.tensor(matrix.reshape(3, 3), dtype=torch.float32), gains)


def _noise(held: Any) -> Noise | None:
    """The DNG's NoiseProfile, one pair or three, which MATLAB did not know."""
    for tag in np.atleast_1d(getattr(held, "UnknownTags", ())):
        if int(getattr(tag, "ID", 0)) == NOISE_PROFILE:
            pairs = np.ravel(tag.Value).astype(np.float64).reshape(-1, 2)
            shot, read = (torch.tensor(pairs[:, n], dtype=torch.float32) for n in (0, 1))
            return Noise(shot, read) if len(pairs) == 3 else Noise(shot[0], read[0])
    return None
