import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pellucid.critic import Critic, CriticConfig, from_published, to_published
from pellucid.errors import NetworkError

GOLDEN = Path(__file__).parent / "golden" / "noiseda"
LAYOUT: dict[str, list[int]] = json.loads((GOLDEN / "critic_layout.json").read_text())
TINY = CriticConfig(
    width=32, multipliers=(1, 2), attention=(1,), blocks=1, head_width=16, dropout=0
)


def tiny_net(config: CriticConfig = TINY) -> Critic:
    torch.manual_seed(0)
    return Critic(config).eval()


def pictures(batch: int = 2, side: int = 8, config: CriticConfig = TINY) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = [(batch, channels, side, side) for channels in (config.channels, config.conditions)]
    return [
        *(torch.rand(shape, generator=generator) for shape in shapes),
        torch.linspace(0.1, 0.9, batch),
    ]


def golden_weights(config: CriticConfig, seed: int) -> dict[str, torch.Tensor]:
    """What was drawn for the golden result, tensor after tensor in the published order."""
    generator, weights = torch.Generator().manual_seed(seed), {}
    for key, value in to_published(tiny_net(config).state_dict(), config).items():
        drawn = torch.randn(value.shape, generator=generator)
        if key.endswith("bias"):
            drawn = 0.05 * drawn
        elif drawn.ndim == 1:
            drawn = 1 + 0.1 * drawn
        else:
            drawn = drawn / drawn[0].numel() ** 0.5
        weights[key] = drawn.half().float()
    return weights


@torch.no_grad()
def test_published_weights_give_the_published_result():
    weights, net = golden_weights(TINY, 7), tiny_net()
    total = torch.stack([value.double().abs().sum() for value in weights.values()]).sum()
    assert total.item() == pytest.approx(40419.7519, rel=1e-7), (
        "torch draws other numbers than when the golden result was made"
    )
    net.load_state_dict(from_published(weights, TINY))
    planes = torch.from_numpy(np.random.RandomState(1).randn(2, 9, 32, 32)).float()
    noise = net(planes[:, :3], planes[:, 3:], torch.tensor([0.9, 0.2]))
    golden = load_file(GOLDEN / "critic.safetensors")["critic_out"]
    torch.testing.assert_close(noise, golden, atol=1e-4, rtol=0)


def test_has_the_published_layout():
    with torch.device("meta"):
        net = Critic(CriticConfig())
    published = to_published(net.state_dict(), CriticConfig())
    assert {key: list(value.shape) for key, value in published.items()} == LAYOUT
    assert sum(parameter.numel() for parameter in net.parameters()) == 62_643_075
    assert from_published(published, CriticConfig()).keys() == net.state_dict().keys()


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        CriticConfig.small(),
        CriticConfig(width=32, multipliers=(1, 2, 3), attention=(0, 1), blocks=2),
    ],
    ids=["tiny", "small", "attention at two"],
)
def test_published_names_and_back(config):
    state = tiny_net(config).state_dict()
    back = from_published(to_published(state, config), config)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_names_of_another_critic_are_refused():
    published = to_published(tiny_net().state_dict(), TINY)
    with pytest.raises(NetworkError, match=r"^input_blocks\.3\.1\.norm\.weight is no part of"):
        from_published(published, replace(TINY, attention=()))


def test_the_small_one_is_small():
    net = tiny_net(CriticConfig.small())
    assert 1e6 < sum(parameter.numel() for parameter in net.parameters()) <= 3e6


@pytest.mark.parametrize(
    "config",
    [
        TINY,
        replace(TINY, shuffle=2),
        CriticConfig.small(4, 8),
        CriticConfig.small(12, 4),
    ],
    ids=["tiny", "shuffled", "mosaics", "other conditions"],
)
@torch.no_grad()
def test_gives_planes_like_the_noisy_ones(config):
    noisy, conditions, level = pictures(3, 16, config)
    noise = tiny_net(config)(noisy, conditions, level)
    assert noise.shape == noisy.shape and noise.isfinite().all()


@pytest.mark.parametrize("shuffle", [1, 2])
def test_other_sides_than_multiples_of_the_stride_are_refused(shuffle):
    net = tiny_net(replace(TINY, shuffle=shuffle))
    assert net.stride == 2 * shuffle
    side = 3 * net.stride + 1
    with pytest.raises(NetworkError, match=f"{side}x{side} pixels.* multiples of {net.stride}$"):
        net(*pictures(1, side))


@torch.no_grad()
def test_batch_equals_singles():
    net, given = tiny_net(), pictures(3)
    singles = torch.cat([net(*(x[i : i + 1] for x in given)) for i in range(3)])
    torch.testing.assert_close(net(*given), singles, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_single_precision_is_near_double_where_means_are_large():
    net, (noisy, conditions, level) = tiny_net(), pictures(side=16)
    net.net.conv_in.bias.fill_(50)
    single = net(noisy, conditions, level)
    double = net.double()(noisy.double(), conditions.double(), level.double())
    torch.testing.assert_close(single.double(), double, atol=1e-3, rtol=0)


@torch.no_grad()
def test_sees_all_conditions_and_the_level():
    net, (noisy, conditions, level) = tiny_net(), pictures()
    noise = net(noisy, conditions, level)
    for channel in range(conditions.shape[1]):
        other = conditions.clone()
        other[:, channel] += 0.1
        assert (net(noisy, other, level) - noise).abs().amax() > 1e-4
    assert (net(noisy, conditions, level / 2) - noise).abs().amax() > 1e-4


@pytest.mark.parametrize(("start", "times_fan_in"), [("published", 2), ("torch", 1 / 3)])
def test_fresh_weights_are_drawn_as_asked(start, times_fan_in):
    net = tiny_net(CriticConfig(width=64, multipliers=(1, 2), blocks=1, start=start))
    for name, weight in net.named_parameters():
        if name.endswith("bias"):
            assert start == "torch" or not weight.any()
        elif weight.ndim > 1 and weight.numel() > 1000:
            expected = (times_fan_in / weight[0].numel()) ** 0.5
            assert weight.std().item() == pytest.approx(expected, rel=0.1)


def test_checkpointing_gives_the_same_gradient():
    gradients = []
    for checkpointing in (False, True):
        net = tiny_net(replace(TINY, checkpointing=checkpointing)).train()
        noisy, conditions, level = pictures()
        conditions.requires_grad_()
        net(noisy, conditions, level).square().mean().backward()
        gradients.append(conditions.grad)
    torch.testing.assert_close(*gradients)


def test_learns_to_tell_noise_with_the_truth_as_condition():
    net = tiny_net(CriticConfig(3, 3, 32, (1,), blocks=1, dropout=0.0)).train()
    clean, noise = torch.rand(2, 4, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    noisy, level = (clean + noise) / 2**0.5, torch.full((4,), 0.5)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        loss = (net(noisy, clean, level) - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_restoring_imports_no_diffusion():
    code = """
import sys
import pellucid, pellucid.restore, pellucid.cli.restore, pellucid.objectives
found = {name.split(".")[0] for name in sys.modules} & {"diffusers"}
found |= sys.modules.keys() & {"pellucid.critic", "pellucid.diffusion"}
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)
