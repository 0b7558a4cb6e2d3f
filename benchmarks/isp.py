"""Speed and memory of `pellucid.render` beside the same maths done naively on full-size masks.

    python benchmarks/isp.py --threads 2 --size 2048x3072 --large 4096x6144 --json isp.json

`ours` works on packed half-size planes. `masked` is the straightforward way: full-size masks of the
Bayer sites, one full-size convolution per filter, `where` to put the sites together. Both are first
shown to agree to 1e-5. Times are medians of alternating calls in one process; memory is what the
resident peak of a fresh process rises by during one call, its input not counted (Linux only).
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
import torch.nn.functional as F
from torch import Tensor

import pellucid
from pellucid import Camera, ISPConfig, Rendering
from pellucid.cli import exit_with

METHODS = ("malvar2004", "ahd")
MODES = ("forward", "forward+backward")
CAMERA = Camera.of(
    torch.tensor([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]),
    torch.tensor([2.0, 1.0, 1.5]),
)
RENDERING = Rendering(1.2, 0.4)

Render = Callable[[Tensor], Tensor]


# -- the straightforward way ----------------------------------------------------------------------


def masked_render(mosaic: Tensor, method: str) -> Tensor:
    """What `pellucid.render` gives for a mosaic (B, 1, H, W), with every step at full size."""
    red, green1, green2, blue = masks(mosaic)
    gains = CAMERA.white_balance
    gain = red * gains[0] + (green1 | green2) * gains[1] + blue * gains[2]
    balanced = mosaic * gain
    demosaic = masked_malvar if method == "malvar2004" else masked_ahd
    linear = demosaic(balanced, red, green1, green2, blue)
    t = ((linear - 0.95) / 0.05).clamp(0, 1)
    linear = torch.where(linear < 0.95, linear, 0.95 + 0.05 * (t + t**2 - t**3))
    srgb = torch.einsum("ij,bjhw->bihw", CAMERA.cam_to_srgb, linear) * RENDERING.exposure
    srgb = srgb.clamp(0, 1)
    display = torch.where(srgb < 0.018, 4.5 * srgb, 1.099 * srgb.clamp(min=0.018) ** 0.45 - 0.099)
    for _ in range(2):
        display = display + RENDERING.tone * display * (1 - display)
    return display


def masks(mosaic: Tensor) -> list[Tensor]:
    """Where R, G1, G2, B are, (H, W) each."""
    height, width = mosaic.shape[-2:]
    y, x = torch.arange(height)[:, None] % 2, torch.arange(width) % 2
    return [(y == row) & (x == column) for row in (0, 1) for column in (0, 1)]


def filtered(picture: Tensor, kernel: list[list[float]]) -> Tensor:
    """Full-size convolution of one channel, borders mirrored."""
    weights = torch.tensor(kernel)
    rows, columns = (n // 2 for n in weights.shape)
    padded = F.pad(picture, (columns, columns, rows, rows), mode="reflect")
    return F.conv2d(padded, weights[None, None])


def masked_malvar(m: Tensor, red: Tensor, green1: Tensor, green2: Tensor, blue: Tensor) -> Tensor:
    """Malvar et al. 2004 with its four 5x5 filters over the whole mosaic."""
    cross = [
        [0, 0, -1, 0, 0],
        [0, 0, 2, 0, 0],
        [-1, 2, 4, 2, -1],
        [0, 0, 2, 0, 0],
        [0, 0, -1, 0, 0],
    ]
    beside = [
        [0, 0, 0.5, 0, 0],
        [0, -1, 0, -1, 0],
        [-1, 4, 5, 4, -1],
        [0, -1, 0, -1, 0],
        [0, 0, 0.5, 0, 0],
    ]
    diagonal = [
        [0, 0, -1.5, 0, 0],
        [0, 2, 0, 2, 0],
        [-1.5, 0, 6, 0, -1.5],
        [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ]
    above = [list(column) for column in zip(*beside, strict=True)]
    c, b, a, d = (
        filtered(m, [[v / 8 for v in row] for row in k]) for k in (cross, beside, above, diagonal)
    )
    r = torch.where(red, m, torch.where(green1, b, torch.where(green2, a, d)))
    g = torch.where(green1 | green2, m, c)
    bl = torch.where(blue, m, torch.where(green2, b, torch.where(green1, a, d)))
    return torch.cat([r, g, bl], dim=1)


def masked_ahd(m: Tensor, red: Tensor, green1: Tensor, green2: Tensor, blue: Tensor) -> Tensor:
    """DualDn's edge-directed demosaicker."""
    tent = [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]
    diamond = [[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]]
    green = green1 | green2
    r, g, b = filtered(m * red, tent), filtered(m * green, diamond), filtered(m * blue, tent)
    line = [-0.25, 0.5, 0.5, 0.5, -0.25]
    along_row = torch.where(green, m, filtered(m, [line]))
    along_column = torch.where(green, m, filtered(m, [[v] for v in line]))
    with torch.no_grad():
        column = masked_direction(torch.cat([r, g, b], dim=1))
    best = torch.where(column, along_column, along_row)
    bell = torch.exp(-(torch.arange(-1.0, 2.0) ** 2) / (2 * 1.5**2))
    bell = bell / bell.sum()
    smooth = (bell[:, None] * bell).tolist()
    return torch.cat([best + filtered(r - g, smooth), best, best + filtered(b - g, smooth)], dim=1)


