"""`dnd`: 50 raws with 1,000 boxes whose truth only the site knows (Ploetz and Roth, CVPR 2017).

Each box is restored in the window that DualDn cuts (Li et al., ECCV 2024): 528x528 pixels from the
first red site in the 8x8 square up-left of the box. Both tracks come from one run: the restored
mosaic, turned back to the box's own phase, and the picture with DND's gamma and white.
"""
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pellucid.bayer import Phase, pack, red_offset
from pellucid.benchmarks.benchmark import Benchmark, Item, Sample, all_files
from pellucid.benchmarks.dnd_files import write_box
from pellucid.benchmarks.dnd_info import DndImage, read_info
from pellucid.benchmarks.mat_files import read_window, shape_of
from pellucid.benchmarks.raw_models import RawShot, developed
from pellucid.choices import Demosaic, Truth
from pellucid.errors import FileError
from pellucid.isp import ISPConfig, Rendering
from pellucid.metrics import Column
from pellucid.metrics.flat_noise import flat_noise
from pellucid.networks.dual_domain import Restored
from pellucid.noise import variance
from pellucid.raw import Camera, Noise, RawImage

SIDE = 512
MARGIN = 8
VARIABLE = "Inoisy"
COLUMNS = (
    Column("residual", "removed", 3, words="removed: RMS of what was taken from the raw, "
           "over the noise that info.mat states; 1 is all of it"),
    Column("noise", "noise", 2, False, "noise in 8-bit levels where the input is flat"),
)  # fmt: skip
PROTOCOL = (
    "no truth is published: the site scores the bundles; windows of 528 pixels from the first red "
    "site in the 8 pixels before the box; gamma 2.2, tone 0"
)
SOURCE = "DND (Ploetz and Roth, CVPR 2017), windows of DualDn (Li et al., ECCV 2024)"


class Window(NamedTuple):
    """A box and what is cut around it, in the picture's pixels."""

    top: int
    left: int
    height: int
    width: int
    box_top: int
    box_left: int

    @property
    def inside(self) -> tuple[slice, slice]:
        """The box's rows and columns within the window."""
        top, left = self.box_top - self.top, self.box_left - self.left
        return slice(top, top + SIDE), slice(left, left + SIDE)


@dataclass(frozen=True)
class DndShot(RawShot):
    """A window, and which box it is for."""

    window: Window = Window(0, 0, 0, 0, 0, 0)
    image: int = 0
    box: int = 0
    truth: Truth = "mosaic"


def window_of(box: tuple[int, int], phase: Phase, shape: tuple[int, ...]) -> Window:
    """The window of a box at a row and column, by DualDn's rule, inside a picture of that shape."""
    sides = [
        _along(start, red, length)
        for start, red, length in zip(box, red_offset(phase), shape, strict=True)
    ]
    (top, height), (left, width) = sides
    return Window(top, left, height, width, *box)


def _along(start: int, red: int, length: int) -> tuple[int, int]:
    """Where the window begins and how long it is; at an edge it stays red, and even."""
    first = start - MARGIN + (red - start + MARGIN) % 2
    first = first if first >= 0 else red
    last = min(first + SIDE + 2 * MARGIN, length)
    last -= (last - first) % 2
    return first, last - first


def dnd_benchmark(
    data: Path, submission: Path | None = None, style: Demosaic = "bilinear"
) -> Benchmark[RawShot, Restored]:
    """All boxes of the raws; with `submission`, each is written there as the site wants it."""
    info = data / "info.mat"
    images = read_info(info)
    items = [
        Item(
            f"{n:04}_{k:02}",
            partial(load_box, path, image, n, k, style),
            scene=f"{n:04}",
            files=(info, path),
        )
        for n, image in enumerate(images, 1)
        for path in [raw_path(data, n)]
        for k in range(1, len(image.boxes) + 1)
    ]
    facts: dict[str, object] = {"data": data, "submission": str(submission), "demosaic": style}
    score, files = partial(_score, submission), all_files(items)
    return Benchmark("dnd", items, COLUMNS, score, _words(style), SOURCE, facts, files=files)


def _words(style: Demosaic) -> str:
    return f"{PROTOCOL}; demosaic {style}; {'; '.join(column.words for column in COLUMNS)}"


def raw_path(data: Path, number: int) -> Path:
    """One of the raws, in the site's layout or DualDn's."""
    paths = [data / folder / f"{number:04}.mat" for folder in ("images_raw", "Raw", "")]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise FileError.of(paths[0], "no such file; expected 50 raws in images_raw or Raw")
    return found


def load_box(
    path: Path, image: DndImage, number: int, box: int, style: Demosaic = "bilinear"
) -> Sample[RawShot]:
    """The window of a box, both numbered from 1."""
    top, left, bottom, right = image.boxes[box - 1]
    shape = shape_of(path, VARIABLE)
    if not (bottom - top == right - left == SIDE and bottom <= shape[0] and right <= shape[1]):
        raise FileError.of(path, f"box {box} is {image.boxes[box - 1]} of {shape[0]}x{shape[1]}")
    window = window_of((top, left), image.phase, shape)
    rows = slice(window.top, window.top + window.height)
    columns = slice(window.left, window.left + window.width)
    values = read_window(path, VARIABLE, rows, columns).astype(np.float32)
    mosaic = torch.from_numpy(np.ascontiguousarray(values))[None]
    camera = Camera.of(torch.tensor(image.xyz_to_cam), 1 / torch.tensor(image.neutral))
    raw = RawImage(mosaic, camera, Noise(image.shot, image.read))
    isp = partial(dnd_isp, image, style)
    return Sample(DndShot(raw, Rendering(), isp, window=window, image=number, box=box), None)


def dnd_isp(image: DndImage, style: Demosaic, own: ISPConfig) -> ISPConfig:
    """DND's pipeline: gamma, DualDn's white, and the demosaicker whose weights info.mat holds."""
    illuminant = "D65" if image.camera == "Nexus6P" else "D50"
    return replace(
        own, demosaic=style, transfer="gamma2.2", matrix="separate", illuminant=illuminant
    )


def boxes_of(restored: Restored, window: Window) -> tuple[Tensor, Tensor]:
    """The box of the raw track (512, 512) and of the sRGB track (512, 512, 3)."""
    rows, columns = window.inside
    return restored.mosaic[0, rows, columns], restored.srgb[:, rows, columns].permute(1, 2, 0)


def _score(
    submission: Path | None, output: Restored, sample: Sample[RawShot]
) -> Mapping[str, float]:
    shot = sample.given
    assert isinstance(shot, DndShot)
    if submission is not None:
        write_box(submission, shot.image, shot.box, *boxes_of(output, shot.window))
    # Flat areas are chosen in the input, the same for every model.
    given = developed(shot).srgb.clamp(0, 1)
    return {
        "residual": removed(shot.raw, output.mosaic),
        "noise": flat_noise(output.srgb.clamp(0, 1), given),
    }


def removed(raw: RawImage, clean: Tensor) -> float:
    """RMS of what was taken away, over the noise that the raw states; where nothing is clipped."""
    if raw.noise is None:
        return float("nan")
    taken, kept = pack(raw.mosaic - clean), pack(clean)
    inside = (kept > 0.02) & (kept < 0.9)
    spread = variance(kept, raw.noise).clamp(min=1e-12)
    return (taken.square() / spread)[inside].mean().sqrt().item()
