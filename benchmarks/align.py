"""Alignment to a camera's own picture: how fast it is fitted, how near it comes, what noise does.

python benchmarks/align.py speed [--json FILE]
python benchmarks/align.py pairs PHOTO... [--shot 2e-3] [--picture FILE] [--json FILE]

`speed` solves DualDn's system at 512x512 (grid 32x32x8) by 500 iterations of LSQR, as it does, and
by `fit_grid`, and aligns 12 megapixels. `pairs` makes a noisy raw of each photograph, and of
the photograph itself a JPEG such as another camera pipeline would: other white, tone curve, local
contrast, saturation; 2 % of the view cut off and moved, half the size.
"""

import argparse
import json
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.sparse.linalg import lsqr
from torch import Tensor

from pellucid import Camera, Noise, RawImage, Restorer, read_picture, unrender
from pellucid.cli import exit_with
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.io import write_picture
from pellucid.look.align import GridConfig, apply_grid, fit_grid, luma, middles
from pellucid.look.grid_system import tent
from pellucid.look.reference import fit_reference
from pellucid.look.registration import warp
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
READ = 1e-6
CROP = torch.tensor([[0.98, 0.0, 0.003], [0.0, 0.98, -0.002]])
"""What the JPEG shows of the raw: 2 % less, and not quite the middle."""


# -- speed ----------------------------------------------------------------------------------------


FITS = 5
"""Ours is timed so often, after a first time; LSQR once."""


def speed(threads: int) -> dict[str, float]:
    """Seconds of both solvers on one system, their residuals, and of 12 megapixels."""
    torch.set_num_threads(threads)
    source = scene(512, 512)
    target = (source**0.8 * 1.1 - 0.03 * source.roll(1, 0)).clamp(0, 1)
    matrix, right = published_system(source, target)
    start = perf_counter()
    unknowns = lsqr(matrix, right, iter_lim=500)[0]
    slow = perf_counter() - start
    config = GridConfig.dualdn(512, 512)
    grid = fit_grid(source, target, config)
    times: list[float] = []
    for _ in range(FITS):
        start = perf_counter()
        fit_grid(source, target, config)
        times.append(perf_counter() - start)
    fast = median(times)
    ours = grid.permute(0, 3, 4, 2, 1).flatten().double().numpy()
    return {
        "threads": threads,
        "lsqr_seconds": round(slow, 2),
        "ours_seconds": round(fast, 3),
        "ratio": round(slow / fast, 1),
        "lsqr_residual": round(float(np.linalg.norm(matrix @ unknowns - right)), 4),
        "our_residual": round(float(np.linalg.norm(matrix @ ours - right)), 4),
        "seconds_for_12_megapixels": round(large(), 2),
    }


def large() -> float:
    """Seconds to register, fit and align 12 megapixels to a JPEG of half its size."""
    picture = scene(3000, 4000)
    jpeg = other_camera(F.interpolate(picture[None], scale_factor=0.5, mode="area")[0])
    start = perf_counter()
    apply_grid(fit_reference(picture, [jpeg]), picture)
    return perf_counter() - start


def scene(height: int, width: int) -> Tensor:
    """Coloured blobs, some of them small."""
    total = torch.zeros(3, height, width)
    for octave, share in ((6, 0.4), (40, 0.4), (150, 0.2)):
        noise = torch.rand(1, 3, octave, octave, generator=generator_of(octave))
        total += share * F.interpolate(noise, (height, width), mode="bicubic")[0]
    return total.clamp(0, 1)


def published_system(source: Tensor, target: Tensor) -> tuple[sp.csr_matrix, np.ndarray]:
    """DualDn's rows: three channels of the data term, then the differences."""
    (h, w), depth = source.shape[-2:], 8
    gh, gw = GridConfig(cell=16).shape(h, w)
    down, across = (sparse(tent(middles(n, source) * (g - 1), g)) for n, g in ((h, gh), (w, gw)))
    place = sp.kron(down, across, format="csr")
    inner = tent(luma(source) * (depth - 1), depth)[..., None]
    inner = (inner * torch.cat([source, torch.ones(1, h, w)]).permute(1, 2, 0)[:, :, None]).numpy()
    data = row_products(place, inner.reshape(h * w, depth * 4))
    y, x = h / gh, w / gw
    smooth = [
        sp.kron(x / depth / y * cut_slopes(gh), sp.identity(gw * depth * 4)),
        sp.kron(sp.kron(sp.identity(gh), y / depth / x * cut_slopes(gw)), sp.identity(depth * 4)),
        sp.kron(
            sp.kron(sp.identity(gh * gw), x * y * depth**2 * 4e-7 * cut_bends(depth)),
            sp.identity(4),
        ),
    ]
    one = sp.vstack([data, *smooth], format="csr")
    right = np.zeros((3, one.shape[0]))
    right[:, : h * w] = target.reshape(3, -1).numpy()
    return sp.block_diag([one] * 3, format="csr"), right.ravel()


