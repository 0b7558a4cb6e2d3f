"""Where a network is full: what it costs to take features away, at each of its resolutions.

    python benchmarks/widths.py --photos DIR [--model NAME] [--limit N] --json FILE

Of the U-Nets on either side of the pipeline, one resolution at a time loses a share of its
features, those that weigh least (`pellucid.networks.resizing`), without any training afterwards.
Where a share costs nothing its parameters are better spent where it costs most:
`pellucid train RECIPE --model.weights MODEL --model.network.srgb.widths [...]` goes on from there.
Pictures, cameras and noise are those of `pellucid evaluate synthetic`; PSNR of the mosaic to the
clean one, both developed, and of the picture to the scene.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

from pellucid.benchmarks.summary import machine
from pellucid.benchmarks.synthetic import BORDER, Scene, law_noise, scene, truth, truth_in_colour
from pellucid.checkpoint import read_checkpoint
from pellucid.cli import exit_with
from pellucid.cli.numbers import number, numbers, whole_number
from pellucid.data.photos import photographs
from pellucid.errors import PellucidError
from pellucid.io.replacing import check_folder, replacing
from pellucid.isp import Rendering
from pellucid.metrics.fidelity import cropped, psnr
from pellucid.models import weights_of
from pellucid.networks import DualDomainConfig, DualDomainNet, UNetConfig
from pellucid.networks.resizing import resize
from pellucid.restore import Restorer

SIDES = ("raw", "srgb")


@dataclass(frozen=True)
class Row:
    """What one network does at one noise level."""

    side: str
    """The U-Net that lost features, or none."""
    level: int
    """Of its resolutions, the finest first."""
    width: int
    """Features left there."""
    parameters: int
    """Of both U-Nets together."""
    shot: float
    psnr: float
    psnr_colour: float


def narrowed(
    net: DualDomainNet, config: DualDomainConfig, share: float
) -> Iterator[tuple[str, int, int, DualDomainNet]]:
    """The network itself, then with fewer features at each resolution of each U-Net."""
    yield "", 0, 0, net
    for side in SIDES:
        unet = getattr(config, side)
        if not isinstance(unet, UNetConfig):
            continue
        for level, width in enumerate(unet.widths):
            left = max(1, width - max(1, round(share * width)))
            widths = (*unet.widths[:level], left, *unet.widths[level + 1 :])
            less = replace(config, **{side: replace(unet, widths=widths)}).build()
            resize(net, less)
            yield side, level, left, less


def judged(net: DualDomainNet, scenes: list[Scene], tone: float) -> tuple[float, float]:
    """Mean PSNR of the mosaic, developed, and of the picture."""
    restorer, rendering = Restorer(net, highlights="roll"), Rendering(1.0, tone)
    mosaics: list[float] = []
    pictures: list[float] = []
    for one in scenes:
        found = restorer.compare(one.raw, rendering=rendering)
        for values, picture, true in (
            (mosaics, found.developed, truth(one, rendering)),
            (pictures, found.srgb, truth_in_colour(one, rendering)),
        ):
            values.append(psnr(cropped(picture.clamp(0, 1), BORDER), cropped(true, BORDER)))
    return fmean(mosaics), fmean(pictures)


def measure(said: argparse.Namespace) -> None:
    """Measure, print and write."""
    check_folder(said.json)
    paths = photographs(said.photos)[: said.limit]
    with weights_of(said.model) as path:
        found = read_checkpoint(path)
    net, config = found.net, found.config
    if not isinstance(net, DualDomainNet) or not isinstance(config, DualDomainConfig):
        raise PellucidError(f"{said.model}: restores pictures; expected a network of raws")
    rows: list[Row] = []
    for shot in said.noise_levels:
        scenes = [scene(path, i, law_noise(shot)) for i, path in enumerate(paths)]
        for side, level, width, one in narrowed(net, config, said.share):
            count = sum(p.numel() for p in one.parameters())
            rows.append(Row(side, level, width, count, shot, *judged(one, scenes, said.tone)))
            last, whole = rows[-1], next(row for row in rows if row.shot == shot)
            place = f"{side} level {level}: {width}" if side else "whole"
            print(
                f"shot {shot:<7g} {place:18} {count:8} parameters"
                f"  mosaic {last.psnr - whole.psnr:+.3f} dB"
                f"  picture {last.psnr_colour - whole.psnr_colour:+.3f} dB",
                flush=True,
            )
    settings: dict[str, object] = {
        "photos": said.photos.name,
        "limit": said.limit,
        "model": said.model,
        "share": said.share,
        "tone": said.tone,
        **machine(),
    }
    with replacing(said.json) as file:
        report = {"settings": settings, "rows": [asdict(row) for row in rows]}
        file.write(json.dumps(report, indent=1).encode())


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=whole_number(1))
    parser.add_argument("--model", default="default")
    parser.add_argument(
        "--share", type=number(0, 1), default=0.125, help="of features taken away (0.125)"
    )
    parser.add_argument("--tone", type=float, default=0.5)
    parser.add_argument("--noise-levels", type=numbers(1e-6, 1), default=[2e-4, 2e-2])
    parser.add_argument("--json", type=Path, required=True)
    return parser


def main() -> None:
    """Read the command line."""
    measure(parser().parse_args())


if __name__ == "__main__":
    exit_with(main)