def masked_direction(bilinear: Tensor) -> Tensor:
    """Where the bilinear picture changes at least as much along its row as along its column."""
    matrix = CAMERA.xyz_to_cam / CAMERA.xyz_to_cam.sum(-1, keepdim=True)
    xyz = torch.einsum("ij,bjhw->bihw", torch.inverse(matrix), bilinear)
    xyz = xyz / torch.tensor([0.95047, 1.0, 1.08883])[:, None, None]
    f = torch.where(xyz > 0.008856, xyz.clamp(min=0.008856) ** (1 / 3), 7.787 * xyz + 4 / 29)
    x, y, z = f.split(1, dim=1)
    lab = (116 * y - 16, 500 * (x - y), 200 * (y - z))

    def change(towards: list[list[float]]) -> Tensor:
        light, a, b = (filtered(channel, towards) for channel in lab)
        return light.abs() + (a**2 + b**2).sqrt()

    before, after = [1.0, 2, -3, 0, 0], [0.0, 0, -3, 2, 1]
    along_row = change([before]) + change([after])
    return along_row >= change([[v] for v in before]) + change([[v] for v in after])


# -- measuring ------------------------------------------------------------------------------------


def renderers(method: Any) -> dict[str, Render]:
    """Both ways of rendering."""
    config = ISPConfig(demosaic=method)
    return {
        "ours": lambda mosaic: pellucid.render(mosaic, CAMERA, RENDERING, config),
        "masked": lambda mosaic: masked_render(mosaic, method),
    }


def scene(height: int, width: int) -> Tensor:
    """A mosaic (1, 1, H, W) of waves and noise, made in place so that memory shows no peak."""
    mosaic = torch.empty(1, 1, height, width)
    mosaic.uniform_(0, 0.25, generator=torch.Generator().manual_seed(0))
    mosaic += 0.35 + 0.3 * torch.sin(torch.arange(width) / 17)
    return mosaic.mul_(torch.linspace(0.1, 1.1, height)[:, None])


def call(render: Render, mosaic: Tensor, mode: str) -> Tensor:
    """One picture, or one gradient."""
    if mode == "forward":
        with torch.inference_mode():
            return render(mosaic)
    mosaic = mosaic.detach().requires_grad_()
    render(mosaic).sum().backward()
    assert mosaic.grad is not None
    return mosaic.grad


def check(method: str) -> float:
    """Largest difference of pictures and gradients (as a share of the largest one), ours to masked.

    Raises above 1e-5, but for what ten flipped directions of `ahd`, which chooses hard, can alter:
    three values of the picture and 5x5 of the gradient each.
    """
    worst, mosaic = 0.0, scene(250, 362)
    for mode, reach in zip(MODES, (3, 25), strict=True):
        ours, masked = (call(render, mosaic, mode) for render in renderers(method).values())
        off = (ours - masked).abs() / max(1.0, masked.abs().max().item())
        wrong = int((off > 1e-5).sum())
        if wrong > (10 * reach if method == "ahd" else 0):
            raise SystemExit(f"{method}, {mode}: {wrong} values differ by up to {off.max():.1e}")
        worst = max(worst, off[off <= 1e-5].max().item())
    return worst


