"""Every noise law against the tables of real cameras: the plot and the figures of the docs.

    python benchmarks/plot_noise_laws.py [--profiles noiseprofiles.json] [--images docs/images]

The profiles are those of a darktable installation, 4.2.1 for the figures in the docs.
"""

import argparse
import math
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

from pellucid.camera_tables import ELD_CAMERAS, eld_camera
from pellucid.cli import exit_with
from pellucid.demosaic import demosaic
from pellucid.noise import ELD_LEVELS
from pellucid.noise_laws import (
    REAL_CAMERAS,
    BoxLaw,
    CameraLaw,
    EldLaw,
    LogLinearLaw,
    MixedLaw,
    ProfileLaw,
)
from pellucid.noise_profiles import (
    READ_FACTOR,
    SHOT_FACTOR,
    cameras_of,
    profile_database,
    read_profiles,
)

CHART = (1.5e-4, 9e-7)
"""Measured on the grey patches of TinyDNG's colorchart.dng, Canon EOS Kiss X4 (550D)."""
# The database has no A7S2; the A7S stands in for it.
MODELS = ("EOS 5D Mark IV", "EOS 70D", "EOS 700D", "D850", "ILCE-7S")
PERCENTILES = (0, 1, 5, 25, 50, 75, 95, 99, 100)


def main() -> None:
    """Print the figures and draw the plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", type=Path)
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    path = profile_database(args.profiles)
    table = np.array([[p.iso, *map(float, p.noise)] for p in read_profiles(path)])
    print_ranges(table, path)
    print_factors(path)
    draw_laws(table[:, 1:], path, args.images / "noise_laws.png")


def levels(law, n: int = 3000, seed: int = 0) -> np.ndarray:
    """Shot and read (n, 2) of samples."""
    generator = torch.Generator().manual_seed(seed)
    return np.array([[float(v) for v in law.sample(generator)] for _ in range(n)])


def print_ranges(table: np.ndarray, path: Path) -> None:
    """Percentiles of the tables, the fit, and how much of the table each law reaches."""
    cameras = cameras_of(path)
    print(f"{len(table)} profiles of {len(cameras)} cameras; percentiles {PERCENTILES}")
    ends = [[float(c[i].noise.shot) for c in cameras] for i in (0, -1)]
    eld = levels(CameraLaw())
    rows = {
        "ISO": table[:, 0],
        "shot": table[:, 1],
        "read": table[:, 2],
        "shot at the lowest ISO": ends[0],
        "shot at the highest ISO": ends[1],
        "shot, CameraLaw": eld[:, 0],
        "read, CameraLaw": eld[:, 1],
    }
    for name, values in rows.items():
        print(f"{name:24s}", *(f"{v:.2g}" for v in np.percentile(values, PERCENTILES)))
    slope, intercept, scatter = fit(table[:, 1:])
    print(f"log read = {slope:.3f} log shot {intercept:+.3f}, scatter {scatter:.2f}")
    for name, (shot, read) in {"CameraLaw": eld.T, "the chart": np.array([CHART]).T}.items():
        off = np.log(read) - slope * np.log(shot) - intercept
        print(f"{name} lies {off.mean():+.2f} from the fit, scatter {off.std():.2f}")
    for law in (LogLinearLaw(), REAL_CAMERAS):
        print(f"{reached(law, table[:, 1:]):.1%} of the profiles within 2 scatters of {law}")
    box = BoxLaw()
    low, high = np.array([box.shot, box.read]).T
    inside = ((low < table[:, 1:]) & (table[:, 1:] < high)).all(1)
    print(f"{inside.mean():.1%} of the profiles inside {box}")


def fit(table: np.ndarray) -> tuple[float, float, float]:
    """Slope, intercept and scatter of log read over log shot, without the outer half per cents."""
    low, high = np.percentile(table, (0.5, 99.5), axis=0)
    shot, read = np.log(table[((table > low) & (table < high)).all(1)]).T
    slope, intercept = np.polyfit(shot, read, 1)
    return slope, intercept, float(np.std(read - slope * shot - intercept))


def reached(law: LogLinearLaw, table: np.ndarray) -> float:
    """Share of a table within the law's range and twice its scatter."""
    shot, read = table.T
    off = np.abs(np.log(read) - law.slope * np.log(shot) - law.intercept)
    return np.mean((law.shot[0] < shot) & (shot < law.shot[1]) & (off < 2 * law.scatter))


