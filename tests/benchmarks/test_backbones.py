from dataclasses import replace

import backbones
import pytest
import torch
from torch import nn

from pellucid.networks.backbones import BACKBONES
from pellucid.networks.swinir import SwinIRConfig


def test_every_backbone_is_measured_at_two_sizes():
    kinds = {config.kind for pair in backbones.PICTURE.values() for config in pair}
    assert kinds == BACKBONES.keys()
    assert len(backbones.keys()) == len(set(backbones.keys())) == 24


def test_the_obvious_restormer_gives_the_same_picture():
    """And is another program."""
    found = backbones.compare(side=32, repeats=1, width=8)
    assert 0 < found["difference"] < 1e-4 and found["ratio"] > 0


def test_a_difference_would_be_found(monkeypatch):
    monkeypatch.setattr(backbones.PlainNorm, "forward", lambda self, x: x * self.weight[0])
    with pytest.raises(SystemExit, match="ours and plain differ by"):
        backbones.compare(side=32, repeats=1, width=8)


def test_what_a_network_costs(monkeypatch):
    dncnn = replace(backbones.PICTURE["DnCNN"][0], width=8, layers=3)
    monkeypatch.setitem(backbones.PICTURE, "DnCNN", (dncnn, dncnn))
    row = backbones.measure("picture", "DnCNN", 0, side=40, repeats=2)
    weights = 9 * (3 * 8 + 8 * 8 + 8 * 3)
    assert row["gigamacs_per_megapixel"] == pytest.approx(weights / 1e3, abs=0.05)
    assert row["parameters"] == weights + 2 * 8  # batch norm
    assert row["fastest"] <= row["seconds_per_megapixel"] <= row["slowest"]


def test_attention_in_windows_is_counted(monkeypatch):
    def gigamacs(depths):
        net = SwinIRConfig(width=12, depths=depths, heads=2, window=4)
        monkeypatch.setitem(backbones.PICTURE, "SwinIR", (net, net))
        return backbones.measure("picture", "SwinIR", 0, 40, 1)["gigamacs_per_megapixel"]

    # Queries, keys, values, projection and perceptron; each pixel with the 16 of its window, twice.
    block = 12 * 12 * (3 + 1 + 4) + 2 * 16 * 12
    assert gigamacs((2,)) - gigamacs((1,)) == pytest.approx(block / 1e3, abs=0.11)


@pytest.mark.parametrize("name", backbones.DUAL)
def test_the_dual_networks_run(name):
    net, run = backbones.call_of("dual", backbones.DUAL[name][1])
    assert isinstance(net, nn.Module)
    with torch.no_grad():
        assert run(16).shape == (1, 3, 16, 16)


def test_rows_are_kept_and_become_the_table_of_the_page(tmp_path, monkeypatch):
    calls = []

    def child(words, threads):
        calls.append(words)
        if words[0] == "compare":
            seconds = {"ours": [1.0, 2.0, 3.0], "plain": [4.0, 5.0, 6.0]}
            return {"side": 256, "difference": 1e-6, "seconds": seconds, "ratio": 2.5}
        setting, name, which, *_ = words
        numbers = {"parameters": 1234, "gigamacs_per_megapixel": 5.0, "width": 8}
        numbers |= {"seconds_per_megapixel": 0.5, "mib_per_megapixel": 70}
        size = ("published", "small")[int(which)]
        return {"setting": setting, "network": name, "size": size, **numbers}

    monkeypatch.setattr(backbones, "child", child)
    path, page = tmp_path / "rows.json", tmp_path / "page.md"
    page.write_text(f"before\n{backbones.BEGIN}\nold\n{backbones.END}\nafter\n")
    for _ in range(2):
        table = backbones.markdown(backbones.collect(path, 256, 2, 5))
    assert len(calls) == 25  # nothing twice
    backbones.write_docs(page, table)
    assert page.read_text().startswith("before\n") and page.read_text().endswith("after\n")
    assert "| dual | SwinIR (small) | 8 | 1,234 | 5 G | 0.5 | 70 |" in page.read_text()
    assert "2.5 times as fast" in page.read_text() and "old" not in page.read_text()