def times(renders: dict[str, Render], mosaic: Tensor, mode: str, n: int) -> dict[str, list[float]]:
    """Seconds of n calls each, taking turns, after one call each that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in renders}
    for turn in range(n + 1):
        for name, render in renders.items():
            start = time.perf_counter()
            call(render, mosaic, mode)
            if turn:
                taken[name].append(time.perf_counter() - start)
    return taken


def peak_mib(name: str, method: str, mode: str, size: tuple[int, int], threads: int) -> float:
    """Rise of a fresh process's peak during one call, in MiB, the median of three."""
    arguments = [name, method, mode, str(size[0]), str(size[1]), str(threads)]
    run = [sys.executable, __file__, "--measure-memory", *arguments]
    # Three, because huge pages make it jump.
    rises = [subprocess.run(run, capture_output=True, text=True, check=True) for _ in range(3)]
    return statistics.median(float(rise.stdout) for rise in rises)


def measure_memory(
    name: str, method: str, mode: str, height: str, width: str, threads: str
) -> None:
    """The fresh process: print the rise."""
    torch.set_num_threads(int(threads))
    render = renderers(method)[name]
    call(render, scene(64, 64), mode)  # loads kernels and starts threads
    mosaic = scene(int(height), int(width))
    # ru_maxrss would count the parent and the imports; Linux can forget its peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_kib()
    call(render, mosaic, mode)
    print((peak_kib() - before) / 1024)


def peak_kib() -> int:
    """Highest resident size of this process since the peak was last forgotten."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def rows(
    size: tuple[int, int], modes: tuple[str, ...], names: tuple[str, ...], n: int, threads: int
):
    """One row per implementation, demosaicker and mode."""
    mosaic = scene(*size)
    for method in METHODS:
        for mode in modes:
            chosen = {name: renderers(method)[name] for name in names}
            taken = times(chosen, mosaic, mode, n)
            for name, seconds in taken.items():
                yield {
                    "implementation": name,
                    "demosaic": method,
                    "mode": mode,
                    "size": f"{size[0]}x{size[1]}",
                    "seconds": statistics.median(seconds),
                    "fastest": min(seconds),
                    "slowest": max(seconds),
                    "peak_mib": peak_mib(name, method, mode, size, threads),
                    "n": n,
                }


def size_of(text: str) -> tuple[int, int]:
    """Height and width of "2048x3072"."""
    height, width = (int(side) for side in text.split("x"))
    return height, width


def main() -> None:
    """Check, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=size_of, default=(2048, 3072), help="HEIGHTxWIDTH")
    parser.add_argument("--large", type=size_of, help="also ours alone, forward, at this size")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    agreement = {method: check(method) for method in METHODS}
    print("largest difference of ours and masked:", agreement)
    heading = (
        f"{'size':>10} {'demosaic':>10} {'mode':>17} {'':>7} {'s':>7} {'MiB':>6}  range of {{}}"
    )
    print(heading.format(options.repeats))
    runs = [(options.size, MODES, ("ours", "masked"))]
    if options.large:
        runs.append((options.large, ("forward",), ("ours",)))
    found: list[dict[str, Any]] = []
    for size, modes, names in runs:
        for row in rows(size, modes, names, options.repeats, options.threads):
            found.append(row)
            print(
                f"{row['size']:>10} {row['demosaic']:>10} {row['mode']:>17} "
                f"{row['implementation']:>7} "
                f"{row['seconds']:7.3f} {row['peak_mib']:6.0f}  "
                f"{row['fastest']:.3f}-{row['slowest']:.3f}",
                flush=True,
            )
    if options.json:
        settings = {
            "threads": options.threads,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "agreement": agreement,
        }
        options.json.write_text(json.dumps({"settings": settings, "rows": found}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure-memory"]:
        measure_memory(*sys.argv[2:])
    else:
        exit_with(main)