def print_factors(path: Path) -> None:
    """ELD's levels over darktable's bare numbers, camera by camera; then what theory says."""
    print("ELD over darktable at ISO 100 to 6400: geometric mean (lowest, highest)")
    for name, model in zip(ELD_CAMERAS, MODELS, strict=True):
        camera, ratios = eld_camera(name), []
        for p in (p for p in read_profiles(path) if p.model == model and 100 <= p.iso <= 6400):
            gain = camera.gain[0] * p.iso / 100
            shot, read = gain / ELD_LEVELS, (camera.gaussian.median(gain) / ELD_LEVELS) ** 2
            bare = float(p.noise.shot) / SHOT_FACTOR, float(p.noise.read) / READ_FACTOR
            ratios.append((shot / bare[0], read / bare[1]))
        for kind, r in zip(("shot", "read"), np.array(ratios).T, strict=True):
            mean = math.exp(np.log(r).mean())
            print(f"  {name:13s} {kind} {mean:5.1f} ({r.min():.1f}, {r.max():.1f})", len(r))
    noise = 0.5 + 1e-3 * torch.randn(1, 800, 800, generator=torch.Generator().manual_seed(0))
    print("variance of a raw site over that of its green Haar coefficient, halved twice:")
    for method in ("bilinear", "malvar2004", "ahd"):
        a, b, c, d = torch.nn.functional.pixel_unshuffle(demosaic(noise, method)[1:2], 2)
        print(f"  {method:10s} {1e-6 / ((a - b - c + d) / 4).var().item():.1f}")


def draw_laws(table: np.ndarray, path: Path, target: Path) -> None:
    """Samples of every law over the table, shot versus read."""
    laws = {
        "LogLinearLaw() (DualDn)": LogLinearLaw(),
        "BoxLaw()": BoxLaw(),
        "MixedLaw() (default)": MixedLaw(),
        "CameraLaw()": CameraLaw(),
        "EldLaw()": EldLaw(),
        "ProfileLaw()": ProfileLaw(path),
        "REAL_CAMERAS": REAL_CAMERAS,
    }
    figure, axes = plt.subplots(2, 4, figsize=(13, 6.6), sharex=True, sharey=True)
    for axis in axes.flat:
        axis.loglog(*table.T, ".", ms=1.2, color="0.75", zorder=0, rasterized=True)
        axis.loglog(*CHART, "*", ms=11, color="k", zorder=3)
        axis.grid(alpha=0.3)
    for axis, (name, law) in zip(list(axes.flat)[:-1], laws.items(), strict=True):
        axis.loglog(*levels(law, 600).T, ".", ms=2.5, color="tab:blue")
        axis.set_title(name, fontsize=10)
    draw_tables(axes[1, 3])
    axes[0, 0].set(xlim=(1.5e-6, 9e-2), ylim=(1e-10, 1e-3))
    figure.supxlabel("shot noise (variance per unit of signal)")
    figure.supylabel("read noise (variance)")
    figure.tight_layout()
    figure.savefig(target, dpi=100)


def draw_tables(axis) -> None:
    """Medians of the five cameras, from ISO 100 to 6400."""
    for name in ELD_CAMERAS:
        camera = eld_camera(name)
        gains = np.geomspace(*camera.gain, 20)
        read = [(camera.gaussian.median(k) / ELD_LEVELS) ** 2 for k in gains]
        axis.loglog(gains / ELD_LEVELS, read, label=name)
    axis.legend(fontsize=7)
    axis.set_title("the tables: darktable, ELD, the chart", fontsize=10)


if __name__ == "__main__":
    exit_with(main)
