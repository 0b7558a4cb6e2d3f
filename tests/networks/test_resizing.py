from dataclasses import replace

import pytest
import torch

from pellucid.networks import DualDomainConfig, UNetConfig
from pellucid.networks.backbones import Residual
from pellucid.networks.resizing import resize, without_widths

TINY = UNetConfig(shuffle=2, widths=(6, 8, 10), leak=0.1)


def residual(config: UNetConfig) -> Residual:
    return Residual(config, 3, told=True, zero_last=False).eval()


def resized(trained: Residual, config: UNetConfig) -> Residual:
    fresh = residual(config)
    resize(trained, fresh)
    return fresh


@pytest.mark.parametrize("widths", [(6, 8, 10), (9, 8, 10), (6, 11, 10), (6, 8, 11), (12, 16, 20)])
@pytest.mark.parametrize("convolutions", [1, 2, 3])
@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_wider_it_does_what_it_did(widths, convolutions, bias):
    config = replace(TINY, convolutions=convolutions, bias=bias)
    trained = residual(config)
    wide = resized(trained, replace(config, widths=widths))
    picture, std = torch.rand(1, 3, 40, 24), torch.rand(1, 3, 40, 24)
    torch.testing.assert_close(wide(picture, std), trained(picture, std))


def test_added_features_learn():
    wide = resized(residual(TINY), replace(TINY, widths=(9, 12, 15)))
    wide(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)).square().sum().backward()
    gradient = wide.body.head.weight.grad
    assert gradient is not None and (gradient[:, 6:].flatten(2).abs().sum((0, 2)) > 0).all()


@torch.no_grad()
def test_what_weighs_nothing_goes_first():
    trained = residual(TINY)
    body = trained.body
    body.downs[1].weight[3] = 0
    body.ups[1].weight[5] = 0
    body.encoders[2][0].weight[1] = 0
    narrow = resized(trained, replace(TINY, widths=(6, 8, 9)))
    picture, std = torch.rand(1, 3, 40, 24), torch.rand(1, 3, 40, 24)
    torch.testing.assert_close(narrow(picture, std), trained(picture, std))
    assert narrow.body.ups[1].weight.shape[0] == 9


def test_what_two_networks_must_share():
    config = DualDomainConfig(raw=TINY)
    assert without_widths(config) == without_widths(
        replace(config, raw=replace(TINY, widths=(1, 2, 3)))
    )
    for other in (replace(TINY, widths=(6, 8)), replace(TINY, leak=0.0)):
        assert without_widths(config) != without_widths(replace(config, raw=other))
