import torch
from torch import nn
from torch.optim import AdamW

from pellucid.networks.backbones import Residual
from pellucid.networks.unet import UNetConfig
from pellucid.training.optimizer import Muon, is_kernel, orthogonal


def test_a_step_is_nearly_the_nearest_orthogonal_matrix():
    torch.manual_seed(0)
    for shape in ((16, 144), (144, 16)):
        matrix = torch.randn(shape)
        left, singular, right = torch.linalg.svd(matrix, full_matrices=False)
        step = orthogonal(matrix)
        values = torch.linalg.svdvals(step)
        assert 0.3 < values.min() and values.max() < 1.25
        nearest = left @ right
        assert (step * nearest).sum() > 0.95 * step.norm() * nearest.norm()
        torch.testing.assert_close(orthogonal(1e3 * matrix), step, atol=1e-4, rtol=1e-4)


def test_a_step_of_rank_zero_moves_nothing():
    assert (orthogonal(torch.zeros(4, 8)) == 0).all()


def test_kernels_go_to_muon_and_the_rest_to_adamw():
    assert is_kernel(torch.zeros(8, 4, 3, 3)) and is_kernel(torch.zeros(8, 4))
    assert not is_kernel(torch.zeros(8)) and not is_kernel(torch.zeros(8, 1, 3, 3))


def test_without_kernels_it_is_adamw():
    torch.manual_seed(0)
    ours, theirs = nn.LayerNorm(5), nn.LayerNorm(5)
    optimizers = Muon(ours, adam_lr=0.1), AdamW(theirs.parameters(), 0.1, weight_decay=0)
    for _ in range(3):
        x = torch.randn(4, 5)
        for net, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    assert torch.equal(ours.weight, theirs.weight) and not torch.equal(
        ours.weight, torch.ones_like(ours.weight)
    )


def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    torch.manual_seed(1)
    picture = torch.rand(2, 4, 16, 16)
    noisy = picture + 0.1 * torch.randn(2, 4, 16, 16)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(noisy, torch.full_like(noisy, 0.1)) - picture).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def fresh() -> Residual:
    torch.manual_seed(0)
    return Residual(UNetConfig(widths=(8, 8)), 4, told=True)


def test_it_trains_and_goes_on_from_its_state():
    whole = fresh()
    losses = train(whole, Muon(whole, lr=0.05), 40)
    assert losses[-1] < 0.5 * losses[0]

    net = fresh()
    first = Muon(net, lr=0.05)
    train(net, first, 20)
    second = Muon(net, lr=0.05)
    second.load_state_dict(first.state_dict())
    train(net, second, 20)
    for ours, theirs in zip(net.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def test_the_last_layer_is_adams():
    net = fresh()
    hidden, rest = (group["params"] for group in Muon(net).param_groups)
    assert [weight is net.body.head.weight for weight in rest] == [True]
    assert len(hidden) + 1 == len(list(net.parameters()))


def test_decay_bounds_what_steps_of_one_size_would_let_grow():
    torch.manual_seed(0)
    norms = []
    for decay in (0.0, 0.1):
        net = nn.Linear(16, 16, bias=False)
        optimizer = Muon(net, lr=0.1, weight_decay=decay)
        for _ in range(400):
            net.weight.grad = torch.randn(16, 16)
            optimizer.step()
        norms.append(torch.linalg.matrix_norm(net.weight.detach(), 2).item())
    assert norms[1] < 0.6 * norms[0], norms
