"""Patches a second of `pellucid train` beside the straightforward loop.

    python benchmarks/training.py --photos PHOTOS --threads 2 --json training.json

`ours` is the command as a user runs it: Lightning's loop with its logs and averaged weights, on a
store that `pellucid pack` wrote. `plain` is the loop that one writes first: eager, contiguous
weights, and every patch made when it is asked for, in the training process, out of a photograph
that PIL decodes for it. `memory` is the same with all photographs decoded beforehand. Network,
loss, optimiser (AdamW), noise and patch sizes are the same; both are first shown to find the same
gradients for one batch. `ours` takes the recipe's share of its steps in bfloat16; of the other rows
those do that say so. All take turns in one process that asks for memory as the command does; each
turn's first steps are not counted, and its patches a second are those of all steps after them.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader, Dataset, default_collate

from pellucid.cli import exit_with
from pellucid.data import DeadLeaves, Sample, Store
from pellucid.data.packing import PackOptions, pack
from pellucid.data.photos import photographs, shrink
from pellucid.data.synthesis import generator_of
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.training.data import RawData
from pellucid.training.run import RunFolderCLI, Training

RECIPE = Path(__file__).parents[1] / "recipes" / "default.yaml"
WARM = 5
"""Steps of a turn that are not counted: workers begin, memory is asked for."""

# -- the straightforward way ----------------------------------------------------------------------


class PlainSamples(Dataset[Sample]):
    """Samples made one by one; `crop` cuts the patch (3, side, side) out of photograph n."""

    def __init__(
        self, crop: Callable[[int, int, torch.Generator], Tensor], count: int, data: RawData
    ) -> None:
        """Noise, share of dead leaves and patch are those of `data`; `count` photographs."""
        self.crop, self.count, self.data = crop, count, data

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, n: int) -> Sample:
        generator = generator_of(1, n)
        if torch.rand((), generator=generator) < self.data.leaves_share:
            picture = DeadLeaves().patch(self.data.patch, generator)
        else:
            number = int(torch.randint(self.count, (), generator=generator))
            # Halved, as PhotoFolder halves; its busier patch of two would need a second one.
            picture = shrink(self.crop(number, 2 * self.data.patch, generator), 2)
        return self.data.synthesis(picture, generator)


def crop_of_file(paths: list[Path]) -> Callable[[int, int, torch.Generator], Tensor]:
    """Crops that decode their photograph."""

    def crop(number: int, side: int, generator: torch.Generator) -> Tensor:
        with Image.open(paths[number]) as image:
            left, top = (
                int(torch.randint(length - side + 1, (), generator=generator))
                for length in image.size
            )
            pixels = np.asarray(image.crop((left, top, left + side, top + side)).convert("RGB"))
        return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)

    return crop


def crop_of_memory(paths: list[Path]) -> Callable[[int, int, torch.Generator], Tensor]:
    """Crops of photographs that were decoded beforehand."""
    pictures: list[npt.NDArray[np.uint8]] = []
    for path in paths:
        with Image.open(path) as image:
            pictures.append(np.asarray(image.convert("RGB")))

    def crop(number: int, side: int, generator: torch.Generator) -> Tensor:
        picture = pictures[number]
        top, left = (
            int(torch.randint(length - side + 1, (), generator=generator))
            for length in picture.shape[:2]
        )
        pixels = picture[top : top + side, left : left + side].astype(np.float32) / 255
        return torch.from_numpy(pixels).permute(2, 0, 1)

    return crop


def contiguous(net: DualDomainNet) -> DualDomainNet:
    """The network with weights and activations in PyTorch's own order, (B, C, H, W)."""
    for inner in (net.raw_net, net.srgb_net):
        if inner is not None:
            inner.to(memory_format=torch.contiguous_format)
            first = inner.get_submodule("body.encoders.0")
            first.register_forward_pre_hook(lambda _, inputs: inputs[0].contiguous())
    return net


def plain_steps(training: Training, samples: PlainSamples, steps: int) -> Iterator[None]:
    """The loop."""
    net = contiguous(training.config.build())
    optimizer = torch.optim.AdamW(net.parameters(), training.learning_rate)
    loader = DataLoader(samples, samples.data.batch_size)
    for _, batch in zip(range(steps), loader, strict=False):
        loss, _ = training.objective(net, batch)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        yield


# -- ours -----------------------------------------------------------------------------------------


class Clock(Callback):
    """The time at the end of every step."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.times: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Look at it."""
        self.times.append(time.perf_counter())


def our_run(words: list[str]) -> RunFolderCLI:
    """What `pellucid train` builds of its arguments."""
    return RunFolderCLI(Training, RawData, run=False, args=words, save_config_callback=None)


