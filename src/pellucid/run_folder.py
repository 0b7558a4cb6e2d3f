"""What a training run leaves in its folder: weights, sample pictures, facts to repeat it by."""

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from pellucid.checkpoint import save_network
from pellucid.data.synthesis import Sample
from pellucid.io import replacing, write_picture
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet


class Export(Callback):
    """Writes the network, with averaged weights where they are averaged, when training ends."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write `weights.safetensors`."""
        if trainer.is_global_zero:
            path = Path(trainer.default_root_dir) / "weights.safetensors"
            config = cast(DualDomainConfig, pl_module.config)
            save_network(network_of(pl_module), config, path, steps=str(trainer.global_step))
            print(f"wrote {path}")


class SamplePictures(Callback):
    """Writes the first validation samples noisy, restored and clean, one above the other."""

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: Sample,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write `samples/STEP.png` from the first batch."""
        if batch_idx == 0 and trainer.is_global_zero:
            folder = Path(trainer.default_root_dir) / "samples"
            folder.mkdir(parents=True, exist_ok=True)
            sheet = contact_sheet(network_of(pl_module), batch)
            write_picture(folder / f"{trainer.global_step:07d}.png", sheet)


def network_of(module: LightningModule) -> DualDomainNet:
    """The network that a Lightning module trains."""
    return cast(DualDomainNet, module.net)


@torch.no_grad()
def contact_sheet(net: DualDomainNet, batch: Sample) -> Tensor:
    """Picture (3, 3 H, B W): noisy, restored and clean samples in rows."""
    restored = net(batch.noisy, batch.camera, batch.noise, batch.rendering).srgb
    noisy, clean = (
        net.develop(mosaic, batch.camera, batch.rendering) for mosaic in (batch.noisy, batch.clean)
    )
    rows = [torch.cat(list(pictures), dim=-1) for pictures in (noisy, restored, clean)]
    return torch.cat(rows, dim=-2).clamp(0, 1)


class RunFacts(Callback):
    """Writes down at every start what it takes to repeat the run beside its `config.yaml`."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a line to `runs.jsonl`: code version, machine, devices, and the step it began at."""
        if trainer.is_global_zero:
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            earlier = folder / "runs.jsonl"
            lines = earlier.read_text() if earlier.exists() else ""
            with replacing(earlier) as file:
                file.write((lines + json.dumps(facts(trainer)) + "\n").encode())


def facts(trainer: Trainer) -> dict[str, object]:
    """Versions and machine of a run."""
    return {
        "first_step": trainer.global_step,
        "pellucid": version("pellucid"),
        "commit": commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "devices": trainer.world_size,
        "threads": torch.get_num_threads(),
    }


def commit() -> str | None:
    """The checkout's commit, with + where it was changed; None for an installed package."""
    here = Path(__file__).parent
    try:
        words = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
