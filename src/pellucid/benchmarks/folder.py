"""Scores of models on pairs of pictures: two folders, or any list of pairs."""

import json
import math
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.data.degradations import eight_bits
from pellucid.data.pairs import Pair, read_pair
from pellucid.errors import FileError
from pellucid.io import replacing
from pellucid.metrics import Scores, score

SMALLEST = 11
"""Side of SSIM's window."""

Model = Callable[[Tensor], Tensor]
"""What is judged: the restored picture (3, H, W) of a degraded one in [0, 1]."""


class Judged(NamedTuple):
    """One picture as one model restored it."""

    model: str
    picture: str
    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Row:
    """Mean scores of one model."""

    model: str
    psnr: float
    """Of 8-bit RGB; infinite where a picture is equal to its target."""
    ssim: float
    seconds: float
    """Median per picture, without file access."""
    n: int


def untouched(picture: Tensor) -> Tensor:
    """The row `input`."""
    return picture


def judge(models: dict[str, Model], pairs: Sequence[Pair]) -> Iterator[Judged]:
    """Every model on every pair, read once; restored pictures are clipped and rounded to 8 bits.

    Raises `FileError` where sizes differ, or are too small for SSIM.
    """
    for pair in pairs:
        degraded, target = map(eight_bits, read_pair(pair))
        if min(target.shape[-2:]) < SMALLEST:
            got = f"{target.shape[-2]}x{target.shape[-1]}"
            raise FileError.of(pair.target, f"is {got}; expected {SMALLEST}x{SMALLEST} or more")
        for name, model in models.items():
            start = perf_counter()
            restored = model(degraded)
            seconds = perf_counter() - start
            yield Judged(name, pair.name, score(eight_bits(restored), target), seconds)


def rows(judged: Sequence[Judged]) -> list[Row]:
    """A row for each model, in the order of their first pictures."""
    return [_row(name, judged) for name in dict.fromkeys(one.model for one in judged)]


def _row(name: str, judged: Sequence[Judged]) -> Row:
    mine = [one for one in judged if one.model == name]
    psnr, ssim = (fmean(values) for values in zip(*(one.scores for one in mine), strict=True))
    return Row(name, psnr, ssim, median(one.seconds for one in mine), len(mine))


def write_report(path: Path, judged: Sequence[Judged], settings: dict[str, object]) -> None:
    """JSON with the settings, the machine, the rows, and the scores of every picture."""
    machine = {
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    facts = {"benchmark": "folder", "pellucid": version("pellucid"), **settings, **machine}
    pictures = [
        {"model": one.model, "picture": one.picture, **one.scores._asdict()} for one in judged
    ]
    said = [_finite(asdict(row)) for row in rows(judged)]
    report = {"settings": facts, "rows": said, "pictures": list(map(_finite, pictures))}
    with replacing(path) as file:
        file.write(json.dumps(report, indent=1, allow_nan=False).encode())


def _finite(said: Mapping[str, object]) -> dict[str, object]:
    """JSON knows no infinity: null is the PSNR of a picture equal to its target."""
    return {
        name: None if isinstance(value, float) and math.isinf(value) else value
        for name, value in said.items()
    }
