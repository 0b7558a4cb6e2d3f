"""A training step of DualDn with Restormer is the published program's."""

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from pellucid import Camera, DualDomainConfig, ISPConfig, Noise, Rendering
from pellucid.data.synthesis import Sample
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.networks.restormer import RestormerConfig
from pellucid.objectives.supervised import Supervised

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
BODY = RestormerConfig(width=8, blocks=(2, 3, 3, 4), refinement=2, embed=False)
CONFIG = DualDomainConfig(
    BODY, BODY, ISPConfig.dualdn(), True, "published", False, noise_floor=1e-7, clip_black=True
)
NAMES = (("body.", "backbone{}."), ("head.", "conv_out{}."), ("fuse.", "nm_fuse{}.conv_out."))


def published_name(name: str) -> str:
    """What the published program calls one of our parameters."""
    domain, _, rest = name.partition(".")
    number = {"raw_net": 1, "srgb_net": 2}[domain]
    ours, theirs = next(pair for pair in NAMES if rest.startswith(pair[0]))
    return theirs.format(number) + rest.removeprefix(ours)


@cache
def arrays() -> dict[str, Tensor]:
    return load_file(GOLDEN / "dualdn_restormer_training.safetensors")


@cache
def published() -> dict:
    return json.loads((GOLDEN / "dualdn_restormer_training.json").read_text())


def published_net() -> DualDomainNet:
    net = CONFIG.build()
    names = {name: published_name(name) for name in net.state_dict()}
    net.load_state_dict({ours: arrays()[theirs].float() for ours, theirs in names.items()})
    return net


def published_batch() -> Sample:
    given = {key.removeprefix("in."): value for key, value in arrays().items() if key[:3] == "in."}
    gains = given["wb_matrix"].reshape(2, 4)[:, [0, 1, 3, 2]]  # theirs are R, G1, B, G2
    camera = Camera(
        gains / gains.amin(-1, keepdim=True),
        torch.full((2, 3, 3), torch.nan),  # not used
        torch.inverse(given["rgb_xyz_matrix"][:, 0]),
    )
    noise = Noise(given["k"].flatten(), given["sigma"].flatten())
    rendering = Rendering(torch.ones(2), given["alpha"].flatten())
    unused = given["clean_raw"].expand(-1, 3, -1, -1)
    return Sample(given["raw"], given["clean_raw"], camera, noise, rendering, unused)


def test_losses_gradients_and_the_step_are_the_published_ones():
    net = published_net()
    loss, logs = Supervised("l1")(net, published_batch())
    assert logs["raw"].item() == pytest.approx(published()["loss_raw"], abs=1e-5)
    assert logs["srgb"].item() == pytest.approx(published()["loss_srgb"], abs=1e-5)

    loss.backward()
    weights = {published_name(name): weight for name, weight in net.named_parameters()}
    # The program has two layers more that it never uses.
    assert published()["grad_norms"].keys() == weights.keys()
    for name, norm in published()["grad_norms"].items():
        assert weights[name].grad.norm().item() == pytest.approx(norm, rel=1e-3), name
    total = clip_grad_norm_(net.parameters(), 0.01).item()
    assert total == pytest.approx(published()["grad_total_norm"], rel=1e-3)

    before = {name: weight.detach().clone() for name, weight in weights.items()}
    AdamW(net.parameters(), 1e-4, weight_decay=0.01).step()
    assert all(not torch.equal(before[name], weight) for name, weight in weights.items())
    for name, weight in weights.items():
        total, squares = published()["after_step"][name]
        moved = weight.detach().double()
        # Each entry moves by up to 1e-4.
        assert moved.sum().item() == pytest.approx(total, abs=1e-5), name
        assert moved.square().sum().item() == pytest.approx(squares, rel=1e-5), name
