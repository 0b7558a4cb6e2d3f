"""What the adaptation study is scored on: bad pictures and raws with their truth, made once."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from degrade import degraded
from torch import Tensor

from pellucid import (
    Camera,
    Noise,
    Restorer,
    develop,
    read_picture,
    read_raw,
    unrender,
    write_mosaic,
)
from pellucid.data.cameras import random_camera
from pellucid.data.degradations import Degradation, eight_bits
from pellucid.data.packing import PackOptions, pack
from pellucid.data.pairs import Pair, read_pair
from pellucid.data.photos import PhotoStore, photographs
from pellucid.data.picture_sets import PairSet
from pellucid.data.synthesis import generator_of
from pellucid.metrics import Scores, score
from pellucid.noise import EldSensor, add_eld_noise, add_noise
from pellucid.noise_laws import LogLinearLaw

ADAPTED, JUDGED = 20, 10
"""Raws to adapt to, and raws to be judged by."""
SIDE = 768
"""Of the raws, at most, in pixels."""
BORDER = 4
"""Pixels of a developed raw that are not judged."""
ROWS = EldSensor(gain=40.0, scale=40.0, shape=0.02, row=24.0, bias=(44.0, 36.0, 30.0, 50.0))
"""The target camera of (e) at a high ISO: long tails, rows, and a black that is not 0."""


@dataclass(frozen=True)
class Test:
    """What arms are scored on: one of these."""

    clean: Path | None = None
    """Pictures that `degradation` makes bad ones of."""
    degradation: Degradation | None = None
    pairs: PairSet | None = None
    raws: Path | None = None
    """Raws in `noisy`, their truth in `clean`."""


# -- what is made once -----------------------------------------------------------------------------


def halves(photos: Path, made: Path, left_out: list[str]) -> dict[str, str]:
    """Every other photograph in one store, the rest in another."""
    names = [path.name for path in photographs(photos, left_out)]
    stores: dict[str, str] = {}
    for which, half in enumerate(("source", "target")):
        folder = made / half
        folder.mkdir(parents=True, exist_ok=True)
        licences = photos / "LICENSES.json"
        for name in names[which::2] + [licences.name] * licences.exists():
            if not (folder / name).exists():
                (folder / name).symlink_to((photos / name).resolve())
        store = made / f"{half}.store"
        for _ in pack(folder, store, PackOptions(), report=print):
            pass
        stores[half] = str(store)
    return stores


def pairs_of(name: str, test: Test, made: Path) -> list[Pair]:
    """The pairs of a test; degraded pictures are written once."""
    if test.pairs is not None:
        return test.pairs.pairs()
    assert test.clean is not None and test.degradation is not None
    return degraded(test.clean, test.degradation, made / name)


def make_raws(target: Path, judged: list[Path], made: Path) -> dict[str, str]:
    """Raws of the source's law and of the target camera: to adapt to, and with their truth."""
    source_raws, target_raws = made / "source_raws", made / "target_raws"
    for number, path in enumerate(judged[:JUDGED]):
        clean, camera = taken(read_picture(path), number)
        law = LogLinearLaw().sample(generator_of(number, 1))
        noisy = add_noise(clean, law, generator=generator_of(number, 2))
        write_once(source_raws / "noisy" / f"{path.stem}.dng", noisy, camera, law)
        rows = add_eld_noise(clean, ROWS, generator_of(number, 2))
        # The target's files say nothing of their noise.
        write_once(target_raws / "noisy" / f"{path.stem}.dng", rows, camera)
        for folder in (source_raws, target_raws):
            write_once(folder / "clean" / f"{path.stem}.dng", clean, camera)
    photos = PhotoStore(target).pictures
    for number in range(ADAPTED):
        pixels = torch.from_numpy(photos[number % len(photos)].astype(np.float32) / 65535)
        clean, camera = taken(pixels, number)
        noisy = add_eld_noise(clean, ROWS, generator_of(number, 3))
        write_once(target_raws / "adapt" / f"{number:02}.dng", noisy, camera)
    return {"source_raws": str(source_raws), "target_raws": str(target_raws)}


def write_once(path: Path, mosaic: Tensor, camera: Camera, noise: Noise | None = None) -> None:
    """Write a raw that is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_mosaic(path, mosaic, camera, noise)


def taken(picture: Tensor, number: int) -> tuple[Tensor, Camera]:
    """The middle of a picture (3, H, W) as the raw of one of five cameras."""
    height, width = (min(side, SIDE) // 2 * 2 for side in picture.shape[1:])
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    camera = random_camera(generator_of(number % 5, 4))
    return unrender(picture[:, top : top + height, left : left + width], camera), camera


# -- scoring ---------------------------------------------------------------------------------------


def scored(
    arm: str, restorer: Restorer, name: str, test: Test, made: Path
) -> list[dict[str, str | float]]:
    """Mean scores of the input and of the arm."""
    if test.raws is None:
        judged = [judged_pair(restorer, pair) for pair in pairs_of(name, test, made)]
    else:
        paths = sorted((test.raws / "noisy").iterdir())
        judged = [judged_raw(restorer, path, test.raws / "clean" / path.name) for path in paths]
    return [
        {
            "model": model,
            "psnr": fmean(one.psnr for one in scores),
            "ssim": fmean(one.ssim for one in scores),
            "n": len(scores),
        }
        for model, scores in zip(("input", arm), zip(*judged, strict=True), strict=True)
    ]


def judged_pair(restorer: Restorer, pair: Pair) -> tuple[Scores, Scores]:
    """Of a degraded picture, and of the restored one, rounded to 8 bits."""
    degraded, target = map(eight_bits, read_pair(pair))
    restored = eight_bits(restorer.restore_picture(degraded))
    return score(degraded, target), score(restored, target)


def judged_raw(restorer: Restorer, noisy: Path, clean: Path) -> tuple[Scores, Scores]:
    """Of a raw developed as it is, and restored, beside its truth developed."""
    raw, truth = read_raw(noisy), develop(read_raw(clean))
    return score(develop(raw), truth, BORDER), score(restorer(raw).srgb, truth, BORDER)
