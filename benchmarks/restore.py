"""Time and memory of restoring one large photograph, beside developing it.

python benchmarks/restore.py [--size 4096x6144] [--model default] [--tile 1536] [--json FILE]
"""

import argparse
import json
import resource
from pathlib import Path
from time import perf_counter

import torch

from pellucid import Camera, Noise, RawImage, Restorer, develop
from pellucid.cli import exit_with
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.noise import add_noise


def photograph(height: int, width: int) -> RawImage:
    """A noisy raw of smooth shades; what is in a picture does not change the time."""
    shades = torch.linspace(0, 0.8, height)[:, None] * torch.linspace(0.2, 1, width)
    noise = Noise(1e-3, 1e-6)
    noisy = add_noise(shades[None], noise, generator=torch.Generator().manual_seed(0))
    camera = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))
    return RawImage(noisy, camera, noise)


def peak() -> float:
    """Largest memory of this process so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="4096x6144")
    parser.add_argument("--model", default="default")
    parser.add_argument("--tile", type=int, default=1536)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    torch.set_num_threads(said.threads)
    height, width = map(int, said.size.split("x"))
    raw, restorer = photograph(height, width), Restorer.load(said.model, said.tile)
    before = peak()
    start = perf_counter()
    develop(raw)
    developed = perf_counter() - start
    start = perf_counter()
    restorer(raw)
    restored = perf_counter() - start
    result = {
        "size": said.size,
        "tile": said.tile,
        "threads": said.threads,
        "develop_seconds": round(developed, 2),
        "restore_seconds": round(restored, 2),
        "ratio": round(restored / developed, 2),
        "seconds_per_megapixel": round(restored / (height * width / 1e6), 3),
        "peak_gib_before": round(before, 2),
        "peak_gib": round(peak(), 2),
    }
    print(json.dumps(result, indent=1))
    if said.json:
        said.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    exit_with(main)
