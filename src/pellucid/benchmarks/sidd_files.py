"""The files that SIDD's site takes: SubmitRaw.mat and SubmitSrgb.mat, MATLAB v7.3.

Each holds a cell of 40x32 blocks (single, in [0, 1]), the seconds per megapixel, and a struct of
texts. Until all blocks are there, each is a file of its own, so that an interrupted run goes on.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from pellucid.benchmarks.mat_files import write_v73
from pellucid.errors import FileError
from pellucid.io import replacing


def write_block(
    submission: Path, track: Literal["Raw", "Srgb"], image: int, block: int, values: Tensor
) -> None:
    """Keep a block (256, 256[, 3]), numbered from 1."""
    path = block_path(submission, track, image, block)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(path.parent, error) from error
    with replacing(path) as file:
        np.save(file, values.contiguous().numpy().astype(np.float32))


def block_path(submission: Path, track: str, image: int, block: int) -> Path:
    """Where a block is kept until all are there."""
    return submission / f"blocks_{track.lower()}" / f"{image:04}_{block:02}.npy"


def write_submission(
    submission: Path,
    track: Literal["Raw", "Srgb"],
    shape: tuple[int, int],
    seconds: float,
    said: Mapping[str, str],
) -> Path:
    """The file of a track, of so many images and blocks; `seconds` are per megapixel."""
    cell = np.empty(shape, object)
    for image, block in np.ndindex(shape):
        path = block_path(submission, track, image + 1, block + 1)
        if not path.is_file():
            raise FileError.of(path, "no such file; expected every block, or another --out folder")
        cell[image, block] = np.load(path)
    target = submission / f"Submit{track}.mat"
    variables = {f"DenoisedBlocks{track}": cell, f"TimeMP{track}": seconds, "OptionalData": said}
    write_v73(target, variables)
    return target
