"""Gaussian noise on photographs: networks that are told nothing beside CBM3D, which is told sigma.

    python benchmarks/gaussian.py --photos kodak24 --sigma 25 --model denoise --json FILE

Noise is added to 8-bit pictures and rounded to 8 bits again; its seed is the picture's name. PSNR
is of 8-bit RGB, in dB. CBM3D (Dabov et al. 2007) is that of the package bm3d, of the extra
`[bench]`; `--no-cbm3d` leaves it out.
"""

import argparse
import json
import statistics
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pellucid import Restorer, read_picture
from pellucid.cli import exit_with
from pellucid.data.degradations import eight_bits
from pellucid.data.photos import photographs
from pellucid.data.synthesis import generator_of
from pellucid.io import replacing
from pellucid.metrics import psnr

Denoiser = Callable[[Tensor], Tensor]


def noisy_of(clean: Tensor, name: str, sigma: float) -> Tensor:
    """The picture (3, H, W) with noise, in 8 bits."""
    generator = generator_of(zlib.crc32(name.encode()), round(sigma))
    noise = torch.randn(clean.shape, generator=generator)
    return eight_bits(clean + sigma / 255 * noise)


def cbm3d(sigma: float) -> Denoiser:
    """CBM3D, told the truth; raises SystemExit where it is not installed."""
    try:
        import bm3d
    except ImportError:
        raise SystemExit("bm3d is not installed; expected pip install '.[bench]'") from None

    def denoise(picture: Tensor) -> Tensor:
        pixels = picture.permute(1, 2, 0).numpy().astype(np.float64)
        return torch.from_numpy(bm3d.bm3d_rgb(pixels, sigma / 255)).permute(2, 0, 1).float()

    return denoise


def score(denoisers: dict[str, Denoiser], clean: Tensor, noisy: Tensor) -> dict[str, list[float]]:
    """PSNR and seconds of each."""
    row = dict[str, list[float]]()
    for name, denoise in denoisers.items():
        start = time.perf_counter()
        restored = denoise(noisy)
        seconds = time.perf_counter() - start
        row[name] = [float(psnr(eight_bits(restored.clamp(0, 1)), clean)), seconds]
    return row


def main() -> None:
    """Score every photograph and print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--sigma", type=float, default=25, help="of 255")
    parser.add_argument("--model", nargs="+", default=["denoise"])
    parser.add_argument("--limit", type=int, help="only the first photographs")
    parser.add_argument("--cbm3d", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    denoisers: dict[str, Denoiser] = {"input": lambda noisy: noisy}
    for model in said.model:
        denoisers[model] = Restorer.load(model).restore_picture
    if said.cbm3d:
        denoisers["cbm3d"] = cbm3d(said.sigma)
    rows = dict[str, dict[str, list[float]]]()
    for path in photographs(said.photos)[: said.limit]:
        clean = read_picture(path)
        rows[path.name] = score(denoisers, clean, noisy_of(clean, path.name, said.sigma))
        print(path.name, *(f"{n} {v:.2f} dB {s:.2f} s" for n, (v, s) in rows[path.name].items()))
    for name in denoisers:
        values, seconds = zip(*(row[name] for row in rows.values()), strict=True)
        mean, each = statistics.mean(values), statistics.mean(seconds)
        print(f"{name:12} {mean:.2f} dB, {each:.2f} s a picture, {len(rows)} pictures")
    if said.json:
        threads = torch.get_num_threads()
        facts = {"sigma": said.sigma, "threads": threads, "torch": torch.__version__}
        with replacing(said.json) as file:
            file.write(json.dumps({**facts, "rows": rows}, indent=1).encode())


if __name__ == "__main__":
    exit_with(main)
