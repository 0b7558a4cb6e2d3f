"""The propagated noise map against Monte Carlo: the worst channel and site of each demosaicker.

    python benchmarks/noise_map.py [--draws 2000]

Scenes of 20x24 pixels, flat and sloping, grey and coloured, of five cameras, at two noise levels;
4 pixels off the borders. A site is one of the four of the Bayer cell in one channel.
"""

import argparse
from itertools import product
from typing import get_args

import torch
from torch import Tensor

from pellucid.bayer import mosaic_of, pack
from pellucid.choices import Demosaic
from pellucid.cli import exit_with
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.noise import add_noise
from pellucid.noise_map import propagated_map
from pellucid.raw import Camera, Noise

GAINS = ((2.0, 1.0, 1.6), (2.4, 1.0, 1.3), (1.4, 1.0, 2.2))
LEVELS = (Noise(1e-4, 1e-6), Noise(4e-4, 4e-6))
RENDERING = Rendering(1.3, 0.5)


def ramp(offset: float, along_x: float = 0.0, along_y: float = 0.0) -> Tensor:
    """One colour of a scene."""
    return offset + along_y * torch.arange(20.0)[:, None] + along_x * torch.arange(24.0)


SCENES = {
    "flat": [ramp(0.3)] * 3,
    "warm": [ramp(0.35), ramp(0.3), ramp(0.2)],
    "slope": [ramp(0.15, 0.012, 0.008)] * 3,
    "steep": [ramp(0.12, 0.02)] * 3,
    "coloured slope": [ramp(0.25, 0.006), ramp(0.2, 0, 0.01), ramp(0.3, -0.003)],
}


def ratios(method: Demosaic, scene: str, camera: Camera, noise: Noise, draws: int) -> Tensor:
    """Predicted over measured standard deviation (3, 4), by channel and site."""
    generator, config = torch.Generator().manual_seed(0), ISPConfig(demosaic=method)
    clean = mosaic_of(torch.stack(SCENES[scene]) / camera.white_balance[:, None, None])
    noisy = add_noise(clean.expand(draws, *clean.shape), noise, generator=generator)
    found = torch.cat([render(part, camera, RENDERING, config) for part in noisy.split(500)]).std(0)
    predicted = propagated_map(clean, noise, camera, RENDERING, config)
    rms = [pack(s[:, None, 4:-4, 4:-4].square()).mean((-2, -1)).sqrt() for s in (predicted, found)]
    return rms[0] / rms[1]


def main() -> None:
    """Print one line for each demosaicker and scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    draws = parser.parse_args().draws
    matrices = [torch.tensor(rows) for rows in XYZ_TO_CAM.values()]
    cameras = [Camera.of(m, torch.tensor(GAINS[i % 3])) for i, m in enumerate(matrices)]
    print("predicted over measured, lowest and highest: channel; channel and site")
    for method, scene in product(get_args(Demosaic), SCENES):
        found = [ratios(method, scene, c, n, draws) for c, n in product(cameras, LEVELS)]
        sites = torch.stack(found)
        channels = sites.square().mean(-1).sqrt()
        ends = (v.item() for values in (channels, sites) for v in values.aminmax())
        print("{:10s} {:14s}  {:.3f} {:.3f}   {:.3f} {:.3f}".format(method, scene, *ends))


if __name__ == "__main__":
    exit_with(main)
