"""What a training run leaves in its folder: checkpoints, weights, pictures, and its account."""
# pyright: reportUnknownMemberType=false

import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO

from pellucid.checkpoint import Network, save_network
from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing, write_picture
from pellucid.training.data import StepData, data_of
from pellucid.training.network import NetworkTraining

Sitting = dict[str, Any]
"""A line of `runs.jsonl`: versions, machine, seeds and licences, and the steps of one sitting."""


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that appear whole or not at all.

    Lightning writes to the system's temporary folder and moves, which is a copy between disks:
    killed in the middle of it, a run would have lost its only checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write beside the old one, then take its place."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            torch.save(checkpoint, file)


def tidy(folder: Path) -> None:
    """Remove the drafts that a killed sitting was writing."""
    for draft in folder.rglob(".*.part"):
        draft.unlink(missing_ok=True)


class SamplePictures(Callback):
    """Writes what the first validation samples look like."""

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write `samples/STEP.png` from the first batch."""
        if batch_idx == dataloader_idx == 0 and trainer.is_global_zero:
            folder = Path(trainer.default_root_dir) / "samples"
            folder.mkdir(parents=True, exist_ok=True)
            sheet = cast(NetworkTraining, pl_module).sheet(batch)
            write_picture(folder / f"{trainer.global_step:07d}.png", sheet)


class RunFacts(Callback):
    """Keeps the account of a run in `runs.jsonl`: a line for each sitting, what it takes to repeat.

    A line is brought up to date with every checkpoint, so that kill -9 loses little of it.
    """

    def __init__(self, command: str) -> None:
        """`command` is what the user called."""
        self.command, self.began, self.began_cpu = command, 0.0, 0.0
        self.sitting: Sitting = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a line; a checkpoint was loaded already, and the photographs were read."""
        self.began, self.began_cpu = time.monotonic(), time.process_time()
        self.sitting = {
            "command": self.command,
            "first_step": trainer.global_step,
            **facts(trainer),
        }
        if trainer.is_global_zero:
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            _write_sittings(folder, [*sittings(folder), self._until(trainer)])

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Bring the line up to date."""
        self._update(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Bring the line up to date."""
        self._update(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Bring the line up to date."""
        self._update(trainer)

    def _update(self, trainer: Trainer) -> None:
        if self.sitting and trainer.is_global_zero:
            folder = Path(trainer.default_root_dir)
            _write_sittings(folder, [*sittings(folder)[:-1], self._until(trainer)])

    def _until(self, trainer: Trainer) -> Sitting:
        seconds = round(time.monotonic() - self.began, 3)
        cpu = round(time.process_time() - self.began_cpu, 3)
        end = {"last_step": trainer.global_step, "seconds": seconds, "cpu_seconds": cpu}
        return {**self.sitting, **end}


def callbacks_of(trainer: Trainer) -> list[Callback]:
    """A trainer's callbacks, which Lightning sets without declaring them."""
    return vars(trainer)["callbacks"]


def facts(trainer: Trainer) -> Sitting:
    """Versions, machine, seeds and licences of a run."""
    data = data_of(trainer)
    return {
        "pellucid": version("pellucid"),
        "commit": commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "devices": trainer.world_size,
        "threads": torch.get_num_threads(),
        "precision": str(trainer.precision),
        "seed": data.seed,
        "weights_seed": os.environ.get("PL_GLOBAL_SEED"),
        "batch": data.patches_per_step,
        "licences": {licence: len(names) for licence, names in data.licences().items()},
    }


def commit() -> str | None:
    """The checkout's commit, with + where it was changed; None for an installed package."""
    here = Path(__file__).parent
    try:
        words = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def sittings(folder: Path) -> list[Sitting]:
    """What a run folder says of every sitting so far."""
    path = folder / "runs.jsonl"
    try:
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    except ValueError:
        raise FileError.of(path, "is damaged; expected a line of JSON for each sitting") from None


def _write_sittings(folder: Path, lines: list[Sitting]) -> None:
    with replacing(folder / "runs.jsonl") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())


