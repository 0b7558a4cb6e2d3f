"""What every backbone costs, and whether our Restormer is faster than one written without care.

    python benchmarks/backbones.py --json benchmarks/results/backbones.json --docs docs/backbones.md

Parameters, multiply-adds, seconds and memory a megapixel, each network in a process of its own: at
its published width and at a small one, as a restorer of pictures (3 planes in and out) and inside
the dual-domain network. Memory is what the resident peak rises by during a call (Linux only). A row
that the JSON file holds is not measured again; with all rows there, `--docs` just writes the table.

Last, the DualDn network with Restormer at its published width beside `plain`, the same weights in
the obvious form: NCHW, layer norm on (B, H W, C) and back, attention as the paper writes it. Both
are shown to agree, then take turns.
"""

import argparse
import copy
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from pellucid import Camera, DualDomainConfig, ISPConfig, Noise, UNetConfig
from pellucid.cli import exit_with
from pellucid.networks.backbones import BackboneConfig, Residual
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.networks.mirnet_v2 import MIRNetV2Config
from pellucid.networks.nafnet import NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.restormer import Block, ChannelAttention, Restormer, RestormerConfig
from pellucid.networks.swinir import SwinIRConfig
from pellucid.networks.uformer import UformerConfig

RESTORMER = RestormerConfig(width=64, blocks=(2, 3, 3, 4), refinement=2, embed=False)
SWINIR = SwinIRConfig(width=60, depths=(6, 6, 6), embed=False)
MIRNET = MIRNetV2Config(width=64, blocks=1, embed=False)
OURS = UNetConfig(widths=(48, 64, 96, 128))

# The larger of each pair is the published one.
PICTURE: dict[str, tuple[BackboneConfig, BackboneConfig]] = {
    "Restormer": (RestormerConfig(), RestormerConfig(width=16)),
    "SwinIR": (SwinIRConfig(), SwinIRConfig(width=60)),
    "MIRNet-v2": (MIRNetV2Config(), MIRNetV2Config(width=32)),
    "NAFNet": (NAFNetConfig(), NAFNetConfig(width=16)),
    "Uformer": (UformerConfig(), UformerConfig(width=16)),
    "DnCNN": (DnCNNConfig(), DnCNNConfig(width=32)),
    "Noise-DA's U-Net": (NoiseDAUNetConfig(), NoiseDAUNetConfig(width=32)),
    "our U-Net": (replace(OURS, shuffle=2), UNetConfig(shuffle=2, widths=(24, 48, 72, 96))),
}
DUAL: dict[str, tuple[BackboneConfig, BackboneConfig]] = {
    "Restormer": (RESTORMER, replace(RESTORMER, width=16)),
    "SwinIR": (SWINIR, replace(SWINIR, width=24)),
    "MIRNet-v2": (MIRNET, replace(MIRNET, width=16)),
    "our U-Net": (OURS, UNetConfig(widths=(24, 48, 72, 96))),
}
BEGIN, END = "<!-- begin benchmarks/backbones.py -->", "<!-- end -->"
Row = dict[str, Any]

UNCOUNTED = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda query, key, value, *_, **__: sdpa_flop_count(query, key, value)
    )
}
"""What PyTorch's counter leaves out on processors."""


def keys() -> list[tuple[str, str, int]]:
    """Setting, network and which of its two sizes of every row."""
    settings = (("picture", PICTURE), ("dual", DUAL))
    return [(setting, name, n) for setting, nets in settings for name in nets for n in (0, 1)]


# -- what is measured ------------------------------------------------------------------------------


def dual(config: BackboneConfig) -> DualDomainConfig:
    """A dual-domain network as DualDn has it, or ours."""
    if isinstance(config, UNetConfig):
        return DualDomainConfig(config, replace(config, shuffle=2))
    return DualDomainConfig(
        config, config, ISPConfig.dualdn(), noise_map="published", unclip=False, noise_floor=1e-7
    )


def call_of(setting: str, config: BackboneConfig) -> tuple[nn.Module, Callable[[int], Tensor]]:
    """A network, and what runs it on a square of some side."""
    torch.manual_seed(0)
    if setting == "picture":
        net = Residual(config, 3, told=False).eval()
        return net, lambda side: net(torch.rand(1, 3, side, side))
    both = dual(config).build().eval()
    return both, lambda side: restore(both, torch.rand(1, 1, side, side))


