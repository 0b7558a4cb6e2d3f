"""What every training has: a network, where it began, its optimiser, and a step's precision."""
# pyright: reportUnknownMemberType=false

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeVar, cast

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pellucid.checkpoint import Network, NetworkConfig, read_checkpoint
from pellucid.choices import Truth
from pellucid.data.synthesis import generator_of
from pellucid.errors import PellucidError
from pellucid.models import weights_of
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet
from pellucid.networks.picture import PictureConfig
from pellucid.networks.resizing import resize, without_widths
from pellucid.training.data import data_of
from pellucid.training.optimizer import Muon
from pellucid.training.schedules import Cosine, Schedule

CHANCE = 7
"""Tells the chance of steps from that of samples, whose seed is the same."""
OptimizerName = Literal["adamw", "muon"]
DEFAULT_SCHEDULE = Cosine()
Config = TypeVar("Config", DualDomainConfig, PictureConfig)


class Begun(NamedTuple):
    """A network as a training finds it."""

    net: Network
    config: NetworkConfig
    start: dict[str, str]
    """What is known of the weights; nothing of random ones."""


class NetworkTraining(LightningModule):
    """A network and its optimiser; subclasses say what is minimised, and show what comes out."""

    def __init__(
        self,
        begun: Begun,
        optimizer: OptimizerName = "adamw",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
        schedule: Schedule = DEFAULT_SCHEDULE,
        bfloat16_share: float = 0.0,
    ) -> None:
        """Nothing is built but the network.

        Args:
            begun: The network.
            optimizer: What moves the weights; for Muon try ten times the learning rate.
            learning_rate: Highest learning rate.
            weight_decay: Decoupled from the gradient.
            schedule: How the learning rate goes.
            bfloat16_share: Share of the steps, from the first, that are taken in bfloat16: faster
                where the processor knows it, and the rest of the steps mend what it blurs.
        """
        super().__init__()
        if not learning_rate >= 0:
            raise PellucidError(f"model.learning_rate is {learning_rate}; expected 0 or more")
        if not 0 <= bfloat16_share <= 1:
            raise PellucidError(f"model.bfloat16_share is {bfloat16_share}; expected 0 to 1")
        self.net, self.config, self.start = begun
        self.optimizer: OptimizerName = optimizer
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.schedule, self.bfloat16_share = schedule, bfloat16_share
        self.asked: list[tuple[float, float]] = []

    def draw_anew(self, number: int) -> None:
        """Seed all chance of a batch by its number: a run that goes on draws what comes next."""
        trainer = self.trainer
        within = number % trainer.accumulate_grad_batches
        key = data_of(trainer).seed, CHANCE, trainer.global_rank, self.global_step, within
        # Dropout takes no generator.
        torch.manual_seed(generator_of(*key).initial_seed())

    def sheet(self, batch: Any) -> Tensor:
        """Picture (3, H, W) of a validation batch, to look at."""
        raise NotImplementedError

    def on_train_start(self) -> None:
        """What the recipe says of rates and decays counts, whatever a checkpoint brought back."""
        for optimizer, config in zip(
            self.trainer.optimizers, self.trainer.lr_scheduler_configs, strict=True
        ):
            scheduler = cast(LambdaLR, config.scheduler)
            scheduler.base_lrs = [rate for rate, _ in self.asked]
            for group, (rate, decay), scale in zip(
                optimizer.param_groups, self.asked, scheduler.lr_lambdas, strict=True
            ):
                group["initial_lr"], group["weight_decay"] = rate, decay
                group["lr"] = rate * scale(scheduler.last_epoch)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise PellucidError for a network that has run away: the checkpoint before is kept."""
        if not all(bool(value.isfinite().all()) for value in self.parameters()):
            raise PellucidError(
                f"the network is not finite any more at step {self.global_step}; expected a lower "
                "learning rate, from the last checkpoint on or in another run folder"
            )

    def log_losses(self, logs: dict[str, Tensor]) -> None:
        """Log what a step minimised."""
        # Over all devices, so that a log does not depend on their number.
        self.log_dict(
            {f"train/{name}": value for name, value in logs.items()}, prog_bar=True, sync_dist=True
        )

    def log_psnr(self, name: str, restored: Tensor, degraded: Tensor, truth: Tensor) -> None:
        """Log PSNR of restored pictures, and what it gains over the degraded ones."""
        after, before = (psnr(picture.clamp(0, 1), truth) for picture in (restored, degraded))
        self.log_dict(
            {f"{name}/psnr": after.mean(), f"{name}/gain": (after - before).mean()},
            prog_bar=True,
            sync_dist=True,
            batch_size=len(after),
            add_dataloader_idx=False,
        )

    def precision(self) -> AbstractContextManager[object]:
        """That of the trainer, once the steps in bfloat16 are done."""
        if self.global_step >= self.bfloat16_share * self.last_step:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @property
    def last_step(self) -> int:
        """The step that ends the run."""
        return max(1, int(self.trainer.estimated_stepping_batches))

    def new_optimizer(self) -> Optimizer:
        """What moves the network's weights."""
        rate, decay = self.learning_rate, self.weight_decay
        match self.optimizer:
            case "adamw":
                return AdamW(self.net.parameters(), rate, weight_decay=decay)
            case "muon":
                return Muon(self.net, rate, weight_decay=decay)

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule, which depends on the step alone."""
        optimizer, last = self.new_optimizer(), self.last_step
        self.asked = [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups]

        # A function: what LambdaLR keeps of an object would bring back the schedule of the
        # sitting before.
        def scale(step: int) -> float:
            return self.schedule.factor(step, last, self.learning_rate)

        return [optimizer], [{"scheduler": LambdaLR(optimizer, scale), "interval": "step"}]


def begin(network: Config | None, weights: str | None, default: Config) -> Begun:
    """The network that a training begins with: as told, or as the weights to begin from hold it.

    Told other widths than the weights have, it begins as near to them as it can, see
    `networks.resizing`. Raises PellucidError where the weights are of another kind than `default`,
    or do not fit.
    """
    if weights is None:
        config = network or default
        return Begun(config.build(), config, {})
    with weights_of(weights) as path:
        found = read_checkpoint(path)
    if found.config is None or type(found.config) is not type(default):
        holds = "pictures" if isinstance(default, DualDomainConfig) else "raw photographs"
        needs = "raw photographs" if isinstance(default, DualDomainConfig) else "pictures"
        raise PellucidError(f"{weights}: restores {holds}; expected a network of {needs}")
    start = {"weights": weights, **found.facts}
    if network is None or _alike(network, found.config):
        return Begun(found.net.train(), found.config, start)
    if not _alike(without_widths(network), without_widths(found.config)):
        raise PellucidError(
            f"{weights} holds another network than the recipe; expected one that differs in the "
            "widths of U-Nets at most"
        )
    resized = network.build()
    resize(found.net, resized)
    held = found.config.truth if isinstance(found.config, DualDomainConfig) else None
    return towards(held, Begun(resized.train(), network, start))


def _alike(network: NetworkConfig, held: NetworkConfig) -> bool:
    """Whether weights fit both; what their pictures are to be, a training may change."""
    if isinstance(network, DualDomainConfig) and isinstance(held, DualDomainConfig):
        return replace(network, truth=held.truth) == held
    return network == held


def towards(truth: Truth | None, begun: Begun) -> Begun:
    """A network of raws on its way to another truth, if one is named."""
    if truth is None:
        return begun
    cast(DualDomainNet, begun.net).truth = truth
    return begun._replace(config=replace(cast(DualDomainConfig, begun.config), truth=truth))


def psnr(picture: Tensor, truth: Tensor) -> Tensor:
    """PSNR (B,) of pictures in [0, 1]."""
    return -10 * (picture - truth).square().flatten(1).mean(1).clamp(min=1e-12).log10()
