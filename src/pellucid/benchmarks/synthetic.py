"""The synthetic raw benchmark: photographs, five cameras, known noise, and a frozen protocol."""
# pyright: reportUnknownMemberType=false

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from pellucid.bayer import mosaic_of
from pellucid.benchmarks import benchmark as frame
from pellucid.benchmarks.benchmark import Benchmark, Item, Sample
from pellucid.benchmarks.journal import Judged
from pellucid.benchmarks.running import each, run
from pellucid.benchmarks.summary import machine
from pellucid.color import apply_matrix, decode
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.photos import display_values, photographs
from pellucid.errors import FileError
from pellucid.io import replacing
from pellucid.isp import ISPConfig, Rendering, finish, render
from pellucid.metrics import Column, Protocol, score
from pellucid.metrics.fidelity import cropped, psnr
from pellucid.networks.dual_domain import Compared
from pellucid.noise_laws import LogLinearLaw
from pellucid.raw import Camera, Noise, RawImage

BRIGHTNESS = 0.7
BORDER = 8
MULTIPLE = 32
GAINS = ((2.0, 1, 1.5), (1.6, 1, 2.1), (2.4, 1, 1.3), (1.9, 1, 1.8), (2.2, 1, 1.6))
REAL_LEVELS = (Noise(1e-5, 8e-7), Noise(1e-4, 8e-7))
"""Two rows beside DualDn's law: real cameras at moderate ISO."""

PROTOCOL = Protocol(rounded=False, border=BORDER, window="mirrored")
COLUMNS = (
    Column("psnr", "PSNR", 2),
    Column("ssim", "SSIM"),
    Column(
        "psnr_colour",
        "PSNR-colour",
        2,
        words="PSNR and SSIM to the clean mosaic, developed, PSNR-colour to the scene it was taken "
        "of; of a network that mends demosaicking the former judge the mosaic, the latter the "
        "picture",
    ),
)
SOURCE = "DualDn's protocol (Li et al., ECCV 2024) on photographs, with five cameras"

Model = Callable[[RawImage, Rendering], Tensor | Compared]
"""What is judged: the sRGB picture (3, H, W) of a raw photograph whose noise is known, or one for
each kind of truth."""
Made = TypeVar("Made", Tensor, Tensor | Compared)


class Shot(NamedTuple):
    """What a model is given."""

    raw: RawImage
    rendering: Rendering


class Setting(NamedTuple):
    """What the pictures of one group have in common."""

    noise: Noise
    tone: float


class Scene(NamedTuple):
    """One picture of the benchmark at one noise level."""

    raw: RawImage
    clean: Tensor
    """(1, H, W)"""
    colour: Tensor
    """(3, H, W), balanced: all that the clean mosaic has one sample each of."""


@dataclass(frozen=True)
class Row:
    """Mean scores of one model at one noise level and tone."""

    model: str
    noise_level: float
    """Shot noise K."""
    read: float
    """Read variance."""
    tone: float
    psnr: float
    ssim: float
    seconds: float
    """Median per picture of model and ISP, without file access."""
    n: int
    psnr_colour: float | None = None
    """Of the picture, against the scene of which the mosaic was taken: demosaicking counts."""


def law_noise(shot: float) -> Noise:
    """DualDn's law at its median."""
    return Noise(shot, LogLinearLaw().median_read(shot))


def scene(path: Path, number: int, noise: Noise) -> Scene:
    """Picture `number` of the benchmark, whose noise is a frozen stream seeded by the number."""
    return scene_of(*seen_by_camera(path, number), number, noise)


def scene_of(colour: Tensor, camera: Camera, number: int, noise: Noise) -> Scene:
    """Picture `number`, of balanced linear camera RGB (3, H, W)."""
    clean = mosaic_of(colour / camera.white_balance[:, None, None])
    shot, read = (float(level) for level in noise)
    stream = np.random.RandomState(number)
    values = clean.numpy().astype(np.float64)
    noisy = stream.poisson(values / shot) * shot + stream.normal(0, read**0.5, values.shape)
    mosaic = torch.from_numpy(noisy.clip(max=1).astype(np.float32))
    return Scene(RawImage(mosaic, camera, noise), clean, colour)


def seen_by_camera(path: Path, number: int) -> tuple[Tensor, Camera]:
    """Balanced linear camera RGB (3, H, W) of a photograph through camera number mod 5."""
    matrix = torch.tensor(list(XYZ_TO_CAM.values())[number % 5])
    camera = Camera.of(matrix, torch.tensor(GAINS[number % 5]))
    linear = BRIGHTNESS * decode(_cropped(path), "rec709")
    return apply_matrix(linear, torch.inverse(camera.cam_to_srgb)).clamp(0, 1), camera


