from dataclasses import replace

import pytest
import torch

from pellucid import Camera, DualDomainConfig, Noise, Rendering, UNetConfig
from pellucid.networks.backbones import BACKBONES, Residual
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.mirnet_v2 import MIRNetV2Config
from pellucid.networks.nafnet import NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.restormer import RestormerConfig
from pellucid.networks.swinir import SwinIRConfig
from pellucid.networks.uformer import UformerConfig
from pellucid.noise import add_noise
from pellucid.objectives.losses import l1

TINY = {
    "unet": UNetConfig(widths=(8, 8)),
    "restormer": RestormerConfig(width=8, blocks=(1, 1, 1, 1), refinement=1, heads=(1, 1, 2, 2)),
    "swinir": SwinIRConfig(width=12, depths=(2,), heads=2, window=4),
    "mirnet_v2": MIRNetV2Config(width=16, groups=(1,), blocks=1),
    "nafnet": NAFNetConfig(width=8, encoders=(1, 1), middle=1, decoders=(1, 1)),
    "uformer": UformerConfig(width=4, depths=(1,) * 9, heads=(1,) * 9, window=4),
    "dncnn": DnCNNConfig(width=8, layers=4),
    "noiseda_unet": NoiseDAUNetConfig(width=8, depth=2),
}
WITHOUT_EMBEDDING = {
    kind: replace(TINY[kind], embed=False) for kind in ("restormer", "swinir", "mirnet_v2")
}


def test_every_backbone_is_tried_here():
    assert TINY.keys() == BACKBONES.keys()
    assert all(type(TINY[kind]) is config for kind, config in BACKBONES.items())
    assert all(config().kind == kind for kind, config in BACKBONES.items())


@pytest.mark.parametrize("config", [*TINY.values(), *WITHOUT_EMBEDDING.values()], ids=str)
@pytest.mark.parametrize("told", [True, False])
def test_starts_as_the_identity_and_can_leave_it(config, told):
    torch.manual_seed(0)
    net = Residual(config, 3, told)
    picture = torch.rand(2, 3, 13, 18)
    std = torch.full_like(picture, 0.1) if told else None
    restored = net(picture, std)
    assert torch.equal(restored, picture)
    restored.square().mean().backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in net.parameters())


@pytest.mark.parametrize("kind", TINY)
def test_two_hundred_steps_of_the_dual_network_lower_the_loss(kind):
    """At a tiny size, on two patches: the backbone learns in both domains through the ISP."""
    torch.manual_seed(0)
    net = DualDomainConfig(TINY[kind], TINY[kind]).build()
    camera = Camera.of(torch.eye(3).expand(2, 3, 3), torch.tensor([[2.0, 1.0, 1.5]] * 2))
    rendering = Rendering(torch.ones(2), torch.full((2,), 0.5))
    generator = torch.Generator().manual_seed(0)
    clean = 0.4 * torch.rand(2, 1, 4, 4, generator=generator).repeat_interleave(4, 2)
    clean = clean.repeat_interleave(4, 3)
    noise = Noise(torch.full((2,), 5e-3), torch.full((2,), 1e-5))
    noisy = add_noise(clean, noise, generator=generator)
    truth = net.develop(clean, camera, rendering)
    optimizer, losses = torch.optim.AdamW(net.parameters(), 4e-3), []
    for _ in range(200):
        restored = net(noisy, camera, noise, rendering)
        loss = l1(restored.mosaic, clean) + l1(restored.srgb, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < 0.75 * losses[0]