# -- measuring ------------------------------------------------------------------------------------


def check(training: Training, samples: PlainSamples) -> float:
    """Largest relative difference of both networks' gradients for one batch; raises above 1e-3."""
    ours = training.config.build()
    for inner in (ours.raw_net, ours.srgb_net):
        assert inner is not None
        nn.init.normal_(inner.last.get_parameter("weight"), std=0.01)
    theirs = training.config.build()
    theirs.load_state_dict(ours.state_dict())
    batch = default_collate([samples[n] for n in range(2)])
    gradients: list[Tensor] = []
    for net in (ours, contiguous(theirs)):
        training.objective(net, batch)[0].backward()
        gradients.append(
            torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
        )
    off = (gradients[0] - gradients[1]).norm() / gradients[0].norm()
    if not off < 1e-3:
        raise SystemExit(f"gradients differ by {off:.1e} of their norm; expected 1e-3 or less")
    return float(off)


def rate(times: list[float], batch: int) -> float:
    """Patches a second."""
    return batch * (len(times) - 1 - WARM) / (times[-1] - times[WARM])


def turn(name: str, words: list[str], plain: dict[str, PlainSamples], steps: int) -> float:
    """Patches a second of one loop's turn."""
    with tempfile.TemporaryDirectory() as folder:
        total = WARM + steps + 1
        said = [*words, f"--trainer.max_steps={total}", f"--trainer.default_root_dir={folder}"]
        cli = our_run([*said, *OURS.get(name, [])])
        if name in plain:
            times = [time.perf_counter() for _ in plain_steps(cli.model, plain[name], total)]
        else:
            clock = Clock()
            vars(cli.trainer)["callbacks"].insert(0, clock)
            cli.trainer.fit(cli.model, cli.datamodule)
            times = clock.times
        return rate(times, cli.datamodule.batch_size)


ALIKE = ["--model.optimizer=adamw", "--model.learning_rate=1e-3"]
"""What the recipe may have chosen otherwise."""
FLOAT32 = "--model.bfloat16_share=0"
OURS = {
    "ours": [],
    "ours, float32": [FLOAT32],
    "ours, float32, a worker": [FLOAT32, "--data.workers=1"],
    "ours, bfloat16": ["--trainer.precision=bf16-mixed"],
}
"""Ways to run the command, by what they add to it."""


def large(photos: Path, side: int) -> list[Path]:
    """The photographs that a patch can be cut from."""
    paths = photographs(photos)
    return [path for path in paths if min(Image.open(path).size) >= side]


def main() -> None:
    """Pack, check, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=40, help="counted steps of a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", nargs="+", help="names of the loops beside plain")
    parser.add_argument("--store", type=Path, help="keep the packed store there")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        store = options.store or Path(scratch) / "store"
        start = time.perf_counter()
        for _ in pack(options.photos, store, PackOptions(), print):
            pass
        packing = time.perf_counter() - start
        words = [f"--config={options.recipe}", f"--data.photos={store}"]
        words += ["--trainer.accelerator=cpu", "--trainer.enable_model_summary=false", *ALIKE]
        cli = our_run([*words, f"--trainer.default_root_dir={scratch}", "--trainer.max_steps=1"])
        paths = large(options.photos, 2 * cli.datamodule.patch)
        plain = {"plain": PlainSamples(crop_of_file(paths), len(paths), cli.datamodule)}
        names = ["plain", *(options.only or ["memory", *OURS])]
        if "memory" in names:
            plain["memory"] = PlainSamples(crop_of_memory(paths), len(paths), cli.datamodule)
        off = check(cli.model, plain["plain"])
        found: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(options.turns):
            for name in names:
                found[name].append(turn(name, words, plain, options.steps))
        count = len(Store.open(store))
    rows = [
        {
            "loop": name,
            "patches_per_second": statistics.median(rates),
            "slowest": min(rates),
            "fastest": max(rates),
            "times_plain": statistics.median(rates) / statistics.median(found["plain"]),
        }
        for name, rates in found.items()
    ]
    print(f"gradients agree to {off:.1e}; {count} photographs packed in {packing:.0f} s")
    for row in rows:
        print(
            f"{row['loop']:>24} {row['patches_per_second']:7.1f} patches/s "
            f"({row['slowest']:.1f}-{row['fastest']:.1f})  {row['times_plain']:.2f} x plain"
        )
    if options.json:
        settings = {
            "recipe": options.recipe.name,
            "patch": cli.datamodule.patch,
            "batch": cli.datamodule.batch_size,
            "photographs": count,
            "seconds_to_pack": packing,
            "steps": options.steps,
            "turns": options.turns,
            "threads": options.threads,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "gradients_differ": off,
        }
        options.json.write_text(json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
