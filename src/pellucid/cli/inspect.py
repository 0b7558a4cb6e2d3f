"""`pellucid inspect`."""

import json
from pathlib import Path

from jsonargparse import Namespace

from pellucid.calibrate import estimate_noise
from pellucid.cli.restore import describe
from pellucid.io import read_raw
from pellucid.raw import Noise, RawImage


def inspect_command(options: Namespace) -> int:
    """Print the facts of one raw file."""
    facts = facts_of(read_raw(Path(options.input)))
    if options.json:
        print(json.dumps(facts, indent=1))
    else:
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):16} {_words(value)}")
    return 0


def facts_of(raw: RawImage) -> dict[str, object]:
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
        "white_balance": _rounded(raw.camera.white_balance.tolist()),
        "cam_to_srgb": [_rounded(row) for row in raw.camera.cam_to_srgb.tolist()],
        "exposure_gain": raw.exposure,
        "noise_profile": _levels(raw.noise) if raw.noise else None,
        "noise_estimate": _levels(estimate_noise(raw.mosaic)),
        "remarks": list(raw.remarks),
    }


def _levels(noise: Noise) -> dict[str, object]:
    return {"shot": noise.shot.tolist(), "read": noise.read.tolist()}


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]


def _words(value: object) -> str:
    match value:
        case None:
            return "not said"
        case {"shot": shot, "read": read}:
            return describe(Noise(shot, read)).removeprefix("noise ")  # pyright: ignore[reportArgumentType]
        case [[*_], *_]:
            return " / ".join(_words(row) for row in value)
        case [*_]:
            return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value) or "none"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
