"""Blown highlights: magenta, hue against the unclipped truth, and brightness along a ramp.

python benchmarks/highlights.py [--json FILE] [--picture FILE]
python benchmarks/highlights.py --raw FILE --crop X,Y,SIDE --picture FILE

A scene of six saturated colours and grey, each a soft light on a wall of its own colour, is clipped
by a simulated sensor so that one, two and three channels are lost. "Rolled" brings each channel to
the level where green clips, `ISPConfig(highlights="roll")`; "rebuilt" is `lift_highlights` and
`ISPConfig(highlights="rebuilt")`; "restored" is what `Restorer` makes of it under noise. With
`--raw`, a piece of a real photograph, restored with its highlights rolled, and rebuilt. Hue is the
angle in Oklab (Ottosson 2020) of linear sRGB.
"""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from pellucid import Camera, ISPConfig, Noise, RawImage, Rendering, Restorer, read_raw
from pellucid.bayer import mosaic_of, pack
from pellucid.cli import exit_with
from pellucid.color import apply_matrix, decode
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.isp import render
from pellucid.look.highlights import lift_highlights
from pellucid.noise import add_noise
from pellucid.passes import Highlights

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
COLOURS = {
    "red": (0.9, 0.12, 0.08),
    "orange": (0.9, 0.4, 0.08),
    "leaf": (0.45, 0.9, 0.12),
    "cyan": (0.12, 0.75, 0.9),
    "blue": (0.12, 0.25, 0.9),
    "magenta": (0.85, 0.15, 0.8),
    "grey": (0.9, 0.9, 0.9),
}
"""Linear sRGB."""
SIDE, STOPS, BAND, GAP = 160, 5.0, 80, 16
METHODS = ("rolled", "rebuilt", "restored")
NOISE = Noise(1e-3, 1e-6)


class Shot(NamedTuple):
    """A scene as the sensor would see it without its limit, and as it does."""

    light: Tensor
    """Linear sRGB (3, H, W)."""
    mosaic: Tensor

    @property
    def lost(self) -> Tensor:
        """How many channels are clipped around each pixel (H, W)."""
        planes = (pack(self.mosaic) > 0.985).float()
        count = torch.stack([planes[0], planes[1:3].amax(0), planes[3]]).sum(0)
        return count.repeat_interleave(2, 0).repeat_interleave(2, 1)


def shot_of(light: Tensor) -> Shot:
    """What the camera records of light (3, H, W)."""
    linear = apply_matrix(light, torch.inverse(CAMERA.cam_to_srgb))
    return Shot(light, mosaic_of(linear / CAMERA.white_balance[:, None, None]).clamp(max=1))


