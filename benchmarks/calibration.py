"""Noise calibration on a simulated 14-bit camera whose noise is known.

    python benchmarks/calibration.py --photos DIR [--reduce N] [--plots DIR] [--json FILE]

Read noise of 2 to 6 DN, row noise 0.3 of it, fixed pattern, shading, hot pixels. Rows: flats and
darks; five ordinary shots (the same scenes at each ISO, other scenes at each, and one ISO alone);
one shot, blind. `sigma` is the worst error of the predicted standard
deviation over signals of 0.5 to 80 %. Photographs have grain of their own, which is noise to
whoever does not know the scene; `--reduce 2` makes them half as large, which takes most of it away.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median

import torch
from torch import Generator, Tensor

from pellucid.bayer import mosaic_of
from pellucid.benchmarks.synthetic import seen_by_camera
from pellucid.calibration.blind import estimate_noise
from pellucid.calibration.camera import Calibration, calibrations
from pellucid.calibration.frame_kinds import look_at
from pellucid.calibration.plot import plot_calibration
from pellucid.calibration.profile import IsoNoise
from pellucid.cli import exit_with
from pellucid.cli.numbers import whole_number
from pellucid.data.photos import photographs
from pellucid.io import DngFields, replacing, write_mosaic
from pellucid.noise import EldSensor, add_eld_noise, tukey_variance
from pellucid.raw import Camera, Noise

WHITE, BLACKS = 16383, (1024.0, 512.0)
TAILS = 0.14
SIZE = 512
SIGNALS = torch.logspace(-2.301, -0.097, 40, dtype=torch.float64)
GAINS = {200: (0.83, 2.0), 400: (1.66, 2.7), 800: (3.32, 3.8), 1600: (6.64, 6.0)}
"""DN per electron and read noise in DN by ISO, as a Nikon D850 has them (ELD's tables)."""
CAMERA = Camera.of(torch.eye(3), torch.tensor([2.0, 1.0, 1.5]))


def sensor_at(iso: int, black: float) -> EldSensor:
    """The simulated sensor."""
    gain, read = GAINS[iso]
    scale = read / tukey_variance(TAILS) ** 0.5
    return EldSensor(gain, scale, TAILS, 0.3 * read, levels=WHITE - black)


def truth(sensor: EldSensor) -> Noise:
    """What a calibration should find."""
    return Noise(sensor.gain / sensor.levels, sensor.read_variance / sensor.levels**2)


def worst(found: Noise, true: Noise) -> float:
    """The worst error of sigma over the signals, with its sign."""
    ratio = _sigma(found) / _sigma(true) - 1
    return float(ratio[ratio.abs().argmax()])


def _sigma(noise: Noise) -> Tensor:
    shot, read = (level.double().mean() for level in noise)
    return (shot * SIGNALS + read).sqrt()


def scenes(photos: Path, reduce: int) -> list[Tensor]:
    """Clean mosaics of twenty photographs."""
    made: list[Tensor] = []
    for number, path in enumerate(photographs(photos)[:20]):
        colour, camera = seen_by_camera(path, number)
        height, width = (side // (2 * reduce) * 2 * reduce for side in colour.shape[1:])
        small = torch.nn.functional.avg_pool2d(colour[:, :height, :width], reduce)
        made.append(mosaic_of(small / camera.white_balance[:, None, None]))
    return made


def flat(generator: Generator) -> Tensor:
    """A flat of 80 %, with shading, warm light and a fixed pattern."""
    y = torch.linspace(-1, 1, SIZE)
    shading = 1 - 0.35 * (y[:, None] ** 2 + 0.7 * y**2) - 0.05 * y
    light = torch.tensor([[0.5, 1.0], [1.0, 0.7]]).repeat(SIZE // 2, SIZE // 2)
    pattern = 1 + 0.005 * torch.randn(SIZE, SIZE, generator=generator)
    return (0.8 * shading * light * pattern)[None]


def hot_pixels(generator: Generator) -> Tensor:
    """Thirty sites that are lit in the dark."""
    sites = torch.zeros(SIZE * SIZE)
    places = torch.randperm(SIZE * SIZE, generator=generator)[:30]
    sites[places] = 0.02 + 0.2 * torch.rand(30, generator=generator)
    return sites.reshape(1, SIZE, SIZE)


def shoot(folder: Path, name: str, clean: Tensor, iso: int, black: float, seed: int) -> None:
    """Write one noisy DNG."""
    noisy = add_eld_noise(clean, sensor_at(iso, black), Generator().manual_seed(seed))
    fields = DngFields(black=(black,), white=WHITE, make="Simulated", model="S14", iso=iso)
    write_mosaic(folder / f"{name}_{iso}_{seed}.dng", noisy.clamp(max=1), CAMERA, None, fields)


def calibrated(folder: Path) -> Calibration:
    """What `pellucid calibrate` makes of a folder."""
    (one,) = calibrations([look_at(path) for path in sorted(folder.glob("*.dng"))], None)
    return one


def from_flats(black: float, folder: Path) -> Calibration:
    """Eight flats, whose light wanders by 2 %, and four darks at each ISO."""
    generator = Generator().manual_seed(0)
    even, hot = flat(generator), hot_pixels(generator)
    for iso in GAINS:
        for seed in range(8):
            shoot(folder, "flat", even * (1 + 0.0025 * seed) + hot, iso, black, seed)
        for seed in range(100, 104):
            shoot(folder, "dark", hot, iso, black, seed)
    return calibrated(folder)


def from_shots(scenes: dict[int, list[Tensor]], black: float, folder: Path) -> Calibration:
    """Ordinary shots of the scenes of each ISO."""
    for iso, clean in scenes.items():
        for seed, scene in enumerate(clean):
            shoot(folder, "shot", scene, iso, black, seed)
    return calibrated(folder)


def shots_of(clean: list[Tensor], first: int) -> dict[str, dict[int, list[Tensor]]]:
    """The ways in which five scenes from `first` on are shot: what is shot at each ISO."""
    fives = [(clean * 2)[at : at + 5] for at in range(first, first + 20, 5)]
    name = f"shots {first + 1}-{first + 5}"
    return {
        name: dict.fromkeys(GAINS, fives[0]),
        f"{name}, others": dict(zip(GAINS, fives, strict=True)),
        f"{name}, alone": {min(GAINS): fives[0]},
    }


def rows_of(way: str, calibration: Calibration, black: float) -> list[dict[str, object]]:
    """One row for each ISO."""
    return [
        _row(way, one, truth(sensor_at(int(one.iso), black))) for one in calibration.camera.isos
    ]


def _row(way: str, one: IsoNoise, true: Noise) -> dict[str, object]:
    shot, read = (float(level.mean()) for level in one.noise)
    real_shot, real_read = float(true.shot), float(true.read)
    return {
        "way": way,
        "iso": one.iso,
        "sigma": worst(one.noise, true),
        "shot": shot / real_shot - 1,
        "read": read / real_read - 1,
        "read_low": one.read.low[0] / real_read - 1,
        "read_high": one.read.high[0] / real_read - 1,
        "rows_dn": None if one.row is None else one.row * one.levels,
        "hot": None if one.hot_pixels is None else one.hot_pixels.count,
    }


def blind_rows(clean: list[Tensor], black: float) -> list[dict[str, object]]:
    """The median error over single shots at each ISO."""
    rows: list[dict[str, object]] = []
    for iso in GAINS:
        sensor = sensor_at(iso, black)
        noisy = [
            add_eld_noise(scene, sensor, Generator().manual_seed(seed)).clamp(max=1)
            for seed, scene in enumerate(clean)
        ]
        errors = [abs(worst(estimate_noise(mosaic), truth(sensor))) for mosaic in noisy]
        rows.append({"way": "blind", "iso": iso, "sigma": median(errors), "most": max(errors)})
    return rows


def grain_row(clean: list[Tensor]) -> dict[str, object]:
    """What the scenes read as without noise, in shot noise of the lowest ISO."""
    iso = min(GAINS)
    true = float(truth(sensor_at(iso, BLACKS[0])).shot)
    shots = [float(estimate_noise(scene).shot) / true for scene in clean]
    return {"way": "no noise", "iso": iso, "shot": median(shots), "most": max(shots)}


def measure(said: argparse.Namespace) -> None:
    """Measure, print, draw and write."""
    clean, rows = scenes(said.photos, said.reduce), list[dict[str, object]]()
    for black in BLACKS:
        with tempfile.TemporaryDirectory() as folder:
            rows += _told(
                rows_of(
                    f"flats, black {black:g}",
                    _drawn(from_flats(black, Path(folder)), said, "flats"),
                    black,
                )
            )
    for first in range(0, 20, 5):
        for way, scenes_at in shots_of(clean, first).items():
            with tempfile.TemporaryDirectory() as folder:
                found = _drawn(from_shots(scenes_at, BLACKS[0], Path(folder)), said, way)
            rows += _told(rows_of(way, found, BLACKS[0]))
    rows += _told([*blind_rows(clean, BLACKS[0]), grain_row(clean)])
    if said.json:
        with replacing(said.json) as file:
            settings = {
                "photos": said.photos.name,
                "reduce": said.reduce,
                "torch": torch.__version__,
            }
            file.write(json.dumps({"settings": settings, "rows": rows}, indent=1).encode())


def _drawn(calibration: Calibration, said: argparse.Namespace, name: str) -> Calibration:
    if said.plots:
        plot_calibration(said.plots / f"calibration_{name}.png", calibration)
    return calibration


def _told(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    for row in rows:
        numbers = [f"{k} {v:+.3f}" for k, v in row.items() if isinstance(v, float) and k != "iso"]
        print(
            f"{row['way']:18} ISO {row['iso']:<6g}", *numbers, f"hot {row.get('hot')}", flush=True
        )
    return rows


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--reduce", type=whole_number(1), default=1)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--json", type=Path)
    measure(parser.parse_args())


if __name__ == "__main__":
    exit_with(main)
