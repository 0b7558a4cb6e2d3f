import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from pellucid.critic import Critic, CriticConfig, from_published, to_published
from pellucid.diffusion import ScheduleConfig
from pellucid.networks.noiseda_unet import NoiseDAUNet, NoiseDAUNetConfig
from pellucid.objectives.adaptation import (
    Batch,
    Constant,
    Draws,
    NoiseSpaceAdaptation,
    PairedOnly,
    Parts,
    Ramp,
    ResidualSwap,
    with_residual_swap,
    with_unpaired_clean,
)
from pellucid.objectives.conditions import (
    Restoration,
    in_order,
    only_real,
    only_synthetic,
    shuffled,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "noiseda"
FACTS = json.loads((GOLDEN / "modes.json").read_text())
TINY = CriticConfig(
    width=32, multipliers=(1, 2), attention=(1,), blocks=1, head_width=16, dropout=0
)
SCHEDULE = ScheduleConfig().build()
SEEDS = (1000, 1001)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    return load_file(GOLDEN / "modes.safetensors")


def golden_nets() -> tuple[Critic, NoiseDAUNet]:
    """What was drawn for the golden results, critic first, in the published order."""
    critic = Critic(TINY)
    net = NoiseDAUNet(NoiseDAUNetConfig(width=8, align_corners=True), 3, 3)
    generator = torch.Generator().manual_seed(12)
    states = [redrawn(to_published(critic.state_dict(), TINY), generator)]
    states += [redrawn(net.state_dict(), generator)]
    total = sum(value.double().abs().sum().item() for state in states for value in state.values())
    assert total == pytest.approx(FACTS["weights_sum_of_absolutes"], rel=1e-7), (
        "torch draws other numbers than when the golden results were made"
    )
    critic.load_state_dict(from_published(states[0], TINY))
    net.load_state_dict(states[1])
    return critic, net


def redrawn(state: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    weights = {}
    for key, value in state.items():
        drawn = torch.randn(value.shape, generator=generator)
        if key.endswith("bias"):
            drawn = 0.05 * drawn
        elif drawn.ndim == 1:
            drawn = 1 + 0.1 * drawn
        else:
            drawn = drawn / drawn[0].numel() ** 0.5
        weights[key] = (0.1 * drawn if key == "last.weight" else drawn).half().float()
    return weights


def norm(net: nn.Module) -> float:
    gradients = [p.grad.flatten() for p in net.parameters() if p.grad is not None]
    return torch.cat(gradients).norm().item()


def golden_batch(golden: dict[str, Tensor]) -> Batch:
    return Batch(golden["noisy"], golden["clean"], golden["real"], golden["unpaired"])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("mode", "build"), [(1, with_residual_swap), (2, with_unpaired_clean)])
def test_modes_give_the_published_losses_and_gradients(golden, mode, build, seed):
    name, (critic, net) = f"mode{mode}_seed{seed}", golden_nets()
    facts, objective, predicted = FACTS["modes"][name], build(critic, SCHEDULE), []
    critic.register_forward_hook(lambda module, given, noise: predicted.append(noise.detach()))
    draws = objective.draw(golden["clean"], torch.Generator().manual_seed(seed))
    loss, logs = objective(lambda x: x + net(x), golden_batch(golden), 60, draws=draws)
    loss.backward()

    for part, values in facts["draws"].items():
        if part != "noise_sum_of_absolutes":
            assert getattr(draws, part).tolist() == pytest.approx(values, rel=1e-6)
    drawn = draws.noise.double().abs().sum().item()
    assert drawn == pytest.approx(facts["draws"]["noise_sum_of_absolutes"], rel=1e-7)
    names = ["noise_hat", "noise_hat_neg"] if mode == 1 else ["noise_hat"]
    for got, array in zip(predicted, names, strict=True):
        torch.testing.assert_close(got, golden[f"{name}/{array}"], atol=1e-4, rtol=0)
    ours = {
        "paired": "loss_syn",
        "noise": "loss_noise",
        "error": "mse",
        "swapped_error": "mse_neg",
        "triplet": "triplet",
        "loss": "total_alpha_epoch60",
        "weight": "alpha60",
    }
    assert len(logs) == sum(key in facts for key in ours.values())
    for key, value in logs.items():
        assert value.item() == pytest.approx(facts[ours[key]], abs=1e-5)
    assert norm(net) == pytest.approx(facts["grad_norm_RestorationNet"], rel=1e-3)
    assert norm(critic) == pytest.approx(facts["grad_norm_denoise_fn"], rel=1e-3)


def test_pairs_alone_give_the_published_loss_and_gradient(golden):
    facts, (_, net) = FACTS["modes"]["mode0_seed1000"], golden_nets()
    loss, logs = PairedOnly()(lambda x: x + net(x), golden_batch(golden), 60)
    loss.backward()
    assert loss.item() == pytest.approx(facts["total_alpha_epoch60"], abs=1e-5)
    assert logs.keys() == {"loss", "paired"}
    assert norm(net) == pytest.approx(facts["grad_norm_RestorationNet"], rel=1e-3)


def test_ramp_is_the_published_one():
    for epoch, weight in FACTS["ramp"].items():
        assert Ramp()(int(epoch)) == pytest.approx(weight, abs=1e-9)


@pytest.mark.parametrize("ramp", [Ramp(), Ramp(2.0, 1000, 10), Ramp(0.5, 7)])
def test_ramp_rises_from_nothing_to_a_plateau_below_its_weight(ramp):
    weights = [ramp(ramp.length * i / 50) for i in range(80)]
    assert weights[0] == 0 and weights == sorted(weights)
    assert len(set(weights[:51])) == 51 and len(set(weights[50:])) == 1
    assert 0.98 * ramp.weight < weights[-1] < ramp.weight


class Restorer(nn.Module):
    """Pictures with a learned residual."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class TinyCritic(nn.Module):
    """Judges place by place, in no order of the batch."""

    def __init__(self, planes: int = 9, channels: int = 3) -> None:
        super().__init__()
        self.net = nn.Conv2d(planes, channels, 1)

    def forward(self, noisy: Tensor, conditions: Tensor, level: Tensor) -> Tensor:
        return self.net(torch.cat([noisy, conditions.square()], 1)) * level[:, None, None, None]


def batch(count: int = 3, channels: int = 3) -> Batch:
    drawn = torch.rand(4, count, channels, 8, 8, generator=torch.Generator().manual_seed(5))
    return Batch(*drawn)


def objective(parts: Parts | None = None, planes: int = 9) -> NoiseSpaceAdaptation:
    torch.manual_seed(3)
    return NoiseSpaceAdaptation(TinyCritic(planes), SCHEDULE, parts)


def restorer() -> Restorer:
    torch.manual_seed(4)
    return Restorer()


def drawn(of: NoiseSpaceAdaptation, seed: int = 6) -> Draws:
    return of.draw(batch().clean, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("parts", [Parts(), Parts(contrast=None)], ids=["contrast", "none"])
def test_both_restorations_and_the_critic_learn(parts):
    adaptation, net = objective(parts), restorer()
    given = Batch(*(x.clone().requires_grad_() for x in batch()))
    loss, _ = adaptation(net, given, 100, torch.Generator().manual_seed(0))
    loss.backward()
    learned = [*net.parameters(), *adaptation.parameters(), given.noisy, given.real]
    assert all(x.grad is not None and x.grad.any() for x in learned)


def test_the_restorer_keeps_its_own_state_and_the_critic_goes_to_the_optimizer():
    adaptation, net = objective(), restorer()
    before = net.state_dict().keys()
    adaptation(net, batch(), 1)[0].backward()
    assert net.state_dict().keys() == before
    assert {name.split(".")[0] for name in adaptation.state_dict()} == {"critic"}
    own = {id(parameter) for parameter in adaptation.parameters()}
    assert own == {id(parameter) for parameter in adaptation.critic.parameters()}


def test_nothing_but_the_generator_is_random():
    adaptation, net = objective(), restorer()
    first, again, other = (
        adaptation(net, batch(), 1, torch.Generator().manual_seed(seed))[0] for seed in (8, 8, 9)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_given_draws_take_the_generators_place():
    adaptation, net = objective(), restorer()
    draws = drawn(adaptation)
    first, again = (
        adaptation(net, batch(), 1, torch.Generator().manual_seed(seed), draws)[0]
        for seed in (1, 2)
    )
    assert torch.equal(first, again)


def test_shuffling_gives_on_average_the_mean_of_both_orders():
    parts = Parts(contrast=None, paired=None, weight=Constant(1.0))
    adaptation, net = objective(parts), restorer()
    draws, losses = drawn(adaptation), {}
    for order in product([0.0, 0.9], repeat=3):
        turned = draws._replace(order=torch.tensor(order))
        losses[order] = adaptation(net, batch(), 0, draws=turned)[0].item()
    both = (losses[(0.0,) * 3] + losses[(0.9,) * 3]) / 2
    assert sum(losses.values()) / len(losses) == pytest.approx(both, rel=1e-5)
    assert len({round(loss, 6) for loss in losses.values()}) == len(losses)


@torch.no_grad()
def test_shuffling_swaps_each_pair_by_itself_half_of_the_time():
    synthetic, real = torch.zeros(4000, 1, 1, 1), torch.ones(4000, 1, 1, 1)
    order = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    first, second = shuffled(synthetic, real, order).flatten(1).unbind(1)
    assert torch.equal(first + second, torch.ones(4000))
    assert abs(first.mean() - 0.5) < 4 * 0.5 / 4000**0.5
    assert torch.equal(first.bool(), order >= 0.5)


def parts_left_out() -> list[tuple[Parts, Parts]]:
    one = Parts(weight=Constant(1.0))
    return [
        (replace(one, arrange=in_order), one),
        (replace(one, weight=Constant(0.0)), one),
        (replace(one, contrast=None), one),
        (replace(one, paired=None), one),
    ]


@pytest.mark.parametrize(
    ("without", "whole"), parts_left_out(), ids=["shuffle", "weight", "contrast", "paired"]
)
def test_a_part_left_out_leaves_the_rest_as_it_is(without, whole):
    net, given = restorer(), batch()
    plain, full = objective(without), objective(whole)
    draws = drawn(full)
    loss, logs = plain(net, given, 0, draws=draws)
    if without.arrange is in_order:
        draws = draws._replace(order=torch.zeros(3), swapped_order=torch.zeros(3))
    expected, parts = full(net, given, 0, draws=draws)
    if without.contrast is None:
        expected = parts["paired"] + parts["error"]
    elif without.paired is None:
        expected = expected - parts["paired"]
    elif without.weight(0) == 0:
        expected, _ = PairedOnly()(net, given)
    torch.testing.assert_close(loss, expected)
    shared = (logs.keys() & parts.keys()) - {"loss", "noise", "paired", "weight"}
    assert shared and all(logs[key] == parts[key] for key in shared)


def test_levels_at_the_steps_equal_draws_at_the_steps():
    net, whole = restorer(), objective()
    torch.manual_seed(3)
    steps = NoiseSpaceAdaptation(TinyCritic(), ScheduleConfig(between=False).build())
    draws = drawn(whole)
    expected, _ = whole(net, batch(), 9, draws=draws._replace(between=torch.ones(3)))
    loss, _ = steps(net, batch(), 9, draws=draws)
    torch.testing.assert_close(loss, expected)
    assert loss != whole(net, batch(), 9, draws=draws)[0]


@pytest.mark.parametrize(("arrange", "without"), [(only_real, "noisy"), (only_synthetic, "real")])
def test_one_condition_alone_hears_of_one_picture(arrange, without):
    parts = Parts(paired=None, weight=Constant(1.0), arrange=arrange, contrast=None)
    given = Batch(*(x.clone().requires_grad_() for x in batch()))
    objective(parts, planes=6)(restorer(), given, 0)[0].backward()
    heard = {name for name in ("noisy", "real") if getattr(given, name).grad is not None}
    assert {name for name in heard if getattr(given, name).grad.any()} == {"noisy", "real"} - {
        without
    }


def test_the_triplet_asks_for_a_margin():
    contrast = ResidualSwap(0.1)
    good, bad = torch.tensor(1.0), torch.tensor(1.5)
    assert contrast(good, bad) == 0
    assert contrast(bad, good).item() == pytest.approx(0.6)
    assert contrast(good, good).item() == pytest.approx(0.1)


def test_swapped_residuals_are_each_others():
    pictures = torch.rand(4, 2, 3, 4, 4)
    one, other = Restoration(pictures[0], pictures[1]), Restoration(pictures[2], pictures[3])
    torch.testing.assert_close(one.swapped(one), one.restored)
    both = one.swapped(other) + other.swapped(one)
    torch.testing.assert_close(both, one.restored + other.restored)


def test_equal_residuals_leave_nothing_to_contrast():
    adaptation = objective(Parts(arrange=in_order))
    _, logs = adaptation(lambda picture: picture + 0.3, batch(), 1)
    torch.testing.assert_close(logs["error"], logs["swapped_error"])
    assert logs["triplet"].item() == pytest.approx(0.1, abs=1e-5)


def test_the_extension_diffuses_the_unpaired_picture():
    adaptation, net = with_unpaired_clean(TinyCritic(), SCHEDULE), restorer()
    draws = drawn(adaptation)
    loss, _ = adaptation(net, batch(), 9, draws=draws)
    other, _ = adaptation(net, batch()._replace(unpaired=batch().clean), 9, draws=draws)
    assert loss != other
    with pytest.raises(ValueError, match="^batch has no unpaired clean pictures"):
        adaptation(net, batch()._replace(unpaired=None), 9)


def test_mosaics_and_pictures_of_other_channels_serve_as_planes():
    torch.manual_seed(0)
    planes = torch.rand(5, 2, 4, 8, 8, requires_grad=True)
    adaptation = NoiseSpaceAdaptation(TinyCritic(4 + 2 * 4, 4), SCHEDULE)
    raw, _ = adaptation.noise_loss(
        Restoration(planes[0], planes[1]), Restoration(planes[2], planes[3]), planes[4].detach()
    )
    adaptation = NoiseSpaceAdaptation(TinyCritic(3 + 2 * 4), SCHEDULE)
    mixed, _ = adaptation.noise_loss(
        Restoration(planes[0], planes[1]), Restoration(planes[2], planes[3]), batch(2).clean
    )
    (raw + mixed).backward()
    assert planes.grad is not None and planes.grad[1].any() and planes.grad[3].any()


@pytest.mark.parametrize("name", ["real", "clean"])
def test_pictures_of_other_sizes_are_refused(name):
    smaller = batch()._replace(**{name: torch.rand(3, 3, 4, 8)})
    said = "real" if name == "real" else "diffused"
    expected = rf"^{said} pictures are .* \(3, 4, 8\); expected \(3, 8, 8\), as the synthetic"
    with pytest.raises(ValueError, match=expected):
        objective()(restorer(), smaller, 1)


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    critic, net, given = (
        Critic(CriticConfig(width=32, multipliers=(1,), blocks=1, dropout=0)),
        restorer(),
        batch(),
    )
    adaptation = with_residual_swap(critic, SCHEDULE)
    draws = drawn(adaptation)
    optimizer = torch.optim.Adam([*net.parameters(), *adaptation.parameters()], 2e-3)
    losses = []
    for _ in range(30):
        loss, _ = adaptation(net, given, 300, draws=draws)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
