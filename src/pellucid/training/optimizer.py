"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): every step an orthogonal matrix.

torch's own Muon takes matrices only. This one takes the kernels of convolutions too, and leaves the
rest to AdamW.
"""
# pyright: reportUnknownMemberType=false

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from pellucid.networks.backbones import Residual

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of x -> a x + b x^3 + c x^5, which brings singular values near 1 from far below it."""
ITERATIONS = 5


class Muon(AdamW):
    """Muon for the kernels of hidden layers, AdamW for gains, biases, depthwise and last layers.

    A step of Muon has one size whatever the scale of a layer. So weights grow until their decay
    stops them: at 1e-4 in place of 0.1 a U-Net's grew thirtyfold in 20,000 steps, and stopped
    learning. And a last layer, which sets the scale of a picture, would tremble by that size.
    """

    def __init__(
        self,
        net: nn.Module,
        lr: float = 2e-2,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        adam_lr: float = 1e-3,
    ) -> None:
        """`lr` is the size of an orthogonal step, `adam_lr` the learning rate of the rest."""
        last = {
            id(w) for m in net.modules() if isinstance(m, Residual) for w in m.last.parameters()
        }
        weights = [weight for weight in net.parameters() if weight.requires_grad]
        hidden = [w for w in weights if is_kernel(w) and id(w) not in last]
        moved = {id(weight) for weight in hidden}
        rest = [weight for weight in weights if id(weight) not in moved]
        groups: list[dict[str, Any]] = [
            {"params": hidden, "muon": True, "lr": lr, "weight_decay": weight_decay},
            {"params": rest, "muon": False, "lr": adam_lr, "weight_decay": 0.0},
        ]
        super().__init__([group for group in groups if group["params"]])
        self.momentum = momentum

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step. AdamW passes over parameters without a gradient: kernels give theirs up."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group["muon"]:
                for kernel in group["params"]:
                    self._move(kernel, group["lr"], group["weight_decay"])
        super().step()
        return loss

    def _move(self, kernel: Tensor, lr: float, weight_decay: float) -> None:
        if kernel.grad is None:
            return
        state = self.state[kernel]
        if not state:
            # Adam looks for a step in every state that it loads.
            state["step"], state["momentum"] = torch.zeros(()), torch.zeros_like(kernel)
        state["momentum"].lerp_(kernel.grad, 1 - self.momentum)
        nesterov = kernel.grad.lerp(state["momentum"], self.momentum)
        matrix = nesterov.flatten(1)
        step = orthogonal(matrix).reshape_as(kernel)
        # A tall matrix has fewer directions than rows; its rows would move less.
        size = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        kernel.mul_(1 - lr * weight_decay).add_(step, alpha=-lr * size)
        kernel.grad = None


def is_kernel(weight: Tensor) -> bool:
    """Whether a parameter joins several inputs and outputs, as depthwise kernels do not."""
    return weight.dim() in (2, 4) and min(weight.shape[:2]) > 1


def orthogonal(matrix: Tensor) -> Tensor:
    """The orthogonal matrix nearest to a matrix (m, n), roughly: singular values of 0.7 to 1.2.

    Newton-Schulz iterations on the smaller Gram matrix alone, which convolutions have by far.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.mT).mT
    a, b, c = QUINTIC
    matrix = matrix / matrix.square().sum().sqrt().clamp(min=1e-12)
    gram = matrix @ matrix.mT
    product = one = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(ITERATIONS):
        factor = a * one + b * gram + c * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ matrix
