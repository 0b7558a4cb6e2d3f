from typing import cast

import torch

from pellucid.adapt.judge import Bench, Judge
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.picture import PictureConfig


def test_the_averaged_network_has_the_statistics_of_the_batches_that_were_seen(tmp_path):
    net = PictureConfig(DnCNNConfig(width=4, layers=4)).build()
    judge = Judge(cast(Bench, None), tmp_path, 1, 1, net)
    net.train()
    for step in range(3):
        net(3 + torch.randn(2, 3, 16, 16))
        judge.average(net, step)
    ours, theirs = dict(judge.averaged.named_buffers()), dict(net.named_buffers())
    assert any("running_var" in name for name in ours)
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name])
    assert not judge.averaged.training
