"""Whether published weights give the published outputs, and all their sizes load and restore.

    python benchmarks/published.py outputs GOLDEN
    python benchmarks/published.py layouts GOLDEN --scratch DIR

GOLDEN is a folder of what the published programs gave: `dualdn_nets` and `noiseda`, with weights,
inputs, outputs and the lists of keys at full size (tests/golden/README.md says how its small part
was made). `outputs` feeds every stored input to every stored network through `load_network`;
`layouts` writes a checkpoint with random values for every list, loads it strictly, and restores a
crop of 256x256 with it, as a user would. Exit code 1 where an output is off, or a list is refused
that should not be.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from pellucid import Camera, Noise, Rendering, load_network, unrender, write_mosaic
from pellucid.checkpoint import read_checkpoint
from pellucid.choices import Task
from pellucid.cli import exit_with
from pellucid.cli import main as pellucid
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.demo import sample
from pellucid.errors import PellucidError
from pellucid.importers import PublishedOptions
from pellucid.io import DngFields
from pellucid.noise import add_noise

RAW_BAR, SRGB_BAR = 1e-4, 1e-3
NOISEDA = (
    "RestorationNet_wf8",
    "DnCNN_5layers",
    "Restormer_dim8",
    "SwinIR_e12_d22_h22_w8",
    "SwinIR_e12_w7_pad",
    "Uformer_e8",
)
RANGES: dict[Task, tuple[int, int]] = {"denoise": (1, 0), "derain": (2, -1), "deblur": (2, -1)}
"""What Noise-DA's networks see of [0, 1]: scale and zero."""
REFUSED = "SwinIR/c64"
"""Six heads do not divide its 64 channels: published, and never runnable."""


def arrays(path: Path) -> dict[str, Tensor]:
    """The arrays of a file as tensors."""
    return {name: torch.from_numpy(array) for name, array in np.load(path).items()}


# -- outputs ---------------------------------------------------------------------------------------


def dualdn(golden: Path, scratch: Path) -> Iterator[tuple[str, float, float]]:
    """Each network of DualDn and each mode of it, with the largest errors of mosaic and picture."""
    given, wanted = arrays(golden / "inputs.npz"), arrays(golden / "outputs.npz")
    gains = given["wb_matrix"][:, 0, 0, :][:, [0, 1, 3, 2]]  # stored as R, G, B, G
    camera = Camera.of(torch.inverse(given["rgb_xyz_matrix"][:, 0]), gains)
    noise = Noise(given["k"].flatten(), given["sigma"].flatten())
    rendering = Rendering(torch.ones(2), given["alpha"].flatten())
    for tag in sorted({name.split("/")[0] for name in wanted if name.endswith("/out_srgb")}):
        stem, told = tag.rsplit("_nm", 1)
        weights = load_file(golden / f"{stem}.safetensors")
        torch.save({"params": {f"module.{name}": w for name, w in weights.items()}}, scratch)
        net = load_network(scratch, PublishedOptions(noise_map=told == "1"))
        with torch.inference_mode():
            restored = net(given["raw"], camera, noise, rendering)
        yield (
            tag,
            (restored.mosaic - wanted[f"{tag}/out_raw"]).abs().max().item(),
            relative(restored.srgb, wanted[f"{tag}/out_srgb"]),
        )


def relative(got: Tensor, wanted: Tensor) -> float:
    """Largest error, of values above 1 relative to them."""
    return ((got - wanted).abs() / wanted.abs().clamp(min=1)).max().item()


def noiseda(golden: Path, scratch: Path) -> Iterator[tuple[str, float, float]]:
    """Each restoration network of Noise-DA for each task, with its picture's largest error."""
    stored = arrays(golden / "nets_io.npz")
    for stem in NOISEDA:
        weights = load_file(golden / f"{stem}.safetensors")
        wrapped = {f"RestorationNet.{name}": weight for name, weight in weights.items()}
        torch.save({**wrapped, "denoise_fn.x.weight": torch.ones(2)}, scratch)
        given, residual = stored[f"{stem}/in"], stored[f"{stem}/out"]
        below, beside = (residual.shape[n] - given.shape[n] for n in (-2, -1))
        given = F.pad(given, (0, beside, 0, below), mode="reflect")
        for task, (scale, zero) in RANGES.items():
            net = load_network(scratch, PublishedOptions(task=task))
            with torch.inference_mode():
                restored = net((given - zero) / scale) * scale + zero
            yield f"{stem} {task}", 0.0, relative(restored, given + residual)