class Export(Callback):
    """Writes the network, with averaged weights where they are averaged, when training ends."""

    def __init__(self) -> None:
        """Nothing was trained yet."""
        self.trained = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Those who average have put their weights into the network."""
        self.trained = True

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write `weights.safetensors`, and `card.md` about them."""
        if not self.trained:
            # A run that has come to its end already has no step left: Lightning ends no training.
            for averaging in (c for c in callbacks_of(trainer) if isinstance(c, WeightAveraging)):
                averaging.on_train_end(trainer, pl_module)
        if trainer.is_global_zero:
            folder, trained = Path(trainer.default_root_dir), cast(NetworkTraining, pl_module)
            run = sittings(folder)
            if not run:
                raise PellucidError("no step was taken; expected trainer.max_time to allow one")
            said = metadata(run, trainer.global_step, trained.start)
            path = folder / "weights.safetensors"
            save_network(trained.net, trained.config, path, **said)
            with replacing(folder / "card.md") as file:
                file.write(card(trainer, trained.net, said).encode())
            print(f"wrote {path}")


def metadata(run: list[Sitting], steps: int, start: dict[str, str]) -> dict[str, str]:
    """What the weights file says of its training, which may have had several sittings."""
    last = run[-1]
    said = {key: last[key] for key in ("seed", "weights_seed", "batch", "pellucid", "commit")}
    hours = sum(sitting.get("seconds", 0) for sitting in run) / 3600
    said |= {"command": last["command"], "steps": steps, "hours": f"{hours:.3g}"}
    said |= {"sittings": len(run), "licences": json.dumps(last["licences"])}
    said |= {"start": json.dumps(start)} if start else {}
    return {key: str(value) for key, value in said.items()}


def card(trainer: Trainer, net: Network, said: dict[str, str]) -> str:
    """A model card in Markdown: data, licences, seeds, steps, hours, code and command."""
    data, folder = data_of(trainer), Path(trainer.default_root_dir)
    configured = ", its configuration in `config.yaml`" * (folder / "config.yaml").exists()
    rows = {
        "command": f"`{said['command']}`{configured}",
        "code": f"pellucid {said['pellucid']}, commit {said['commit']}, torch {torch.__version__}",
        "network": f"{sum(p.numel() for p in net.parameters()):,} parameters",
        "start": begun(json.loads(said.get("start", "{}"))),
        "data": ", ".join(data.words()),
        "seed": f"{said['seed']} of the samples, {said['weights_seed']} of the first weights",
        "size": f"{said['steps']} steps of {said['batch']} patches of {data.patch}x{data.patch}",
        "time": f"{said['hours']} hours, sittings: {said['sittings']}, devices: "
        f"{trainer.world_size} {type(trainer.accelerator).__name__.removesuffix('Accelerator')}",
    }
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    head = f"# Model card: `{folder.name}`\n\n## Training\n\n"
    return f"{head}| | |\n| --- | --- |\n{table}\n## Licences\n\n{licence_list(data)}"


def begun(start: dict[str, str]) -> str:
    """Where the first weights came from, in words."""
    if not start:
        return "random weights"
    said = [f"{start[key]} {key}" for key in ("steps", "hours") if key in start]
    said += [f"by `{start['command']}`"] if "command" in start else []
    return f"`{start['weights']}`" + (f" ({', '.join(said)})" if said else "")


def licence_list(data: StepData) -> str:
    """The licences of the pictures that were trained on, with the files under each."""
    found = data.licences()
    if not found:
        return "None: its sources hold no files.\n"
    return "".join(
        f"- {licence}, {len(names)} file{'s' * (len(names) > 1)}: {', '.join(names)}\n"
        for licence, names in found.items()
    )
