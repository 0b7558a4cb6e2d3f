"""Makes the dual benchmark: raws with a truth in both domains, by several camera pipelines.

    SET/noisy/0001.dng            noise of one of ELD's cameras (Wei et al. 2020), with heavy tails
                                  and rows; more of it in the corners, by lens shading
    SET/clean/0001.dng            the same without noise
    SET/truth/ISP/0001.png        the clean raw, developed by each pipeline; 16 bits
    SET/input/ISP/0001.png        the noisy one likewise
    SET/manifest.json             cameras, noise, versions, and the SHA-256 of every file

Item n is a pure function of (seed, n) and its photograph.
"""
# pyright: reportUnknownMemberType=false

import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Generator, Tensor

from pellucid.bayer import mosaic_of, pack
from pellucid.benchmarks.foreign_isps import develop_dng, version_of
from pellucid.color import apply_matrix, decode
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.fivek import fivek_names, is_fivek, present
from pellucid.data.photos import SUFFIXES, reduced
from pellucid.data.synthesis import generator_of
from pellucid.errors import FileError
from pellucid.io import DngFields, is_raw, read_raw, replacing, write_mosaic, write_picture
from pellucid.io.checksums import sha256_of
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.noise import EldNoise, add_eld_noise
from pellucid.noise_laws import EldLaw, any_of, uniform
from pellucid.raw import Camera, Noise

DualIsp = Literal["ours", "libraw", "darktable", "rawtherapee"]
MANIFEST = "manifest.json"
FORMAT = 1
MULTIPLE = 32
SHADING = 1.5
"""Most gain in the corners, over that in the middle."""


@dataclass(frozen=True)
class DualConfig:
    """What a set is made of."""

    seed: int = 0
    size: int = 512
    """Longest side of a picture, in pixels."""
    isps: tuple[DualIsp, ...] = ("ours", "libraw")


class Capture(NamedTuple):
    """One raw as it was taken, and as it should have been."""

    noisy: Tensor
    """(1, H, W)"""
    clean: Tensor
    camera: Camera
    noise: Noise
    """In the middle, where shading adds nothing."""
    tone: float
    shading: float
    """Gain in the corners."""


def build_dual(photos: Path, output: Path, config: DualConfig) -> Path:
    """The set of a folder's photographs and raws; gives its manifest."""
    paths = clean_files(photos)
    versions = {isp: "Pellucid" if isp == "ours" else version_of(isp) for isp in config.isps}
    if (output / MANIFEST).exists():
        raise FileError.of(output, "holds a set already; expected another folder")
    items = [_item(path, n, output, config) for n, path in enumerate(paths, 1)]
    files = sorted(path for path in output.rglob("*") if path.suffix in (".dng", ".png"))
    manifest = {
        "format": FORMAT,
        "made_by": {"pellucid": version("pellucid"), "torch": torch.__version__, "isps": versions},
        "seed": config.seed,
        "size": config.size,
        "items": items,
        "sha256": {path.relative_to(output).as_posix(): sha256_of(path) for path in files},
    }
    with replacing(output / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=1).encode())
    return output / MANIFEST


def clean_files(folder: Path) -> list[Path]:
    """Photographs and raws of a folder by name; of FiveK's layout, the raws of its val list."""
    if not folder.is_dir():
        raise FileError.of(folder, "no such folder; expected one of clean photographs or raws")
    if is_fivek(folder):
        return [folder / "Raw" / name for name in fivek_names(folder, "val", present(folder))]
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and (path.suffix.lower() in SUFFIXES or is_raw(path))
    )
    if not paths:
        raise FileError.of(folder, "has no photographs or raws")
    return paths


def _item(path: Path, number: int, output: Path, config: DualConfig) -> dict[str, Any]:
    capture = taken(path, generator_of(config.seed, number), config.size)
    name = f"{number:04}"
    for part, mosaic in (("noisy", capture.noisy), ("clean", capture.clean)):
        dng = _made(output / part) / f"{name}.dng"
        write_dual_dng(dng, mosaic, capture.camera, capture.noise)
        stem = "input" if part == "noisy" else "truth"
        for isp in config.isps:
            picture = developed(dng, isp, capture.tone)
            write_picture(_made(output / stem / isp) / f"{name}.png", picture, bits=16)
    return {
        "name": name,
        "of": path.name,
        "shot": capture.noise.shot.item(),
        "read": capture.noise.read.item(),
        "shading": capture.shading,
        "tone": capture.tone,
    }


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from error
    return folder


