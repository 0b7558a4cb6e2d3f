"""All 1,000 boxes of DND's info.mat, cut out of simulated raws whose sites say colour and place.

    python benchmarks/dnd_boxes.py info.mat

Prints how many boxes had a wrong phase, window or place.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch

from pellucid.bayer import pack
from pellucid.benchmarks import dnd
from pellucid.benchmarks.dnd_info import DndImage, read_info
from pellucid.cli import exit_with
from pellucid.networks.dual_domain import Restored


def told(image: DndImage) -> np.ndarray:
    """A raw each of whose sites says its colour before the comma, its place behind it."""
    height, width = (max(box[side] for box in image.boxes) + 24 for side in (2, 3))
    cell = np.array(["RGB".index(letter) for letter in image.phase]).reshape(2, 2)
    colour = np.tile(cell, (height // 2 + 1, width // 2 + 1))[:height, :width]
    place = np.arange(height * width).reshape(height, width) / (height * width)
    return (colour + 0.5 * place).astype(np.float32)


def is_right(shot: dnd.DndShot, whole: np.ndarray, box: tuple[int, ...]) -> bool:
    """Whether the window is RGGB, as published, and its box the one that is asked for."""
    planes, window = pack(shot.raw.mosaic), shot.window
    phase = all(
        bool(((plane >= colour) & (plane < colour + 0.51)).all())
        for plane, colour in zip(planes, (0, 1, 1, 2), strict=True)
    )
    published = (window.height, window.width) == (528, 528) and all(
        1 <= start - first <= 8
        for start, first in zip(box, (window.top, window.left), strict=False)
    )
    picture = torch.zeros(3, window.height, window.width)
    cut, _ = dnd.boxes_of(Restored(shot.raw.mosaic, picture), window)
    top, left, bottom, right = box
    return phase and published and np.array_equal(cut.numpy(), whole[top:bottom, left:right])


def main() -> None:
    """Go through all boxes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("info", type=Path)
    info = parser.parse_args().info
    wrong = total = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(info, folder / "info.mat")
        images = read_info(info)
        for n, image in enumerate(images, 1):
            whole, path = told(image), folder / f"{n:04}.mat"
            with h5py.File(path, "w") as file:
                file["Inoisy"] = whole.T
            for box in range(1, len(image.boxes) + 1):
                shot = dnd.load_box(path, image, n, box).given
                assert isinstance(shot, dnd.DndShot)
                wrong += not is_right(shot, whole, image.boxes[box - 1])
                total += 1
            path.unlink()
    print(f"{wrong} of {total} boxes wrong")


if __name__ == "__main__":
    exit_with(main)
