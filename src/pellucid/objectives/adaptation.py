"""Noise-space adaptation: synthetic training pulled to real pictures (Liao et al. 2025).

A restored synthetic and a restored real picture are conditions of a critic that predicts the noise
on a clean picture. It does so the better the cleaner they are, and its loss flows back into the
restoration network. The critic is thrown away after training.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from pellucid.diffusion import Schedule, q_sample
from pellucid.objectives.conditions import Arrange, Restoration, shuffled
from pellucid.objectives.losses import charbonnier

Logs = dict[str, Tensor]
Restore = Callable[[Tensor], Tensor]
"""A restoration network: pictures (B, C, H, W) to restored ones."""
Critic = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Noisy pictures, conditions (B, K, H, W), levels (B,) to the noise, as `pellucid.critic`'s."""


class Batch(NamedTuple):
    """Pictures (B, C, H, W), all of one size and range."""

    noisy: Tensor
    """With synthetic degradation."""
    clean: Tensor
    """What `noisy` was made from."""
    real: Tensor
    """With real degradation, of other scenes."""
    unpaired: Tensor | None = None
    """Clean, of other scenes again."""


class Draws(NamedTuple):
    """All that is random in a step, drawn whether parts use it or not."""

    steps: Tensor
    """Of the schedule, (B,)."""
    between: Tensor
    """Where below each step the level lies, (B,)."""
    noise: Tensor
    """On the diffused pictures, (B, C, H, W)."""
    order: Tensor
    """Uniform, (B,): of the conditions."""
    swapped_order: Tensor
    """Uniform, (B,): of the conditions with swapped residuals."""


def paired_clean(batch: Batch) -> Tensor:
    """The truth of the synthetic picture."""
    return batch.clean


def unpaired_clean(batch: Batch) -> Tensor:
    """A clean picture of another scene; raises ValueError if the batch has none."""
    if batch.unpaired is None:
        raise ValueError("batch has no unpaired clean pictures; expected some to diffuse")
    return batch.unpaired


@dataclass(frozen=True)
class ResidualSwap:
    """Contrast: with the residuals of each other's picture, conditions must be worse."""

    margin: float = 0.1

    def __call__(self, error: Tensor, swapped_error: Tensor) -> Tensor:
        """Triplet loss of the whole batch's mean squared errors."""
        return (error - swapped_error + self.margin).relu()


@dataclass(frozen=True)
class Ramp:
    """Weight of the critic's loss: from 0 up, so that it learns before it teaches."""

    weight: float = 0.2
    length: float = 300
    """In the unit of the time it is asked for: epochs, as published, or steps."""
    steepness: float = 5.0
    kind: Literal["ramp"] = "ramp"

    def __call__(self, time: float) -> float:
        """Weight at a time; constant from `length` on (after Ganin and Lempitsky 2015)."""
        progress = min(time / self.length, 1.0)
        return self.weight * (2 / (1 + math.exp(-self.steepness * progress)) - 1)


@dataclass(frozen=True)
class Constant:
    """The same weight at all times: a ramp left out."""

    weight: float = 0.2
    kind: Literal["constant"] = "constant"

    def __call__(self, time: float) -> float:
        """The weight."""
        return self.weight


@dataclass(frozen=True)
class Parts:
    """What the objective is made of; `dataclasses.replace` leaves parts out or changes them."""

    paired: Callable[[Tensor, Tensor], Tensor] | None = charbonnier
    """Loss of the restored synthetic picture against the truth."""
    weight: Callable[[float], float] = Ramp()
    """Of the critic's loss, by time."""
    diffused: Callable[[Batch], Tensor] = paired_clean
    """The picture whose noise is predicted."""
    arrange: Arrange = shuffled
    contrast: ResidualSwap | None = ResidualSwap()


