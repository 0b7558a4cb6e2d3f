"""What restoration gains over developing, for every kind of raw, on noise of a known strength.

    python benchmarks/raw_kinds.py --photos FOLDER --json benchmarks/results/raw_kinds.json
    python benchmarks/raw_kinds.py --photos ONE --picture docs/images/raw_kinds.jpg

Each photograph, reduced until its own noise and its sharpening are gone, is written as a Bayer,
X-Trans, quad-Bayer, monochrome and linear DNG with noise, read back, developed and restored.
"""

import argparse
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pellucid import Camera, ISPConfig, Noise, Rendering, Restorer, develop, read_raw
from pellucid.bayer import mosaic_of
from pellucid.cli import exit_with
from pellucid.color import apply_matrix, decode
from pellucid.data.photos import photographs, reduced
from pellucid.io import DngFields, noise_pairs, write_dng
from pellucid.io.dng_fields import QUAD_BAYER, X_TRANS
from pellucid.io.linear_images import grey_camera
from pellucid.isp import render_linear, unbalance
from pellucid.pattern_demosaic import colour_sites

CAMERA = Camera.of(
    torch.tensor([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]),
    torch.tensor([2.0, 1.0, 1.6]),
)
BLACK, WHITE = 4096, 60000
PATTERNS = {"Bayer": None, "X-Trans": X_TRANS, "quad-Bayer": QUAD_BAYER, "grey": (), "linear": ()}
BORDER = 16


def camera_rgb(picture: Tensor) -> Tensor:
    """Linear camera RGB (3, H, W), not white-balanced, that develops to a picture."""
    linear = apply_matrix(decode(picture, "rec709"), torch.inverse(CAMERA.cam_to_srgb))
    return unbalance(linear.clamp(0, 1), CAMERA.white_balance).clamp(0, 1)


def seen(kind: str, light: Tensor) -> Tensor:
    """What a sensor of the kind takes of camera RGB."""
    match kind:
        case "linear":
            return light
        case "grey":
            return light.mean(0, keepdim=True)
        case "Bayer":
            return mosaic_of(light)
        case _:
            pattern = PATTERNS[kind]
            assert pattern
            return (light * colour_sites(pattern, *light.shape[-2:])).sum(0, keepdim=True)


def write(path: Path, kind: str, values: Tensor, noise: Noise, seed: int) -> None:
    """Write values with noise as a DNG of the kind."""
    generator = torch.Generator().manual_seed(seed)
    deviation = (noise.shot * values.clamp(min=0) + noise.read).sqrt()
    noisy = values + deviation * torch.randn(values.shape, generator=generator)
    integers = (noisy * (WHITE - BLACK) + BLACK).round().clamp(0, 65535).permute(1, 2, 0)
    sensor = integers.numpy().astype(np.uint16)
    neutral = tuple((1 / CAMERA.white_balance.double()).tolist())
    matrix = tuple(map(tuple, CAMERA.xyz_to_cam.tolist()))
    fields = DngFields(
        black=(float(BLACK),),
        white=WHITE,
        xyz_to_cam=matrix,
        as_shot_neutral=neutral,
        noise=noise_pairs(noise),
        pattern=PATTERNS[kind],
    )
    write_dng(path, sensor if kind == "linear" else sensor[..., 0], fields)


def truth(kind: str, light: Tensor) -> Tensor:
    """The scene, developed without noise and without demosaicking."""
    camera = grey_camera() if kind == "grey" else CAMERA
    pixels = seen(kind, light) if kind == "grey" else light
    return render_linear(pixels, camera, Rendering(), ISPConfig())


def psnr(picture: Tensor, wanted: Tensor) -> float:
    """PSNR in dB, without the border."""
    inside = slice(BORDER, -BORDER)
    error = (picture.clamp(0, 1) - wanted)[:, inside, inside]
    return -10 * math.log10(float(error.square().mean()))


def scenes(folder: Path, count: int, side: int) -> list[Tensor]:
    """The middles of photographs, evenly over the folder."""
    paths = photographs(folder)
    found: list[Tensor] = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        picture = torch.from_numpy(reduced(path, 3).copy())
        picture = picture.permute(2, 0, 1) if picture.shape[-1] == 3 else picture
        if min(picture.shape[-2:]) < side:
            raise SystemExit(f"{path}: too small; expected {3 * side} pixels a side or more")
        top, left = ((length - side) // 2 for length in picture.shape[-2:])
        middle = picture[:, top : top + side, left : left + side]
        found.append(middle.float() / (255 if picture.dtype == torch.uint8 else 65535))
    return found


def measured(restorer: Restorer, kind: str, lights: list[Tensor], shot: float) -> dict[str, float]:
    """Mean PSNR of developing and of restoring."""
    noise, scores = Noise(shot, shot / 100), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dng"
        for number, light in enumerate(lights):
            write(path, kind, seen(kind, light), noise, number)
            raw, wanted = read_raw(path), truth(kind, light)
            scores.append((psnr(develop(raw), wanted), psnr(restorer(raw).srgb, wanted)))
    before, after = np.mean(scores, axis=0).tolist()
    least = min(b - a for a, b in scores)
    return {"develop": before, "restore": after, "least gain": least}


SHOWN = (("X-Trans", "grey"), ("quad-Bayer", "linear"))
"""Kinds in rows of the picture."""


def drawn(restorer: Restorer, light: Tensor, side: int = 240) -> Tensor:
    """Each kind developed, restored and true, the middle of a scene at shot 1e-2."""
    noise = Noise(1e-2, 1e-4)

    def three(kind: str) -> Tensor:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.dng"
            write(path, kind, seen(kind, light), noise, 0)
            raw = read_raw(path)
        pictures = develop(raw), restorer(raw).srgb, truth(kind, light)
        top, left = ((length - side) // 2 for length in light.shape[-2:])
        return torch.cat([each[:, top : top + side, left : left + side] for each in pictures], -1)

    return torch.cat([torch.cat([three(kind) for kind in row], -1) for row in SHOWN], -2)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="draw the last scene there, and stop")
    said = parser.parse_args()
    lights = [camera_rgb(scene) for scene in scenes(said.photos, said.count, said.side)]
    restorer, found = Restorer.load(), {}
    if said.picture:
        pixels = drawn(restorer, lights[-1]).clamp(0, 1).mul(255).round().byte()
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(said.picture, quality=90)
        return
    print("| kind | shot | develop | restore | least gain |\n| --- | --- | --- | --- | --- |")
    for kind in PATTERNS:
        for shot in (1e-3, 1e-2):
            row = measured(restorer, kind, lights, shot)
            found[f"{kind} {shot:g}"] = {name: round(value, 2) for name, value in row.items()}
            print(
                f"| {kind} | {shot:g} | " + " | ".join(f"{v:.1f}" for v in row.values()) + " |",
                flush=True,
            )
    if said.json:
        said.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
