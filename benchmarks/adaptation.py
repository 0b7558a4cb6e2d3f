"""What a training step with noise-space adaptation costs: time and memory, published and small.

    python benchmarks/adaptation.py --json benchmarks/results/adaptation.json

Each row in a process of its own: a restorer alone on its pairs, the critic alone (its prediction,
and the gradient of its weights and conditions), and the step of both, as training takes it with the
published objective. Published: Noise-DA's U-Net and the critic of 62.6 M parameters on 128x128
patches. Small: the network and the critic of recipes/adapt_denoise.yaml on 64x64. Memory is what
the resident peak rises by during the steps, the optimiser's own included (Linux only). A row that
the JSON file holds is not measured again.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from backbones import peak_mib
from torch import Tensor, nn

from pellucid import UNetConfig
from pellucid.cli import exit_with
from pellucid.critic import CriticConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.picture import PictureConfig
from pellucid.objectives.adaptation import Batch
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.objectives.losses import charbonnier

BEGIN, END = "<!-- begin benchmarks/adaptation.py -->", "<!-- end -->"
SIZES: dict[str, tuple[PictureConfig, CriticConfig, int, int]] = {
    "published": (PictureConfig(NoiseDAUNetConfig()), CriticConfig(), 128, 1),
    "small": (
        PictureConfig(UNetConfig(shuffle=2, widths=(48, 64, 96, 128))),
        CriticConfig(
            width=32, multipliers=(1, 2, 3), blocks=1, dropout=0, start="torch", shuffle=2
        ),
        64,
        8,
    ),
}
"""Network, critic, patch and batch."""
PARTS = ("restorer", "critic", "both")
Row = dict[str, Any]


def step_of(size: str, part: str) -> tuple[list[nn.Module], int, Callable[[], Tensor]]:
    """What is trained in a step, the patches in it, and the loss."""
    network, critic, patch, batch = SIZES[size]
    net = network.build()
    clean = torch.rand(batch, 3, patch, patch)
    noisy = clean + 0.1 * torch.randn_like(clean)
    if part == "restorer":
        return [net], batch, lambda: charbonnier(net(noisy), clean)
    objective = AdaptationConfig(critic=critic).build()
    if part == "critic":
        conditions = torch.cat([noisy, noisy], 1).requires_grad_()
        level = torch.full((batch,), 0.5)
        return (
            [objective],
            batch,
            lambda: (objective.critic(noisy, conditions, level) - clean).square().mean(),
        )
    pictures = Batch(noisy, clean, noisy.flip(0))
    return [net, objective], batch, lambda: objective(net, pictures, 1000.0)[0]


def measure(size: str, part: str, repeats: int) -> Row:
    """Seconds and memory of a step of the optimiser; the first one is not counted."""
    torch.manual_seed(0)
    modules, batch, loss = step_of(size, part)
    weights = [weight for module in modules for weight in module.parameters()]
    optimizer = torch.optim.AdamW(weights, 1e-4)
    # ru_maxrss would count the parent and the imports; Linux can forget its peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_mib()
    seconds: list[float] = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    peak = peak_mib()
    return {
        "size": size,
        "part": part,
        "parameters": sum(weight.numel() for weight in weights),
        "patch": SIZES[size][2],
        "batch": batch,
        "seconds": round(statistics.median(seconds[1:]), 3),
        "mib": round(peak - before),
    }


def child(size: str, part: str, threads: int, repeats: int) -> Row:
    """A row, measured in a fresh process."""
    words = [sys.executable, __file__, "--child", size, part, str(threads), str(repeats)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{size} {part}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def answer(size: str, part: str, threads: str, repeats: str) -> None:
    """The fresh process: print what was measured."""
    torch.set_num_threads(int(threads))
    print(json.dumps(measure(size, part, int(repeats))))


def collect(path: Path, threads: int, repeats: int) -> Row:
    """Every row, out of the file or measured and written to it at once."""
    settings = {"threads": threads, "repeats": repeats, "torch": torch.__version__}
    settings |= {"machine": platform.machine()}
    known: Row = json.loads(path.read_text()) if path.exists() else {}
    if known.get("settings") != settings:
        known = {"settings": settings, "rows": []}
    for size in SIZES:
        for part in PARTS:
            if (size, part) not in [(row["size"], row["part"]) for row in known["rows"]]:
                known["rows"].append(child(size, part, threads, repeats))
                print(known["rows"][-1], flush=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(known, indent=1) + "\n")
    return known


def markdown(result: Row) -> str:
    """The rows as a table."""
    lines = [
        "| size | step of | parameters | patches | s / step | MiB |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['size']} | {row['part']} | {row['parameters']:,} | {row['batch']} of "
            f"{row['patch']}x{row['patch']} | {row['seconds']:.2f} | {row['mib']:,} |"
        )
    said = result["settings"]
    threads = "1 thread" if said["threads"] == 1 else f"{said['threads']} threads"
    lines.append(f"\n{threads}, float32; medians of {said['repeats']} steps.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is missing, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/adaptation.json"))
    parser.add_argument("--docs", type=Path, help="page whose table is written anew: docs/adapt.md")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    said = parser.parse_args()
    table = markdown(collect(said.json, said.threads, said.repeats))
    print(table)
    if said.docs:
        before, rest = said.docs.read_text().split(BEGIN)
        said.docs.write_text(f"{before}{BEGIN}\n{table}{END}{rest.split(END, 1)[1]}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        answer(*sys.argv[2:])
    else:
        exit_with(main)