def write_dual_dng(path: Path, mosaic: Tensor, camera: Camera, noise: Noise | None) -> None:
    """A raw of the set, or one that a model restored."""
    # 16 bits: what restored mosaics are compared in must not be posterised.
    fields = DngFields(black=(4096.0,), white=61440, make="Pellucid", model="Dual")
    write_mosaic(path, mosaic, camera, noise, fields)


def developed(dng: Path, isp: DualIsp, tone: float) -> Tensor:
    """The picture of a raw by one of the pipelines; `tone` is of ours."""
    if isp != "ours":
        return develop_dng(dng, isp)
    raw = read_raw(dng)
    return render(raw.mosaic, raw.camera, Rendering(raw.exposure, tone), ISPConfig())


def taken(path: Path, generator: Generator, size: int) -> Capture:
    """A photograph as a random camera might have taken it in little light."""
    colour, camera = _seen(path, generator, size)
    dim = 2 ** -uniform(0, 1, generator)
    clean = mosaic_of(dim * colour)
    # Base ISO leaves little to restore: the noisier of two.
    draws = [EldLaw().sample(generator) for _ in range(2)]
    law = max(draws, key=lambda noise: noise.shot.item())
    assert isinstance(law, EldNoise)
    shading = 1 + (SHADING - 1) * uniform(0, 1, generator)
    gain = corner_gain(clean, shading)
    # Black is a little off on real sensors, but nothing that a truth could be compared with.
    sensor = replace(law.sensor, bias=(0.0, 0.0, 0.0, 0.0))
    noisy = gain * add_eld_noise(clean / gain, sensor, generator).clamp(max=1)
    tone = uniform(0, 1, generator)
    return Capture(noisy.clamp(max=1), clean, camera, Noise(law.shot, law.read), tone, shading)


def corner_gain(mosaic: Tensor, most: float) -> Tensor:
    """Gain (1, H, W) that a lens needs: 1 in the middle, `most` in the corners."""
    rows, columns = (torch.linspace(-1, 1, side).square() for side in mosaic.shape[-2:])
    return (1 + (most - 1) * (rows[:, None] + columns) / 2)[None]


def _seen(path: Path, generator: Generator, size: int) -> tuple[Tensor, Camera]:
    """Camera RGB (3, H, W), not balanced, and the camera."""
    if is_raw(path):
        raw = read_raw(path)
        red, first, second, blue = pack(raw.mosaic)
        linear = torch.stack((red, (first + second) / 2, blue))
        return _cut(linear.clamp(0, 1), path, size), raw.camera
    camera = _camera(generator)
    picture = torch.from_numpy(reduced(path, 2) / 65535).float()
    balanced = apply_matrix(
        decode(_cut(picture, path, size), "srgb"), torch.inverse(camera.cam_to_srgb)
    ).clamp(0, 1)
    return balanced / camera.white_balance[:, None, None], camera


def _camera(generator: Generator) -> Camera:
    """A real camera's colours under daylight, cloud or lamps."""
    gains = torch.tensor([uniform(1.2, 2.8, generator), 1.0, uniform(1.1, 2.8, generator)])
    return Camera.of(torch.tensor(any_of(list(XYZ_TO_CAM.values()), generator)), gains)


def _cut(picture: Tensor, path: Path, size: int) -> Tensor:
    """The busiest of nine windows, its sides multiples of 32."""
    sides = [min(side, size) // MULTIPLE * MULTIPLE for side in picture.shape[-2:]]
    if not all(sides):
        got = "x".join(map(str, picture.shape[-2:]))
        raise FileError.of(path, f"has {got} pixels at half its size; expected {MULTIPLE} or more")
    tops, lefts = (
        [(whole - part) * n // 2 for n in range(3)]
        for whole, part in zip(picture.shape[-2:], sides, strict=True)
    )
    windows = [
        picture[:, top : top + sides[0], left : left + sides[1]] for top in tops for left in lefts
    ]
    return max(windows, key=lambda window: window.diff(dim=-1).abs().mean().item())