class NoiseSpaceAdaptation(nn.Module):
    """Loss of a restoration network and of the critic that is trained with it.

    Holds the critic, so that its parameters go to the optimizer, and never the restoration network.
    """

    def __init__(self, critic: Critic, schedule: Schedule, parts: Parts | None = None) -> None:
        super().__init__()
        self.critic, self.schedule, self.parts = critic, schedule, parts or Parts()

    def forward(
        self,
        restore: Restore,
        batch: Batch,
        time: float,
        generator: torch.Generator | None = None,
        draws: Draws | None = None,
    ) -> tuple[Tensor, Logs]:
        """Loss and what to log; `draws` take the place of the generator's."""
        synthetic = Restoration(batch.noisy, restore(batch.noisy))
        real = Restoration(batch.real, restore(batch.real))
        diffused = self.parts.diffused(batch)
        noise, logs = self.noise_loss(synthetic, real, diffused, generator, draws)
        paired = _paired(self.parts.paired, synthetic.restored, batch.clean)
        weight = self.parts.weight(time)
        loss = paired + weight * noise
        return loss, logs | _logs(loss=loss, paired=paired, weight=noise.new_tensor(weight))

    def noise_loss(
        self,
        synthetic: Restoration,
        real: Restoration,
        diffused: Tensor,
        generator: torch.Generator | None = None,
        draws: Draws | None = None,
    ) -> tuple[Tensor, Logs]:
        """The critic's loss, without its weight, on planes of any kind: pictures or mosaics.

        Raises ValueError for real pictures that differ in size from the synthetic ones.
        """
        _check(synthetic.degraded, real.degraded, diffused)
        draws = draws or self.draw(diffused, generator)
        predict = self._predictor(diffused, draws)
        conditions = self.parts.arrange(synthetic.restored, real.restored, draws.order)
        error = predict(conditions)
        contrast = self.parts.contrast
        if contrast is None:
            return error, _logs(noise=error, error=error)
        swapped = self.parts.arrange(
            synthetic.swapped(real), real.swapped(synthetic), draws.swapped_order
        )
        swapped_error = predict(swapped)
        triplet = contrast(error, swapped_error)
        # Halved, as in the published code.
        loss = (error + triplet) / 2
        return loss, _logs(noise=loss, error=error, swapped_error=swapped_error, triplet=triplet)

    def draw(self, diffused: Tensor, generator: torch.Generator | None = None) -> Draws:
        """All random numbers of a step, in the published order; the generator is of the device."""
        count, device = len(diffused), diffused.device
        steps, between = self.schedule.draw(count, generator)
        noise = torch.randn(diffused.shape, generator=generator, device=device, dtype=torch.float32)
        order, swapped_order = (
            torch.rand(count, generator=generator, device=device) for _ in range(2)
        )
        return Draws(steps, between, noise, order, swapped_order)

    def _predictor(self, diffused: Tensor, draws: Draws) -> Callable[[Tensor], Tensor]:
        """Mean squared error of the noise that the critic predicts with conditions."""
        level = self.schedule.at(draws.steps, draws.between)
        noisy = q_sample(diffused, level, draws.noise)
        return lambda conditions: (
            (self.critic(noisy, conditions, level).float() - draws.noise).square().mean()
        )


@dataclass(frozen=True)
class PairedOnly:
    """The synthetic pairs alone: training without adaptation, called like it."""

    paired: Callable[[Tensor, Tensor], Tensor] = charbonnier

    def __call__(
        self,
        restore: Restore,
        batch: Batch,
        time: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Logs]:
        """Loss and what to log."""
        loss = self.paired(restore(batch.noisy), batch.clean)
        return loss, _logs(loss=loss, paired=loss)


def with_residual_swap(critic: Critic, schedule: Schedule) -> NoiseSpaceAdaptation:
    """The published objective of the paper's main tables; `PairedOnly` is what it is held against.

    Their code calls that mode 0, this mode 1 and the next mode 2.
    """
    return NoiseSpaceAdaptation(critic, schedule)


def with_unpaired_clean(critic: Critic, schedule: Schedule) -> NoiseSpaceAdaptation:
    """The published extension: noise on clean pictures of other scenes, and no contrast."""
    parts = Parts(diffused=unpaired_clean, contrast=None)
    return NoiseSpaceAdaptation(critic, schedule, parts)


def _paired(
    distance: Callable[[Tensor, Tensor], Tensor] | None, restored: Tensor, clean: Tensor
) -> Tensor:
    return restored.new_zeros(()) if distance is None else distance(restored, clean)


def _logs(**values: Tensor) -> Logs:
    return {name: value.detach() for name, value in values.items()}


def _check(synthetic: Tensor, real: Tensor, diffused: Tensor) -> None:
    for name, planes in (("real", real), ("diffused", diffused)):
        got = (len(planes), *planes.shape[-2:])
        expected = (len(synthetic), *synthetic.shape[-2:])
        if got != expected:
            sizes = f"{got}; expected {expected}, as the synthetic ones"
            raise ValueError(f"{name} pictures are (B, H, W) = {sizes}")