def sparse(weights: Tensor) -> sp.csr_matrix:
    """Few of many weights are not 0."""
    return sp.csr_matrix(weights.double().numpy())


def row_products(left: sp.csr_matrix, right: np.ndarray) -> sp.csr_matrix:
    """The Kronecker product of each row with its own."""
    counts = np.diff(left.indptr)
    rows = np.repeat(np.arange(left.shape[0]), counts)
    values = left.data[:, None] * right[rows]
    columns = left.indices[:, None] * right.shape[1] + np.arange(right.shape[1])
    shape = (left.shape[0], left.shape[1] * right.shape[1])
    result = sp.csr_matrix(
        (values.ravel(), (np.repeat(rows, right.shape[1]), columns.ravel())), shape
    )
    result.eliminate_zeros()
    return result


def cut_slopes(count: int) -> np.ndarray:
    """First differences as published, the last without its second part."""
    slopes = np.diff(np.eye(count), axis=0)
    slopes[-1, -1] = 0
    return slopes


def cut_bends(count: int) -> np.ndarray:
    """Second differences as published."""
    bends = np.zeros((count, count))
    bends[0, 0], bends[-1, -2] = -1, 1
    bends[1:-1, :-2] = np.diff(np.eye(count), 2, axis=0)[:, :-2]
    return bends


# -- pairs ----------------------------------------------------------------------------------------


def pair(path: Path, restorer: Restorer, level: Noise, picture: Path | None) -> dict[str, float]:
    """PSNR to the JPEG with and without alignment, and what noise on the JPEG does, in 1/255."""
    photo = read_picture(path)
    clean = unrender(photo, CAMERA)
    raw = RawImage(add_noise(clean, level, generator=generator_of(1)), CAMERA, level)
    jpeg = compressed(other_camera(seen(photo)))
    noise = torch.randn(jpeg.shape, generator=generator_of(2)) * 10 / 255
    noisy = ((jpeg + noise).clamp(0, 1) * 255).round() / 255
    plain = restorer(raw).srgb.clamp(0, 1)
    aligned, disturbed = (
        restorer(raw, reference=given).srgb.clamp(0, 1) for given in (jpeg, noisy)
    )
    before, after = (psnr(seen(each), jpeg) for each in (plain, aligned))
    if picture is not None:
        write_picture(picture, torch.cat([seen(plain), seen(aligned), jpeg], dim=2))
    return {
        "plain_db": round(before, 2),
        "aligned_db": round(after, 2),
        "gain_db": round(after - before, 2),
        "noise_through": round(float((disturbed - aligned).std()) * 255, 3),
    }


def seen(picture: Tensor) -> Tensor:
    """What the JPEG shows of a picture, at half its size."""
    whole, _ = warp(picture, CROP, *picture.shape[-2:])
    return F.interpolate(whole[None], scale_factor=0.5, mode="area")[0]


def other_camera(picture: Tensor) -> Tensor:
    """Local contrast, saturation, a curve with a shoulder, a warmer white."""
    grey = luma(picture)[None]
    reach = 2 * (max(picture.shape[-2:]) // 40) + 1
    base = grey
    for _ in range(3):
        base = F.avg_pool2d(base, reach, 1, reach // 2, count_include_pad=False)
    lit = grey + 0.3 * (grey - base)
    vivid = (lit + 1.3 * (picture - grey)).clamp(0, 1) ** 0.8
    curved = vivid + 0.35 * (vivid**2 * (3 - 2 * vivid) - vivid)
    return (curved * torch.tensor([1.02, 1.0, 0.95])[:, None, None]).clamp(0, 1)


def compressed(picture: Tensor) -> Tensor:
    """Behind JPEG of quality 92."""
    pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return torch.tensor(np.asarray(Image.open(file))).permute(2, 0, 1) / 255


def psnr(picture: Tensor, truth: Tensor) -> float:
    """Of display values."""
    return float(-10 * torch.log10((picture - truth).square().mean()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("speed", "pairs"))
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shot", type=float, default=2e-3, help="of the raw's noise")
    parser.add_argument("--picture", type=Path, help="where the last pair goes, side by side")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    torch.set_num_threads(said.threads)
    if said.part == "speed":
        result: dict[str, object] = dict(speed(said.threads))
    else:
        restorer = Restorer.load()
        level = Noise(said.shot, READ)
        result = {path.name: pair(path, restorer, level, said.picture) for path in said.photos}
    print(json.dumps(result, indent=1))
    if said.json:
        said.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
