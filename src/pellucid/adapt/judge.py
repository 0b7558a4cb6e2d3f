"""Who judges an adaptation: the risk on patches that were held out, beside that of the start."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import default_collate

from pellucid.adapt.recorrupted import (
    NoisyPicture,
    NoisyRaw,
    grain_like,
    picture_risk,
    raw_risk,
)
from pellucid.checkpoint import Network
from pellucid.io import replacing, write_picture
from pellucid.isp import Rendering
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.training.network import NetworkTraining
from pellucid.training.raw import rows

SURE = 2.0
"""Standard errors by which a gain must differ from nothing."""
LEAST = 1e-7
"""Squared display values that are a gain at all: 0.1 % of the error of 40 dB."""
SHOWN = 4
"""Patches of a sheet."""
STRENGTHS = (1.0, 2.5)
"""Factors by which noise in pictures may be stronger than in their calmest corners: JPEGs of
cameras have lost it where they are flat, and the risk is no better than its noise."""
BATCH = 8
DECAY = 0.99
"""Of the averaged weights: they are the mean of some hundred steps."""
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Verdict:
    """What a network's risk on the held-out patches is less than that of the start."""

    step: int
    gain: float
    """In squared display values."""
    error: float
    """Standard error of the gain, over patches."""

    @property
    def sure(self) -> bool:
        """Whether there is a gain at all."""
        return self.gain > max(SURE * self.error, LEAST)


class Bench:
    """Held-out patches, each with its noise drawn once, so that networks see the same."""

    def __init__(self, patches: Sequence[NoisyRaw] | Sequence[NoisyPicture], start: Network):
        """`start` is the network that others are compared with."""
        self.batches: list[Any] = [
            default_collate(list(patches[n : n + BATCH])) for n in range(0, len(patches), BATCH)
        ]
        self.grains = [
            grain_like(start, batch) if isinstance(start, DualDomainNet) else None
            for batch in self.batches
        ]
        self.start = self.risk(start)
        self.before = self.shown(start)

    @torch.no_grad()
    def risk(self, net: Network) -> Tensor:
        """Of each patch (K, N), at each strength that its noise may have."""
        pairs = zip(self.batches, self.grains, strict=True)
        return torch.cat([_risk(net, batch, grain) for batch, grain in pairs], dim=1)

    def verdict(self, net: Network, step: int) -> Verdict:
        """Of a network, at the strength at which it gains least."""
        gains = self.start - self.risk(net)
        errors = gains.std(1, correction=1) / gains.shape[1] ** 0.5
        least = int(gains.mean(1).argmin())
        return Verdict(step, gains[least].mean().item(), errors[least].item())

    @torch.no_grad()
    def shown(self, net: Network) -> tuple[Tensor, Tensor]:
        """Some patches as they are, and restored."""
        batch = self.batches[0]
        if isinstance(net, DualDomainNet):
            mosaic, camera, noise, rendering = batch[:4]
            rendering = Rendering(rendering.exposure, torch.zeros_like(rendering.exposure))
            noisy = net.develop(mosaic, camera, rendering)
            return noisy[:SHOWN], net(mosaic, camera, noise, rendering).srgb[:SHOWN]
        return batch.picture[:SHOWN], net(batch.picture)[:SHOWN]

    def sheet(self, net: Network) -> Tensor:
        """Noisy patches, restored by the start, and by a network, in rows."""
        return rows(*self.before, self.shown(net)[1])


def _risk(net: Network, batch: Any, grain: Tensor | None) -> Tensor:
    if isinstance(net, DualDomainNet):
        assert grain is not None
        return raw_risk(net, batch, grain)[None]
    strengths = [NoisyPicture(batch.picture, factor * batch.grain) for factor in STRENGTHS]
    return torch.stack([picture_risk(net, each) for each in strengths])


class Judge(Callback):
    """Averages the weights, judges them now and then, keeps the best, ends what gains no more."""

    def __init__(self, bench: Bench, folder: Path, every: int, patience: int, begun: Network):
        """Verdicts in `folder/rule.jsonl`; `patience` is how many may pass without a better one."""
        self.bench, self.folder, self.every, self.patience = bench, folder, every, patience
        self.averaged = deepcopy(begun).eval()
        self.best: Verdict | None = None
        self.weights: Weights | None = None
        self.since, self.last = 0, -1

    def state_dict(self) -> dict[str, Any]:
        """The averaged and the best weights so far."""
        best = None if self.best is None else asdict(self.best)
        said = {"best": best, "weights": self.weights, "since": self.since, "last": self.last}
        return said | {"averaged": self.averaged.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.best = None if state_dict["best"] is None else Verdict(**state_dict["best"])
        self.weights, self.last = state_dict["weights"], state_dict["last"]
        # Who calls again wants to go on, so that patience begins anew.
        self.since = 0
        self.averaged.load_state_dict(state_dict["averaged"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget verdicts that came after the checkpoint."""
        path = self.folder / "rule.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= trainer.global_step]
        with replacing(path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Average every step; judge every so many."""
        step, training = trainer.global_step, cast(NetworkTraining, pl_module)
        self.average(training.net, step)
        if step % self.every == 0:
            training.log("gain", 1e6 * self.judge(step).gain, prog_bar=True)
            trainer.should_stop = trainer.should_stop or self.since >= self.patience

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """What was gained since the last verdict counts as well."""
        if trainer.global_step > max(self.last, 0):
            self.judge(trainer.global_step)

    @torch.no_grad()
    def average(self, net: Network, step: int) -> None:
        """Move the averaged weights towards the present ones, faster at first."""
        share = 1 - min(DECAY, (1 + step) / (10 + step))
        for mean, value in zip(self.averaged.parameters(), net.parameters(), strict=True):
            mean.lerp_(value.detach().to(mean), share)
        # Statistics that normalise a batch are averages already.
        for kept, value in zip(self.averaged.buffers(), net.buffers(), strict=True):
            kept.copy_(value)

    def judge(self, step: int) -> Verdict:
        """Say how good the averaged network is, and keep it if it is the best."""
        verdict, self.last = self.bench.verdict(self.averaged, step), step
        self.since += 1
        if verdict.sure and (self.best is None or verdict.gain > self.best.gain):
            state = self.averaged.state_dict()
            self.weights = {name: value.clone() for name, value in state.items()}
            self.best, self.since = verdict, 0
        self._note(verdict, self.bench.sheet(self.averaged))
        return verdict

    def _note(self, verdict: Verdict, sheet: Tensor) -> None:
        with (self.folder / "rule.jsonl").open("a") as file:
            file.write(json.dumps(asdict(verdict)) + "\n")
        samples = self.folder / "samples"
        samples.mkdir(exist_ok=True)
        write_picture(samples / f"{verdict.step:07d}.png", sheet)