def outputs(golden: Path, scratch: Path) -> int:
    """How many networks miss the bars, each printed."""
    missed = 0
    for found in (
        dualdn(golden / "dualdn_nets", scratch / "net.pth"),
        noiseda(golden / "noiseda", scratch / "net.pth"),
    ):
        for name, raw, srgb in found:
            good = raw <= RAW_BAR and srgb <= SRGB_BAR
            missed += not good
            verdict = "" if good else "  MISSED"
            print(f"{name:36} raw {raw:.1e}  srgb {srgb:.1e}{verdict}", flush=True)
    return missed


# -- layouts ---------------------------------------------------------------------------------------


def layouts(golden: Path) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each list of keys at full size by name, with the options that its checkpoint needs."""
    for name, layout in read(golden / "dualdn_nets" / "full_size_state_dict_layouts.json"):
        yield name, layout, []
    for name, layout in read(golden / "noiseda" / "default_layouts.json"):
        # The others are one that its program could not build, and a mere block of NAFNet.
        if "keys" in layout and "Block" not in name:
            yield f"Noise-DA {name}", layout, ["--task", "derain"]
    whole = dict(read(golden / "noiseda" / "network_published_layout.json"))
    (before,), (after,) = (
        [layout for name, layout in whole.items() if word in name] for word in ("before", "after")
    )
    yield "Noise-DA Network_ema", before, ["--task", "denoise"]
    more = {**before, "keys": before["keys"] + after["extra_keys"]}
    yield "Noise-DA Network", more, ["--task", "denoise"]


def read(path: Path) -> Iterator[tuple[str, Any]]:
    """What a JSON file says, by name."""
    yield from json.loads(path.read_text()).items()


def random_weights(keys: list[list[Any]]) -> dict[str, Tensor]:
    """Weights of the listed names, shapes and types, of a size that keeps signals alive."""
    generator, weights = generator_of(0), dict[str, Tensor]()
    for name, shape, kind, *_ in keys:
        if "int" in kind:
            weights[name] = torch.zeros(shape, dtype=torch.int64)
        elif "running_var" in name or (name.endswith("weight") and len(shape) == 1):
            weights[name] = torch.ones(shape)
        elif len(shape) > 1:
            size = (0.1 if "conv_out" in name else 0.7) / max(1, int(np.prod(shape[1:]))) ** 0.5
            weights[name] = torch.randn(shape, generator=generator) * size
        else:
            weights[name] = torch.zeros(shape)
    return weights


def write_crop(path: Path) -> None:
    """A noisy raw of 256x256."""
    camera = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))
    noise = Noise(5e-3, 1e-5)
    clean = unrender(sample()[:, 200:456, 300:556], camera)
    noisy = add_noise(clean, noise, generator=generator_of(1))
    write_mosaic(path, noisy, camera, noise, DngFields())


def load_and_restore(golden: Path, scratch: Path) -> int:
    """How many lists are not loaded or restored as they should, each printed."""
    write_crop(scratch / "crop.dng")
    missed = 0
    for name, layout, options in layouts(golden):
        weights = random_weights(layout["keys"])
        path = scratch / "net.pth"
        torch.save({"params": weights} if name.count("/") == 2 else weights, path)
        task = options[1] if options else None
        try:
            found = read_checkpoint(path, PublishedOptions(task=task))
        except PellucidError as error:
            print(f"{name}: NOT LOADED, {error}", flush=True)
            missed += 1
            continue
        count = sum(weight.numel() for weight in found.net.parameters())
        start, code = time.perf_counter(), restore(scratch, options)
        expected = 2 if REFUSED in name else 0
        missed += code != expected
        print(
            f"{name}: {found.origin}, {count:,} parameters (published {layout['params']:,}), "
            f"restore {time.perf_counter() - start:.1f} s, exit {code}, expected {expected}",
            flush=True,
        )
    return missed


def restore(scratch: Path, options: list[str]) -> int:
    """The exit code of `pellucid restore` with the checkpoint."""
    names = [str(scratch / name) for name in ("crop.dng", "net.pth", "out.png")]
    try:
        pellucid(["restore", names[0], "--model", names[1], "-o", names[2], *options])
    except SystemExit as end:
        return int(end.code or 0)


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("outputs", "layouts"))
    parser.add_argument("golden", type=Path)
    parser.add_argument("--scratch", type=Path, help="where to write checkpoints")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.scratch) as scratch:
        run = outputs if said.what == "outputs" else load_and_restore
        missed = run(said.golden, Path(scratch))
    print("all as they should be" if not missed else f"{missed} are not as they should be")
    sys.exit(bool(missed))


if __name__ == "__main__":
    exit_with(main)