def restore(net: DualDomainNet, mosaic: Tensor) -> Tensor:
    """A picture out of a dual-domain network."""
    matrix = torch.tensor([[0.65, -0.12, -0.09], [-0.38, 1.16, 0.25], [-0.04, 0.15, 0.6]])
    camera = Camera.of(matrix[None], torch.tensor([[2.0, 1.0, 1.5]]))
    return net(mosaic, camera, Noise(torch.tensor([1e-2]), torch.tensor([1e-4]))).srgb


def measure(setting: str, name: str, which: int, side: int, repeats: int) -> Row:
    """The figures of one network, in this process."""
    config = {"picture": PICTURE, "dual": DUAL}[setting][name][which]
    net, run = call_of(setting, config)
    megapixels = side**2 / 1e6
    seconds, rise = timed(run, side, repeats)
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=UNCOUNTED) as counter:
        run(side)
    width = config.widths[0] if isinstance(config, UNetConfig) else config.width
    return {
        "setting": setting,
        "network": name,
        "size": ("published", "small")[which],
        "width": width,
        "parameters": sum(weight.numel() for weight in net.parameters()),
        "gigamacs_per_megapixel": round(counter.get_total_flops() / 2e9 / megapixels, 1),
        "seconds_per_megapixel": round(statistics.median(seconds) / megapixels, 3),
        "fastest": round(min(seconds) / megapixels, 3),
        "slowest": round(max(seconds) / megapixels, 3),
        "mib_per_megapixel": round(rise / megapixels),
    }


@torch.inference_mode()
def timed(run: Callable[[int], Tensor], side: int, repeats: int) -> tuple[list[float], float]:
    """Seconds of each call, and by how many MiB a call before them raises the resident peak."""
    run(32)  # loads kernels and starts threads
    # ru_maxrss would count the imports; Linux can forget its peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_mib()
    run(side)
    rise, seconds = peak_mib() - before, list[float]()
    for _ in range(repeats):
        start = time.perf_counter()
        run(side)
        seconds.append(time.perf_counter() - start)
    return seconds, rise


def peak_mib() -> float:
    """Highest resident size of this process since the peak was last forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# -- the obvious Restormer -------------------------------------------------------------------------


class PlainNorm(nn.Module):
    """The norm without biases, on (B, H W, C)."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, C, H, W), normalised."""
        height, width = x.shape[-2:]
        tokens = x.flatten(2).transpose(1, 2)
        variance = tokens.var(-1, keepdim=True, unbiased=False)
        tokens = tokens / torch.sqrt(variance + 1e-5) * self.weight
        return tokens.transpose(1, 2).unflatten(2, (height, width))


class PlainAttention(nn.Module):
    """Attention across channels (Zamir et al. 2022, eq. 1), one step after the other."""

    def __init__(self, ours: ChannelAttention) -> None:
        super().__init__()
        self.temperature = ours.temperature
        self.qkv, self.qkv_dwconv, self.project_out = ours.qkv, ours.qkv_dwconv, ours.project_out

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        heads, size = len(self.temperature), x.shape[-2:]
        query, key, value = (
            y.unflatten(1, (heads, -1)).flatten(-2)
            for y in self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        )
        query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
        attention = (query @ key.transpose(-2, -1) * self.temperature).softmax(-1)
        return self.project_out((attention @ value).flatten(1, 2).unflatten(-1, size))


class PlainRestormer(nn.Module):
    """A Restormer with the weights of ours, its parts in the obvious form."""

    def __init__(self, ours: Restormer) -> None:
        super().__init__()
        self.net = ours
        for block in ours.modules():
            if isinstance(block, Block):
                block.norm1 = PlainNorm(block.norm1.body.weight)
                block.norm2 = PlainNorm(block.norm2.body.weight)
                block.attn = PlainAttention(block.attn)

    def forward(self, x: Tensor) -> Tensor:
        """What is to be added."""
        net = self.net
        one = net.encoder_level1(x)
        two = net.encoder_level2(net.down1_2(one))
        three = net.encoder_level3(net.down2_3(two))
        x = net.up4_3(net.latent(net.down3_4(three)))
        x = net.decoder_level3(net.reduce_chan_level3(torch.cat([x, three], 1)))
        x = net.decoder_level2(net.reduce_chan_level2(torch.cat([net.up3_2(x), two], 1)))
        x = net.decoder_level1(torch.cat([net.up2_1(x), one], 1))
        return net.output(net.refinement(x))


def plain(net: DualDomainNet) -> DualDomainNet:
    """The same weights with plain backbones, in NCHW."""
    other = copy.deepcopy(net).to(memory_format=torch.contiguous_format)
    for domain in (other.raw_net, other.srgb_net):
        domain.body = PlainRestormer(domain.body)
    return other


