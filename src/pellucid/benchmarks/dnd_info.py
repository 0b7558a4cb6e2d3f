"""What DND's info.mat says of its 50 raws."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from pellucid.bayer import PHASES, Phase
from pellucid.errors import FileError

COLOURS = "RGB"


@dataclass(frozen=True)
class DndImage:
    """One raw."""

    camera: str
    phase: Phase
    shot: float
    read: float
    neutral: tuple[float, float, float]
    """AsShotNeutral."""
    xyz_to_cam: tuple[tuple[float, float, float], ...]
    """ColorMatrix2, for D65."""
    boxes: tuple[tuple[int, int, int, int], ...]
    """Top, left, bottom, right, counted from 0, ends excluded."""
    sigma: npt.NDArray[np.float64] = field(compare=False)
    """(boxes, 2, 2), noise of each box at the four sites of the cell."""


def read_info(path: Path) -> list[DndImage]:
    """The raws in their order."""
    if not path.is_file():
        raise FileError.of(path, "no such file; expected DND's info.mat")
    try:
        with h5py.File(path, "r") as file:
            info: Any = file["info"]
            return [_image(file, info, n, path) for n in range(info["camera"].size)]
    except (OSError, KeyError, ValueError, AttributeError) as error:
        raise FileError.of(path, f"is not DND's info.mat: {error}") from error


def _image(file: Any, info: Any, number: int, path: Path) -> DndImage:
    def of(name: str) -> Any:
        return file[info[name][()].ravel()[number]]

    camera, law = of("camera"), of("nlf")
    boxes = of("boundingboxes")[()].T.round().astype(int)
    return DndImage(
        _text(camera["type"]),
        _phase(camera, path),
        float(law["a"][()].item()),
        float(law["b"][()].item()),
        _three(camera["AsShotNeutral"][()].ravel()),
        tuple(_three(row) for row in camera["ColorMatrix2"][()].reshape(3, 3)),
        # MATLAB counts from 1 and includes the end.
        tuple((int(row[0]) - 1, int(row[1]) - 1, int(row[2]), int(row[3])) for row in boxes),
        np.asarray(of("sigma_raw")[()]).T,
    )


def _phase(camera: Any, path: Path) -> Phase:
    """Of the pattern, 1 to 3 for R, G, B, which the letters beside it repeat."""
    numbers = camera["pattern"][()].T.ravel().astype(int)
    letters = "".join(COLOURS[number - 1] for number in numbers)
    if letters != _text(camera["bayertype"]).upper() or letters not in PHASES:
        raise FileError.of(path, f"pattern {letters} and bayertype contradict each other")
    return PHASES[PHASES.index(letters)]


def _text(codes: Any) -> str:
    return "".join(chr(code) for code in codes[()].ravel())


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
