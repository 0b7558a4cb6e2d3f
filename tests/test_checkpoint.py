import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pellucid import DualDomainConfig, FileError, ISPConfig, UNetConfig, load_network
from pellucid.checkpoint import read_checkpoint, save_network
from pellucid.models import SHIPPED, weights_of
from pellucid.networks import PictureConfig
from pellucid.networks.swinir import SwinIRConfig

RAW, SRGB = UNetConfig(widths=(4, 8)), UNetConfig(shuffle=2, widths=(6, 4))


@pytest.mark.parametrize(
    "config",
    [
        DualDomainConfig(RAW, SRGB),
        DualDomainConfig(RAW, None, ISPConfig.dualdn(), "published"),
        DualDomainConfig(None, SRGB),
    ],
)
def test_a_network_comes_back_as_it_was_written(config, tmp_path):
    net = config.build()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    save_network(net, config, tmp_path / "net.safetensors", steps="3")
    loaded = load_network(tmp_path / "net.safetensors")
    assert not loaded.training
    assert (loaded.isp, loaded.noise_map) == (config.isp, config.noise_map)
    assert loaded.state_dict().keys() == net.state_dict().keys()
    for name, tensor in net.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().float())


def test_files_that_hold_no_network_are_refused(tmp_path):
    text, other = tmp_path / "text.safetensors", tmp_path / "other.safetensors"
    text.write_text("not weights")
    save_file({"w": torch.ones(2)}, other, {"format": "pellucid/1"})
    with pytest.raises(FileError, match="not a safetensors file"):
        load_network(text)
    with pytest.raises(FileError, match="format is pellucid/1; expected pellucid/2"):
        load_network(other)
    with pytest.raises(FileError, match="no such file"):
        load_network(tmp_path / "missing.safetensors")


@pytest.mark.parametrize("full", [False, True])
def test_a_network_of_pictures_comes_back_as_it_was_written(full, tmp_path):
    body = SwinIRConfig(width=6, depths=(1, 2), heads=2, window=3, mean=(0.1, 0.2, 0.3))
    config = PictureConfig(body, "signed", skips=2)
    net = config.build()
    save_network(net, config, tmp_path / "net.safetensors", full, steps="3")
    found = read_checkpoint(tmp_path / "net.safetensors")
    assert found.config == config and found.facts == {"steps": "3"} and not found.net.training
    assert (found.net.value_range, found.net.skips) == ("signed", 2)
    for name, tensor in net.state_dict().items():
        expected = tensor if full else tensor.half().float()
        assert torch.equal(found.net.state_dict()[name], expected)


IN_NOTICE = {
    "Creative Commons Attribution 4.0": "CC-BY-4.0",
    "Creative Commons Attribution-ShareAlike 3.0": "CC-BY-SA-3.0",
    "Creative Commons Attribution-ShareAlike 4.0": "CC-BY-SA-4.0",
    "GNU General Public License, version 2 or later": "GPL-2.0-or-later",
    "GNU Lesser General Public License, version 3": "LGPL-3.0",
}


def photographs_in_notice():
    """How many photographs NOTICE names under each licence."""
    found, licence = {}, ""
    notice = (Path(__file__).parents[1] / "NOTICE").read_text(encoding="utf-8")
    for line in notice.split("behind the weights\n")[1].split("Colour matrices\n")[0].splitlines():
        licence = next((name for words, name in IN_NOTICE.items() if words in line), licence)
        if line.startswith("  ") and ".jpg  " in line:
            found[licence] = found.get(licence, 0) + 1
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_say_the_licences_in_notice_and_no_path_of_ours(name):
    with weights_of(name) as path:
        facts = read_checkpoint(path).facts
    said = [facts, *([json.loads(facts["start"])] if "start" in facts else [])]
    assert all(json.loads(one["licences"]) == photographs_in_notice() for one in said)
    assert not any(words in str(facts) for words in ("not stated", "/work", "/home", "/root"))
