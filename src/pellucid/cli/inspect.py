"""`pellucid inspect`."""
# pyright: reportUnknownMemberType=false

import json
from pathlib import Path
from typing import TypeAlias

from jsonargparse import Namespace
from torch import Tensor

from pellucid.calibration.blind import block_sums, estimate_noise
from pellucid.calibration.known_noise import (
    KnownNoise,
    calibrated_noise,
    darktable_noise,
    file_noise,
    settle_noise,
)
from pellucid.calibration.plot import check_matplotlib, plot_assumed
from pellucid.io import read_raw
from pellucid.io.places import check_apart
from pellucid.io.replacing import check_file
from pellucid.raw import Noise, RawImage

Fact: TypeAlias = (
    "str | float | list[str] | list[int] | list[float] | list[list[float]] | Levels | None"
)
Levels: TypeAlias = dict[str, float | list[float]]


def inspect_command(options: Namespace) -> int:
    """Print the facts of one raw file, and draw its noise where asked."""
    if options.noise is not None:
        check_file(options.noise, ".png")
        check_apart(options.noise, options.input)
        check_matplotlib()
    raw = read_raw(Path(options.input))
    facts = facts_of(raw)
    if options.noise is not None:
        draw_noise(Path(options.noise), raw)
    if options.json:
        print(json.dumps(facts, indent=1))
    else:
        for name, fact in facts.items():
            print(f"{name.replace('_', ' '):16} {_words(fact)}")
    return 0


def draw_noise(path: Path, raw: RawImage) -> None:
    """Draw what is measured in a photograph, and what each source of noise levels says."""
    sums, _ = block_sums([raw.sites], 1)
    known = [file_noise(raw), calibrated_noise(raw), darktable_noise(raw)]
    assumed = {one.origin: one.noise for one in known if one is not None}
    name = raw.path.name if raw.path else "raw"
    plot_assumed(path, name, sums, {**assumed, "estimated": estimate_noise(raw.sites)})


def facts_of(raw: RawImage) -> dict[str, Fact]:
    """What a raw file says, ready for JSON."""
    source = raw.source
    assert source is not None and raw.path is not None
    return {
        "file": raw.path.name,
        "camera": f"{raw.make} {raw.model}".strip() or None,
        "iso": raw.iso,
        "exposure_time": raw.exposure_time,
        "size": [source.width, source.height],
        "phase": source.phase,
        "orientation": source.orientation,
        "black": list(source.black),
        "white": source.white,
        "white_balance": _rounded(raw.camera.white_balance),
        "cam_to_srgb": [_rounded(row) for row in raw.camera.cam_to_srgb],
        "exposure_gain": raw.exposure,
        "noise_profile": _levels(raw.noise) if raw.noise else None,
        "noise_calibrated": _known(calibrated_noise(raw)),
        "noise_darktable": _known(darktable_noise(raw)),
        "noise_estimate": _levels(estimate_noise(raw.sites)),
        "noise_used": settle_noise(raw).origin,
        "remarks": list(raw.remarks),
    }


def _known(known: KnownNoise | None) -> Levels | None:
    return None if known is None else _levels(known.noise)


def _levels(noise: Noise) -> Levels:
    return {"shot": noise.shot.tolist(), "read": noise.read.tolist()}


def _rounded(values: Tensor) -> list[float]:
    return [round(value.item(), 5) for value in values]


def _words(fact: Fact) -> str:
    match fact:
        case None:
            return "not said"
        case str():
            return fact
        case dict():
            return ", ".join(f"{name} {_words(level)}" for name, level in fact.items())
        case list():
            between = " / " if any(isinstance(part, list) for part in fact) else ", "
            return between.join(_words(part) for part in fact) or "none"
        case _:
            return f"{fact:g}"