@torch.inference_mode()
def compare(side: int, repeats: int, width: int = 64) -> Row:
    """Both forms of DualDn with Restormer: their difference, then seconds of calls in turn.

    Raises SystemExit unless the pictures agree to 1e-3 of the largest value, or of 1.
    """
    torch.manual_seed(0)
    ours = dual(replace(RESTORMER, width=width)).build().eval()
    for domain in (ours.raw_net, ours.srgb_net):
        nn.init.normal_(domain.head.weight, std=0.02)  # starts as the identity otherwise
    nets, mosaic = {"ours": ours, "plain": plain(ours)}, torch.rand(1, 1, side, side)
    one, other = (restore(net, mosaic) for net in nets.values())
    difference = ((one - other).abs() / other.abs().clamp(min=1)).max().item()
    if difference > 1e-3:
        raise SystemExit(f"ours and plain differ by {difference:.1e}; expected at most 1e-3")
    seconds: dict[str, list[float]] = {name: [] for name in nets}
    for _ in range(repeats):
        for name, net in nets.items():
            start = time.perf_counter()
            restore(net, mosaic)
            seconds[name].append(round(time.perf_counter() - start, 3))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    ratio = round(medians["plain"] / medians["ours"], 2)
    return {"side": side, "difference": difference, "seconds": seconds, "ratio": ratio}


# -- the account -----------------------------------------------------------------------------------


def child(words: list[str], threads: int) -> Row:
    """What this script measures of something in a fresh process."""
    run = [sys.executable, __file__, "--child", str(threads), *words]
    done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def answer(threads: str, task: str, *words: str) -> None:
    """The fresh process: print what was measured."""
    torch.set_num_threads(int(threads))
    if task == "compare":
        found = compare(*(int(word) for word in words))
    else:
        name, *numbers = words
        found = measure(task, name, *(int(number) for number in numbers))
    print(json.dumps(found))


def markdown(result: Row) -> str:
    """The rows as a table, and the comparison as a sentence."""
    side, threads = result["settings"]["side"], result["settings"]["threads"]
    lines = [
        "| as | network | width | parameters | multiply-adds / MP | s / MP | MiB / MP |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        mark = {"published": "", "small": " (small)"}[row["size"]]
        lines.append(
            f"| {row['setting']} | {row['network']}{mark} | {row['width']} "
            f"| {row['parameters']:,} | {row['gigamacs_per_megapixel']:,.0f} G "
            f"| {row['seconds_per_megapixel']:.1f} | {row['mib_per_megapixel']:,} |"
        )
    lines.append(f"\nOn {side}x{side} pixels with {threads} threads; medians.")
    if found := result.get("restormer"):
        ours, other = (statistics.median(found["seconds"][name]) for name in ("ours", "plain"))
        lines.append(
            f"\nDualDn with Restormer, width 64, {found['side']}x{found['side']}: {ours:.2f} s, "
            f"beside {other:.2f} s of the same weights in the obvious form: {found['ratio']} times "
            f"as fast. The two pictures differ by {found['difference']:.0e} at most."
        )
    return "\n".join(lines) + "\n"


def write_docs(path: Path, table: str) -> None:
    """Put the table between the markers of a page."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{table}{END}{rest.split(END, 1)[1]}")


def collect(path: Path, side: int, threads: int, repeats: int) -> Row:
    """Every row, out of the file or measured and written to it at once."""
    settings = {"side": side, "threads": threads, "repeats": repeats}
    settings |= {"torch": torch.__version__, "machine": platform.machine()}
    known: Row = json.loads(path.read_text()) if path.exists() else {}
    if known.get("settings") != settings:
        known = {"settings": settings, "rows": []}

    def keep() -> None:
        path.write_text(json.dumps(known, indent=1) + "\n")

    for setting, name, which in keys():
        size = ("published", "small")[which]
        there = [(row["setting"], row["network"], row["size"]) for row in known["rows"]]
        if (setting, name, size) not in there:
            words = [setting, name, str(which), str(side), str(repeats)]
            known["rows"].append(child(words, threads))
            print(known["rows"][-1], flush=True)
            keep()
    if "restormer" not in known:
        known["restormer"] = child(["compare", "256", str(repeats)], threads)
        keep()
    return known


def main() -> None:
    """Measure what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/backbones.json"))
    parser.add_argument("--docs", type=Path, help="page whose table is written anew")
    parser.add_argument("--side", type=int, default=256, help="of the square that is restored")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    said = parser.parse_args()
    table = markdown(collect(said.json, said.side, said.threads, said.repeats))
    print(table)
    if said.docs:
        write_docs(said.docs, table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        answer(*sys.argv[2:])
    else:
        exit_with(main)