def _cropped(path: Path) -> Tensor:
    """Photograph (3, H, W) in [0, 1], its centre crop to multiples of 32."""
    picture = display_values(path)
    height, width = (side // MULTIPLE * MULTIPLE for side in picture.shape[-2:])
    if not height * width:
        got = f"{picture.shape[-2]}x{picture.shape[-1]}"
        raise FileError.of(path, f"has {got} pixels; expected {MULTIPLE}x{MULTIPLE} or more")
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[:, top : top + height, left : left + width]


def truth(scene: Scene, rendering: Rendering) -> Tensor:
    """What a perfect model gives: the clean mosaic, developed."""
    return render(scene.clean, scene.raw.camera, rendering, ISPConfig(demosaic="malvar2004"))


def truth_in_colour(scene: Scene, rendering: Rendering) -> Tensor:
    """What a perfect model with a perfect demosaicker gives."""
    return finish(scene.colour, scene.raw.camera, rendering, ISPConfig())


def settings_of(noise_levels: list[float], tones: list[float]) -> dict[str, Setting]:
    """The groups of the benchmark by name: every level at every tone."""
    noises = [*map(law_noise, noise_levels), *REAL_LEVELS]
    settings = (Setting(noise, tone) for noise in noises for tone in tones)
    return {_group(setting): setting for setting in settings}


def _group(setting: Setting) -> str:
    shot, read = (float(level) for level in setting.noise)
    return f"shot {shot:.6g}, read {read:.6g}, tone {setting.tone:g}"


def synthetic_benchmark(
    photos: Path, settings: Mapping[str, Setting], limit: int | None = None
) -> Benchmark[Shot, Tensor | Compared]:
    """Every photograph in every setting."""
    paths = photographs(photos)
    items = [
        Item(path.name, partial(_sample, path, number, setting), group)
        for group, setting in settings.items()
        for number, path in enumerate(paths[:limit])
    ]
    words = "; ".join((PROTOCOL.words(), COLUMNS[-1].words))
    facts: dict[str, object] = {"photos": photos}
    return Benchmark("synthetic", items, COLUMNS, _scores, words, SOURCE, facts, _shown, paths)


def _sample(path: Path, number: int, setting: Setting) -> Sample[Shot]:
    one, rendering = scene(path, number, setting.noise), Rendering(1.0, setting.tone)
    given = Shot(one.raw, rendering)
    return Sample(given, truth(one, rendering), truth_in_colour(one, rendering))


def _scores(output: Tensor | Compared, sample: Sample[Shot]) -> Mapping[str, float]:
    assert sample.truth is not None and sample.other is not None
    scores = score(developed(output), sample.truth, BORDER)
    picture = output if isinstance(output, Tensor) else output.srgb
    shown, in_colour = (cropped(p.clamp(0, 1), BORDER) for p in (picture, sample.other))
    return {**scores._asdict(), "psnr_colour": psnr(shown, in_colour)}


def developed(output: Tensor | Compared) -> Tensor:
    """What is compared with the clean mosaic, developed."""
    return output if isinstance(output, Tensor) else output.developed


def _shown(given: Shot) -> Tensor:
    return isp_alone(*given)


def framed(model: Callable[[RawImage, Rendering], Made]) -> frame.Model[Shot, Made]:
    """A model of raws as the frame calls it."""
    return each(lambda shot: model(*shot))


def of_mosaics(model: Model) -> Callable[[RawImage, Rendering], Tensor]:
    """A model's pictures that are compared with clean mosaics, developed."""
    return lambda raw, rendering: developed(model(raw, rendering))


def evaluate(
    models: dict[str, Model],
    photos: Path,
    noise_levels: list[float],
    tones: list[float],
    limit: int | None = None,
    done: Callable[[], object] = lambda: None,
) -> Iterator[Row]:
    """Rows of every model at every level and tone; `done` is called after each picture."""
    settings = settings_of(noise_levels, tones)
    benchmark = synthetic_benchmark(photos, settings, limit)
    called = {name: framed(model) for name, model in models.items()}
    return rows_of(run(benchmark, called, done=done), settings)


def rows_of(judged: Iterable[Judged], settings: Mapping[str, Setting]) -> Iterator[Row]:
    """Rows of each setting as soon as it has been judged."""
    for group, members in groupby(judged, key=lambda one: one.group):
        mine = list(members)
        for name in dict.fromkeys(one.model for one in mine):
            yield _row(name, settings[group], [one for one in mine if one.model == name])


def _row(name: str, setting: Setting, judged: list[Judged]) -> Row:
    shot, read = (float(f"{level:.6g}") for level in setting.noise)
    means = {key: fmean(one.scores[key] for one in judged) for key in judged[0].scores}
    timed = median(one.seconds for one in judged)
    return Row(
        name,
        shot,
        read,
        setting.tone,
        means["psnr"],
        means["ssim"],
        timed,
        len(judged),
        means["psnr_colour"],
    )


def isp_alone(raw: RawImage, rendering: Rendering) -> Tensor:
    """The row `input`: the noisy mosaic, developed."""
    return render(raw.mosaic, raw.camera, rendering, ISPConfig(demosaic="malvar2004"))


def write_rows(path: Path, rows: list[Row], settings: dict[str, object]) -> None:
    """JSON with the settings, the machine and the rows."""
    facts = {"benchmark": "synthetic", "pellucid": version("pellucid"), **settings, **machine()}
    report = {"settings": facts, "rows": [asdict(row) for row in rows]}
    with replacing(path) as file:
        file.write(json.dumps(report, indent=1).encode())