def lights() -> Shot:
    """A soft light on each colour, side by side, six times as bright in its middle as white."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    glow = 0.25 + 6 * torch.exp(-(x**2 + y**2) / 0.12)
    return shot_of(torch.cat([_of(colour) * glow for colour in COLOURS.values()], -1))


def ramps() -> Shot:
    """A band of each colour that brightens from left to right, black between them."""
    levels = 0.2 * 2 ** torch.linspace(0, STOPS, 640) * torch.ones(BAND, 1)
    levels[:GAP], levels[-GAP:] = 0.001, 0.001
    return shot_of(torch.cat([_of(colour) * levels for colour in COLOURS.values()], -2))


def _of(colour: tuple[float, float, float]) -> Tensor:
    return torch.tensor(colour)[:, None, None]


def developed(shot: Shot, method: str, exposure: float = 1.0) -> Tensor:
    """sRGB picture (3, H, W)."""
    rendering = Rendering(exposure)
    if method == "restored":
        noisy = add_noise(shot.mosaic, NOISE, generator=generator_of(1)).clamp(max=1)
        return restorer()(RawImage(noisy, CAMERA, NOISE), rendering=rendering).srgb.clamp(0, 1)
    if method == "rolled":
        return render(shot.mosaic, CAMERA, rendering)
    lift = lift_highlights(shot.mosaic, CAMERA)
    mosaic = shot.mosaic if lift is None else shot.mosaic + lift
    return render(mosaic, CAMERA, rendering, ISPConfig(highlights="rebuilt"))


@cache
def restorer(highlights: Highlights = "rebuilt") -> Restorer:
    """With the default weights."""
    return Restorer.load(highlights=highlights)


def oklab(linear: Tensor) -> Tensor:
    """Lightness, a and b (3, H, W) of linear sRGB."""
    to_lms = linear.new_tensor(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    to_lab = linear.new_tensor(
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]]
    )  # fmt: skip
    return apply_matrix(apply_matrix(linear.clamp(min=0), to_lms) ** (1 / 3), to_lab)


def hue_error(srgb: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
    """Degrees between hues, and whether the picture has any hue, both (H, W)."""
    got, true = (oklab(linear) for linear in (decode(srgb, "rec709"), light))
    angle = torch.atan2(got[2], got[1]) - torch.atan2(true[2], true[1])
    degrees = torch.rad2deg((angle + torch.pi).remainder(2 * torch.pi) - torch.pi).abs()
    return degrees, got[1:].norm(dim=0) > 0.02


def luma(srgb: Tensor) -> Tensor:
    """Linear luminance (H, W)."""
    weights = srgb.new_tensor([0.2126, 0.7152, 0.0722])
    return (decode(srgb, "rec709") * weights[:, None, None]).sum(0)


def magenta(srgb: Tensor) -> float:
    """How far green lies below both others, at most."""
    return float((srgb[[0, 2]].amin(0) - srgb[1]).amax())


def hues(shot: Shot, method: str, dim: int) -> dict[str, dict[str, list[float]]]:
    """Median and 95th percentile of the hue error, by colour and by number of clipped channels."""
    error, coloured = hue_error(developed(shot, method), shot.light)
    result: dict[str, dict[str, list[float]]] = {}
    parts = zip(
        *(part.chunk(len(COLOURS), dim) for part in (error, coloured, shot.lost)), strict=True
    )
    for name, (wrong, seen, lost) in zip(COLOURS, parts, strict=True):
        if name == "grey":
            continue
        result[name] = {}
        for count in (1, 2):
            found = wrong[seen & (lost == count)]
            if len(found) >= 20:
                spread = torch.quantile(found, torch.tensor([0.5, 0.95])).tolist()
                result[name][str(count)] = [round(value, 1) for value in spread]
    return result


def falls(method: str) -> dict[str, float]:
    """By how much the luminance of each ramp falls at most below what it had reached."""
    picture = luma(developed(ramps(), method))
    rows = picture.chunk(len(COLOURS), -2)
    inside = (row[GAP + 4 : -GAP - 4] for row in rows)
    worst = (float((row.cummax(-1).values - row).amax()) for row in inside)
    return {name: round(fall, 4) for name, fall in zip(COLOURS, worst, strict=True)}


def greys(method: str) -> float:
    """The most magenta of grey lights and of a grey ramp."""
    pictures = (
        developed(lights(), method).chunk(len(COLOURS), -1)[-1],
        developed(ramps(), method).chunk(len(COLOURS), -2)[-1],
    )
    return round(max(map(magenta, pictures)), 4)


def measured() -> dict[str, object]:
    """Everything, by method."""
    return {
        method: {
            "hue error, lights": hues(lights(), method, -1),
            "hue error, ramps": hues(ramps(), method, -2),
            "fall of luminance": falls(method),
            "magenta of grey": greys(method),
        }
        for method in METHODS
    }


def drawn() -> Tensor:
    """Lights and ramps: rolled, rebuilt, rebuilt two stops darker, the truth two stops darker."""
    shot = lights()
    dark = developed(shot, "rebuilt", 0.25)
    truth = render(mosaic_of(apply_matrix(shot.light, torch.inverse(CAMERA.cam_to_srgb)) / 4
                             / CAMERA.white_balance[:, None, None]), CAMERA, None,
                   ISPConfig(highlights="rebuilt"))  # fmt: skip
    rows = [developed(shot, "rolled"), developed(shot, "rebuilt"), dark, truth]
    return torch.cat(rows, -2)


def real(path: Path, left: int, top: int, side: int) -> Tensor:
    """A piece (3, side, 2 side) of a photograph: rolled, and rebuilt."""
    raw = read_raw(path)
    whole = (restorer(how)(raw).srgb.clamp(0, 1) for how in ("roll", "rebuilt"))
    return torch.cat([each[:, top : top + side, left : left + side] for each in whole], -1)


def save(path: Path, picture: Tensor) -> None:
    """As a JPEG."""
    pixels = picture.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path, quality=90)


def main() -> None:
    """Measure, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--crop", default="0,0,512", metavar="X,Y,SIDE")
    args = parser.parse_args()
    if args.raw:
        save(args.picture, real(args.raw, *map(int, args.crop.split(","))))
        return
    result = measured()
    print(json.dumps(result, indent=2))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    if args.picture:
        save(args.picture, drawn())


if __name__ == "__main__":
    exit_with(main)
