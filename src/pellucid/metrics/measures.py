"""The measures by name, each of a picture that a protocol made ready."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from pellucid.errors import PellucidError
from pellucid.metrics.color_difference import ciede2000
from pellucid.metrics.edge_rise import edge_rise
from pellucid.metrics.fidelity import luma, psnr
from pellucid.metrics.flat_noise import flat_noise
from pellucid.metrics.niqe import Niqe
from pellucid.metrics.noiseda import noiseda_scores, noiseda_scores_y
from pellucid.metrics.perceptual import Dists, Lpips, read_weights
from pellucid.metrics.protocol import Compared
from pellucid.metrics.seams import seam_score
from pellucid.metrics.similarity import ms_ssim, ssim

MeasureName = Literal[
    "psnr",
    "ssim",
    "psnr_y",
    "ssim_y",
    "ms_ssim",
    "ciede2000",
    "lpips",
    "dists",
    "niqe",
    "noise",
    "edges",
    "seams",
    "psnr_noiseda",
    "ssim_noiseda",
    "psnr_y_noiseda",
    "ssim_y_noiseda",
]


@dataclass(frozen=True)
class Column:
    """One number of a restored picture, and how it is shown."""

    name: str
    heading: str
    digits: int = 4
    higher: bool = True
    """Whether more is better."""
    words: str = ""
    """What a reader must know besides the protocol."""


@dataclass(frozen=True)
class Measure(Column):
    """A number of a picture that a protocol made ready."""

    of: Callable[[Compared], float] = field(kw_only=True)
    needs_truth: bool = field(default=True, kw_only=True)


@dataclass(frozen=True)
class Needs:
    """What some measures cannot do without."""

    lpips: tuple[str, ...] = ()
    """Files with AlexNet's weights and the authors' own."""
    dists: tuple[str, ...] = ()
    """Files with VGG16's weights and the authors' own."""
    niqe: str | None = None
    """A fitted model; left out, the one that ships."""
    tile: int = 1024
    """Side of the models' tiles, for seams."""


def measures_of(names: Sequence[MeasureName], needs: Needs | None = None) -> list[Measure]:
    """The measures of such names; a faulty one of Noise-DA's brings the right one along.

    Raises PellucidError where one needs a file that is not given.
    """
    needs = needs or Needs()
    faulty = {name.removesuffix("_noiseda") for name in names if name.endswith("_noiseda")}
    right: list[MeasureName] = [one for one in MEASURES if one in faulty and one not in names]
    ordered: list[MeasureName] = [*right, *names]
    return [_loaded(name, needs) for name in dict.fromkeys(ordered)]


def _loaded(name: MeasureName, needs: Needs) -> Measure:
    match name:
        case "lpips":
            lpips = Lpips(*_files(name, needs.lpips, "AlexNet"))
            return _perceptual(name, "LPIPS", lpips, "LPIPS of AlexNet")
        case "dists":
            dists = Dists(*_files(name, needs.dists, "VGG16"))
            return _perceptual(name, "DISTS", dists, "DISTS")
        case "niqe":
            model, origin = Niqe.load(needs.niqe), needs.niqe or "Pellucid's own model"
            return Measure(
                name,
                "NIQE",
                3,
                False,
                f"NIQE by {origin}",
                of=lambda c: model(c.restored),
                needs_truth=False,
            )
        case "seams":
            return Measure(
                name,
                "seams",
                3,
                False,
                f"seams of tiles of {needs.tile} pixels, 1 is none",
                of=lambda c: seam_score(_change(c), needs.tile),
                needs_truth=False,
            )
        case _:
            return MEASURES[name]


def _files(name: str, paths: tuple[str, ...], backbone: str) -> tuple[dict[str, Tensor], str]:
    if not paths:
        raise PellucidError(
            f"{name} needs weights; expected --{name} FILE,FILE with those of torchvision's "
            f"{backbone} and of the authors"
        )
    return read_weights(paths), ", ".join(paths)


def _perceptual(
    name: str, heading: str, distance: Callable[[Tensor, Tensor], float], words: str
) -> Measure:
    return Measure(name, heading, 4, False, words, of=lambda c: distance(c.restored, _truth(c)))


def _truth(compared: Compared) -> Tensor:
    if compared.truth is None:
        raise PellucidError("nobody knows the truth; expected measures that need none")
    return compared.truth


def _target(compared: Compared) -> Tensor:
    if compared.target is None:
        raise PellucidError("nobody knows the truth; expected measures that need none")
    return compared.target


def _reference(compared: Compared) -> Tensor:
    """Where places to look at are chosen, the same for every model."""
    if compared.truth is not None:
        return compared.truth
    given = compared.restored if compared.given is None else compared.given
    return given


def _change(compared: Compared) -> Tensor:
    return compared.output if compared.given is None else compared.output - compared.given


def _lumas(compared: Compared) -> tuple[Tensor, Tensor]:
    rounded = compared.protocol.luma_rounded
    return luma(compared.restored, rounded), luma(_truth(compared), rounded)


def _ssim(compared: Compared, pair: tuple[Tensor, Tensor]) -> float:
    return ssim(*pair, compared.protocol.window, compared.mask)


def _faulty(name: str, digits: int, of: Callable[[Compared], float]) -> Measure:
    words = "Noise-DA's own faulty metric, reproduced: cut off to bytes without clipping first"
    heading = f"{name.upper().replace('_', '-')}-noiseda"
    return Measure(f"{name}_noiseda", heading, digits, words=words, of=of)


MEASURES: dict[MeasureName, Measure] = {
    "psnr": Measure("psnr", "PSNR", 2, of=lambda c: psnr(c.restored, _truth(c), c.mask)),
    "ssim": Measure("ssim", "SSIM", of=lambda c: _ssim(c, (c.restored, _truth(c)))),
    "psnr_y": Measure("psnr_y", "PSNR-Y", 2, of=lambda c: psnr(*_lumas(c), c.mask)),
    "ssim_y": Measure("ssim_y", "SSIM-Y", of=lambda c: _ssim(c, _lumas(c))),
    "ms_ssim": Measure("ms_ssim", "MS-SSIM", of=lambda c: ms_ssim(c.restored, _truth(c))),
    "ciede2000": Measure(
        "ciede2000",
        "CIEDE2000",
        3,
        False,
        of=lambda c: ciede2000(c.restored, _truth(c), c.mask),
    ),
    "noise": Measure(
        "noise",
        "noise",
        2,
        False,
        "noise in flat areas in 8-bit levels",
        of=lambda c: flat_noise(c.restored, _reference(c)),
        needs_truth=False,
    ),
    "edges": Measure(
        "edges",
        "edges",
        2,
        False,
        "10-90 % rise of edges in pixels",
        of=lambda c: edge_rise(c.restored, _reference(c)),
        needs_truth=False,
    ),
    "psnr_noiseda": _faulty("psnr", 2, lambda c: noiseda_scores(c.output, _target(c)).psnr),
    "ssim_noiseda": _faulty("ssim", 4, lambda c: noiseda_scores(c.output, _target(c)).ssim),
    "psnr_y_noiseda": _faulty("psnr_y", 2, lambda c: noiseda_scores_y(c.output, _target(c)).psnr),
    "ssim_y_noiseda": _faulty("ssim_y", 4, lambda c: noiseda_scores_y(c.output, _target(c)).ssim),
}
"""Those that need nothing; `measures_of` knows the others too."""
