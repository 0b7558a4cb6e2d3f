"""Forward diffusion (Ho et al. 2020) at continuous noise levels (Chen et al. 2021).

A picture at level gamma keeps sqrt(gamma) of itself and has sqrt(1 - gamma) of Gaussian noise.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Kind = Literal["linear", "quad", "const", "jsd", "warmup10", "warmup50", "cosine"]
"""How the variance added per step goes from first to last."""


@dataclass(frozen=True)
class ScheduleConfig:
    """Noise levels and which of them are drawn; all defaults are Noise-DA's."""

    kind: Kind = "linear"
    steps: int = 1000
    first: float = 1e-6
    """Variance added by the first step; `const`, `jsd` and `cosine` do not ask for it."""
    last: float = 1e-2
    """Variance added by the last step; `jsd` and `cosine` do not ask for it."""
    lowest: int = 1
    """Steps are drawn from here on: 0 has hardly any noise."""
    highest: int | None = None
    """The last step that is drawn; without it the last there is."""
    between: bool = True
    """Levels lie anywhere between a step and the one before, not only at the steps."""

    def build(self) -> "Schedule":
        """The noise levels; raises ValueError for steps that there are not."""
        return Schedule(self)


class Schedule(nn.Module):
    """Noise levels gamma, falling from almost 1 (clean) with the step."""

    gammas: Tensor

    def __init__(self, config: ScheduleConfig) -> None:
        super().__init__()
        highest = config.steps - 1 if config.highest is None else config.highest
        if not 1 <= config.lowest <= highest < config.steps:
            got = f"{config.lowest} to {highest}"
            raise ValueError(f"steps drawn are {got}; expected from 1 to {config.steps - 1}")
        self.config, self.highest = config, highest
        # Not persistent: a checkpoint needs no numbers that its configuration tells.
        self.register_buffer("gammas", levels(betas(config)).float(), persistent=False)

    def draw(self, count: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Steps (count,), and where below each the level lies: 1 at the step, 0 at the one before.

        The second is drawn, and unused, for a schedule of steps too: other draws stay as they were.
        """
        device, lowest = self.gammas.device, self.config.lowest
        steps = torch.randint(
            lowest, self.highest + 1, (count,), generator=generator, device=device
        )
        return steps, torch.rand(count, generator=generator, device=device)

    def at(self, steps: Tensor, between: Tensor) -> Tensor:
        """Level (B,) of each picture."""
        upper, gamma = self.gammas[steps - 1], self.gammas[steps]
        return upper + between * (gamma - upper) if self.config.between else gamma


def q_sample(clean: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Pictures (B, C, H, W) at levels (B,), in float32 (Ho et al. 2020, eq. 4)."""
    gamma = level.float()[:, None, None, None]
    return gamma.sqrt() * clean.float() + (1 - gamma).sqrt() * noise.float()


def levels(betas: Tensor) -> Tensor:
    """What remains of a picture's variance after each step."""
    return (1 - betas).cumprod(0)


def betas(config: ScheduleConfig) -> Tensor:
    """Variance added by each step, (steps,) in float64."""
    first, last, steps = config.first, config.last, config.steps
    match config.kind:
        case "linear":
            return _line(first, last, steps)
        case "quad":
            return _line(math.sqrt(first), math.sqrt(last), steps).square()
        case "const":
            return _line(last, last, steps)
        case "jsd":
            return 1 / _line(steps, 1, steps)
        case "warmup10":
            return _warmed_up(config, steps // 10)
        case "warmup50":
            return _warmed_up(config, steps // 2)
        case "cosine":
            return _cosine(steps)


def _line(first: float, last: float, steps: int) -> Tensor:
    return torch.linspace(first, last, steps, dtype=torch.float64)


def _warmed_up(config: ScheduleConfig, rise: int) -> Tensor:
    """A line over the first steps, then constant."""
    return torch.cat(
        [
            _line(config.first, config.last, rise),
            _line(config.last, config.last, config.steps - rise),
        ]
    )


def _cosine(steps: int, offset: float = 8e-3) -> Tensor:
    """Levels fall as a squared cosine (Nichol and Dhariwal 2021, eq. 17)."""
    times = torch.arange(steps + 1, dtype=torch.float64) / steps + offset
    gammas = (times / (1 + offset) * math.pi / 2).cos().square()
    return (1 - gammas[1:] / gammas[:-1]).clamp(max=0.999)
