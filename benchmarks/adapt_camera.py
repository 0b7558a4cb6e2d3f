"""`pellucid adapt` on simulated raws of a camera unlike those the default model learned of.

    python benchmarks/adapt_camera.py --photos PHOTOS --judged KODAK24 --json FILE -- --minutes 10

20 raws of PHOTOS to adapt to and 10 of the pictures to be judged by, under ELD's noise model with
banding (rows of more than half the deviation of read noise), long tails and a wrong black level.
Their files say nothing of their noise. What follows `--` goes to `pellucid adapt`, which is called
as a user would; a second call goes on with the first one's run. Scores are to the scene of which
the mosaic was taken.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import torch
from study_tests import ADAPTED, BORDER, JUDGED, SIDE, write_once
from torch import Tensor

from pellucid import (
    ISPConfig,
    Rendering,
    Restorer,
    develop,
    read_picture,
    read_raw,
    unrender,
    write_picture,
)
from pellucid.bayer import mosaic_of
from pellucid.cli import exit_with
from pellucid.data.cameras import random_camera
from pellucid.data.photos import photographs, reduced
from pellucid.data.synthesis import generator_of
from pellucid.io import replacing
from pellucid.isp import render_linear, unrender_linear
from pellucid.metrics import Scores, score
from pellucid.noise import EldSensor, add_eld_noise

CAMERA = random_camera(generator_of(7, 4))
BANDED = EldSensor(gain=20.0, scale=60.0, shape=0.05, row=80.0, bias=(44.0, 36.0, 30.0, 50.0))
"""Read noise as of an old camera at a high ISO."""
ROLLED = ISPConfig()
"""What networks are trained with; `unrender` fakes saturation, which rebuilding would not know."""
LEFT_OUT = "seeding_by_Clements_Engelhardt.jpg"
"""The photograph in the package."""


def middle(picture: Tensor) -> Tensor:
    """At most `SIDE` pixels of a picture a side, even numbers of them."""
    height, width = (min(side, SIDE) // 2 * 2 for side in picture.shape[1:])
    top, left = (picture.shape[1] - height) // 2, (picture.shape[2] - width) // 2
    return picture[:, top : top + height, left : left + width]


def make(photos: Path, judged: Path, folder: Path) -> None:
    """Raws that are not there yet."""
    paths = [path for path in photographs(photos, [LEFT_OUT]) if "plasma" not in path.name]
    for number in range(ADAPTED):
        half = torch.from_numpy(reduced(paths[number % len(paths)], 2).astype("float32") / 65535)
        noisy = add_eld_noise(unrender(middle(half), CAMERA), BANDED, generator_of(number, 3))
        write_once(folder / "adapt" / f"{number:02}.dng", noisy, CAMERA)
    for number, path in enumerate(photographs(judged)[:JUDGED]):
        light = unrender_linear(middle(read_picture(path)), CAMERA, Rendering())
        noisy = add_eld_noise(mosaic_of(light), BANDED, generator_of(number, 2))
        write_once(folder / "noisy" / f"{path.stem}.dng", noisy, CAMERA)
        truth = folder / "truth" / f"{path.stem}.png"
        if not truth.exists():
            truth.parent.mkdir(parents=True, exist_ok=True)
            write_picture(truth, render_linear(light, CAMERA, Rendering(), ROLLED), bits=16)


def scored(restorer: Restorer | None, folder: Path, pictures: Path | None = None) -> list[Scores]:
    """Of each judged raw, restored or only developed."""
    found: list[Scores] = []
    for path in sorted((folder / "noisy").iterdir()):
        raw, truth = read_raw(path), read_picture(folder / "truth" / f"{path.stem}.png")
        picture = develop(raw, config=ROLLED) if restorer is None else restorer(raw).srgb
        found.append(score(picture, truth, BORDER))
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            write_picture(pictures / f"{path.stem}.png", picture)
    return found


def means(scores: list[Scores]) -> dict[str, float]:
    """PSNR in dB, and SSIM."""
    return {
        "psnr": round(fmean(one.psnr for one in scores), 3),
        "ssim": round(fmean(one.ssim for one in scores), 4),
    }


def main() -> None:
    """Make, adapt, score."""
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--judged", type=Path, required=True, metavar="DIR")
    parser.add_argument("--folder", type=Path, default=Path("runs/adapt_camera"))
    parser.add_argument("--name", default="mycamera", help="of the adapted model")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args(words[:cut])
    make(said.photos, said.judged, said.folder)
    output = said.folder / f"{said.name}.safetensors"
    command = ["pellucid", "adapt", "--real", str(said.folder / "adapt"), "-o", str(output)]
    command += words[cut + 1 :]
    print(" ".join(command), flush=True)
    code = subprocess.run([sys.executable, "-m", *command]).returncode
    models = {"input": None, "start": Restorer.load("default", highlights="roll")}
    models |= {"adapted": Restorer.load(output, highlights="roll")} if code == 0 else {}
    scores = {
        name: scored(model, said.folder, said.folder / "pictures" / name)
        for name, model in models.items()
    }
    result = {"command": command, "code": code}
    result |= {name: means(each) for name, each in scores.items()}
    if code == 0:
        pairs = zip(scores["start"], scores["adapted"], strict=True)
        result["gains"] = [round(after.psnr - before.psnr, 2) for before, after in pairs]
    print(json.dumps(result))
    if said.json:
        with replacing(said.json) as file:
            file.write((json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    exit_with(main)
