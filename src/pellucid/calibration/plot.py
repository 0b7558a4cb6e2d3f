"""Drawings of noise: what was measured, beside what is assumed. Needs matplotlib."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false

from collections.abc import Mapping
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from pellucid.calibration.camera import Calibration, Measured
from pellucid.calibration.noise_line import INTERVAL, Sums
from pellucid.errors import PellucidError
from pellucid.io.replacing import replacing
from pellucid.raw import Noise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIGNALS = torch.logspace(-5, 0, 150, dtype=torch.float64)
BINS = 30
COLOURS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9")


class Points(NamedTuple):
    """Means of many samples of similar signal."""

    signal: Tensor
    sigma: Tensor


def points_of(sums: Sums) -> Points:
    """At most `BINS` points of what a line was fitted to, even in the logarithm of the signal."""
    one, x, _, y, _ = (part.flatten() for part in sums)
    signal = x / one.clamp(min=1e-300)
    told = (one > 0) & (y > 0)
    edges = torch.logspace(-5, 0, BINS + 1, dtype=torch.float64)
    which = torch.bucketize(signal[told], edges)
    totals = torch.zeros(BINS + 2, 3, dtype=torch.float64)
    totals.index_add_(0, which, torch.stack([one, x, y], 1)[told])
    totals = totals[totals[:, 0] > 0]
    # A dark has no place on a logarithmic axis but its left end.
    signal = (totals[:, 1] / totals[:, 0]).clamp(min=float(SIGNALS[0]))
    return Points(signal, (totals[:, 2] / totals[:, 0]).sqrt())


def plot_calibration(path: Path, calibration: Calibration) -> None:
    """Noise over signal at each ISO with 95 % bands, and both levels over ISO."""
    figure = _figure(12, 5)
    over_signal, over_iso = figure.subplots(1, 2, width_ratios=(3, 2))
    for one, colour in zip(calibration.measured, COLOURS * 9, strict=False):
        _draw_measured(over_signal, one, colour)
    _finish(over_signal, f"{calibration.camera.name}: points measured, line and 95 % band fitted")
    _draw_levels(over_iso, calibration)
    _save(figure, path)


def plot_assumed(path: Path, name: str, sums: Sums, assumed: Mapping[str, Noise]) -> None:
    """Noise over signal as measured in one photograph, and as each of some sources has it."""
    figure = _figure(8, 5)
    axes = figure.subplots()
    points = points_of(sums)
    axes.plot(points.signal, points.sigma, "k.", label="measured in the picture")
    for (source, noise), colour in zip(assumed.items(), COLOURS, strict=False):
        lines = torch.stack([level.double().reshape(-1) for level in noise])
        for shot, read in lines.T.tolist():
            axes.plot(SIGNALS, (shot * SIGNALS + read).sqrt(), colour, label=source)
            source = f"_{source}"  # only the first of three channels in the legend
    _finish(axes, f"{name}: noise measured and assumed")
    _save(figure, path)


def _draw_measured(axes: "Axes", one: Measured, colour: str) -> None:
    draws = one.levels.draws
    sigmas = (draws[:, :1] * SIGNALS + draws[:, 1:]).sqrt()
    low, high = torch.quantile(sigmas, torch.tensor(INTERVAL, dtype=sigmas.dtype), dim=0)
    axes.fill_between(SIGNALS.numpy(), low.numpy(), high.numpy(), color=colour, alpha=0.3, lw=0)
    label = f"ISO {one.noise.iso:g}"
    for shot, read in zip(one.noise.shot.value, one.noise.read.value, strict=True):
        axes.plot(SIGNALS, (shot * SIGNALS + read).sqrt(), colour, lw=1, label=label)
        label = f"_{label}"
    points = points_of(one.sums)
    axes.plot(points.signal, points.sigma, ".", color=colour, ms=5)


def _draw_levels(axes: "Axes", calibration: Calibration) -> None:
    isos = [one.iso for one in calibration.camera.isos]
    between = torch.logspace(log10(isos[0] / 2), log10(isos[-1] * 2), 60)
    curves = [calibration.camera.at(iso) for iso in between.tolist()]
    for name, marker, colour in (("shot", "o", "C0"), ("read", "s", "C3")):
        curve = [float(getattr(noise, name).mean()) for noise in curves]
        axes.plot(between, curve, colour, lw=1)
        for one in calibration.camera.isos:
            level = getattr(one, name)
            for value, low, high in zip(level.value, level.low, level.high, strict=True):
                bars = [[value - low], [high - value]]
                axes.errorbar([one.iso], [value], bars, fmt=colour + marker, capsize=3, ms=4)
        axes.plot([], [], colour + marker, label=f"{name}, 95 % interval")
    axes.set(xscale="log", yscale="log", xlabel="ISO", title="levels, and between ISOs")
    axes.set_xticks(isos, [f"{iso:g}" for iso in isos])
    axes.set_xticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend()


def _finish(axes: "Axes", title: str) -> None:
    axes.set(xscale="log", yscale="log", xlabel="signal, 1 is white", title=title)
    axes.set_ylabel("standard deviation of noise")
    axes.grid(alpha=0.3)
    axes.legend()


def _figure(width: float, height: float) -> "Figure":
    check_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def check_matplotlib() -> None:
    """Raise PellucidError where nothing can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise PellucidError("drawing needs matplotlib; expected pip install matplotlib") from None


def _save(figure: "Figure", path: Path) -> None:
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)
