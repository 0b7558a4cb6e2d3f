"""The default beside the classical pipelines that a careful user would pick, on the benchmark.

    python benchmarks/classical.py --photos DIR [--limit N] [--tones 0.5] [--ahd] --json FILE

All are told the true noise level and go through the same ISP:

- `gat_bm3d`: generalised Anscombe transform, BM3D of each packed plane, exact unbiased inverse
  (Makitalo and Foi 2013);
- `gat_bm3d_decorrelated`: the same of the principal components of the four stabilised planes, whose
  similar blocks are found in the first (after Danielyan et al. 2009);
- `cbm3d`: the ISP first, then BM3D of luminance and two colour differences, whose similar blocks
  are found in the luminance (Dabov et al. 2007), told the spectrum of the noise that went through
  the ISP. One deviation per channel, as from `propagated_map`, takes the noise for white, which
  demosaicking does not leave it: 0.9, 1.8 and 2.6 dB worse on three crops at the three levels.

With `--ahd` there are the latter two again, demosaicked by ahd: nearer to the scene of which the
mosaic was taken (psnr_colour), farther from the truth of the benchmark, the clean mosaic developed
as the noisy one is (psnr). The default is compared with the best of all by each truth.

BM3D is its authors' release (Makinen et al. 2020, pip install 'pellucid[bench]'), which is licensed
for non-commercial use only and wants to be named beside results; Pellucid itself never needs it.
It is slow, so each row goes into the file when it is finished, and the same command goes on from
there. Other weights replace the rows of `default` only.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pellucid.bayer import pack, unpack
from pellucid.benchmarks.synthetic import Model, Row, evaluate, isp_alone, write_rows
from pellucid.cli import exit_with
from pellucid.cli.evaluate import HEADING, judged, line_of
from pellucid.cli.numbers import numbers, whole_number
from pellucid.errors import FileError, PellucidError
from pellucid.io.replacing import check_folder
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.models import load_model
from pellucid.networks.dual_domain import Compared
from pellucid.noise import add_noise
from pellucid.raw import RawImage

ISP = ISPConfig(demosaic="malvar2004")
AHD = ISPConfig(demosaic="ahd")
BARS = {0.0002: 0.3, 0.002: 1.5, 0.02: 2.2}
"""Decibels over the best classical row that the default is to reach at each shot noise."""
FASTER = 50
TRUTHS = {"psnr": "clean mosaic, developed", "psnr_colour": "scene"}

Array = NDArray[np.float64]
Filter = Callable[[Array, Array], Array]
"""Planes (C, H, W) without their noise: white, of standard deviations (C,), or of power spectra
(C, H, W). Similar blocks are those of the first plane."""
Cell = tuple[str, ...]

# -- variance stabilisation ------------------------------------------------------------------------

EXACT = 60.0
"""Up to so many electrons the inverse is a table; from there on the closed form is as good."""


def stabilise(x: Array, shot: float, read: float) -> Array:
    """Generalised Anscombe transform: noise of variance shot * x + read becomes about 1."""
    return 2 / shot * np.sqrt(np.maximum(shot * x + 3 / 8 * shot**2 + read, 0))


def unstabilise(d: Array, shot: float, read: float) -> Array:
    """The exact unbiased inverse: the x whose stabilised noisy values have the mean d.

    Above `EXACT` the closed form of Makitalo and Foi (2013).
    """
    sigma = read**0.5 / shot
    electrons = EXACT * np.linspace(0, 1, 300) ** 2
    means = stabilised_means(electrons, sigma)
    d = np.maximum(d, means[0])
    a = (3 / 2) ** 0.5
    closed = d**2 / 4 + a / (4 * d) - 11 / (8 * d**2) + 5 * a / (8 * d**3) - 1 / 8 - sigma**2
    return shot * np.where(d < means[-1], np.interp(d, means, electrons), closed)


def stabilised_means(electrons: Array, sigma: float) -> Array:
    """Mean of the transform of Poisson electrons (N,) and normal read noise of sigma electrons."""
    counts = np.arange(int(electrons.max() + 12 * electrons.max() ** 0.5 + 20))
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    values = stabilise(counts[:, None] + sigma * nodes, 1, sigma**2) @ (weights / weights.sum())
    rates = np.maximum(electrons, 1e-9)[:, None]
    log_factorial = np.cumsum(np.log(np.maximum(counts, 1)))
    return np.exp(counts * np.log(rates) - rates - log_factorial) @ values


# -- the pipelines ---------------------------------------------------------------------------------


def gat_bm3d(
    raw: RawImage, rendering: Rendering, remove_noise: Filter, isp: ISPConfig = ISP
) -> Tensor:
    """Each stabilised plane on its own."""

    def each(planes: Array) -> Array:
        return np.concatenate([remove_noise(plane[None], np.ones(1)) for plane in planes])

    return _stabilised(raw, rendering, each, isp)


def gat_bm3d_decorrelated(
    raw: RawImage, rendering: Rendering, remove_noise: Filter, isp: ISPConfig = ISP
) -> Tensor:
    """The principal components of the stabilised planes, with shared block matching.

    A tenth or two of a decibel better than fixed sums and differences of R, G1, G2, B.
    """

    def together(planes: Array) -> Array:
        basis = principal_basis(planes)
        return _mix(basis.T, remove_noise(_mix(basis, planes), np.ones(4)))

    return _stabilised(raw, rendering, together, isp)


def principal_basis(planes: Array) -> Array:
    """Orthonormal rows, so that white noise stays white, the strongest component first."""
    _, columns = np.linalg.eigh(np.cov(planes.reshape(len(planes), -1)))
    return columns[:, ::-1].T


def _mix(matrix: Array, planes: Array) -> Array:
    return np.tensordot(matrix, planes, 1)


def _stabilised(
    raw: RawImage, rendering: Rendering, clean: Callable[[Array], Array], isp: ISPConfig
) -> Tensor:
    assert raw.noise is not None  # the benchmark says it
    shot, read = (float(level) for level in raw.noise)
    planes = clean(stabilise(pack(raw.mosaic).double().numpy(), shot, read))
    mosaic = unpack(torch.from_numpy(unstabilise(planes, shot, read)).float())
    return render(mosaic, raw.camera, rendering, isp)


OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Orthonormal luminance and colour differences of R, G, B."""
DRAWS = 4
LAG = 4
"""Pixels between which Malvar's 5x5 filters make noise correlated."""


def cbm3d(
    raw: RawImage, rendering: Rendering, remove_noise: Filter, isp: ISPConfig = ISP
) -> Tensor:
    """The developed picture's luminance and colour differences, with shared block matching."""
    developed = render(raw.mosaic, raw.camera, rendering, isp)
    opponents = _mix(OPPONENT, developed.double().numpy())
    clean = remove_noise(opponents, noise_spectra(raw, rendering, isp))
    return torch.from_numpy(_mix(OPPONENT.T, clean)).float()


def noise_spectra(raw: RawImage, rendering: Rendering, isp: ISPConfig = ISP) -> Array:
    """Power spectra (3, H, W) of the noise in the opponent colours of the developed picture.

    Noise is drawn anew on the locally averaged mosaic, and goes through the ISP with it.
    """
    assert raw.noise is not None
    mean = unpack(F.avg_pool2d(pack(raw.mosaic), 5, 1, 2, count_include_pad=False)).clamp(min=0)
    signal = render(mean, raw.camera, rendering, isp)
    generator = torch.Generator().manual_seed(0)
    power = np.zeros(signal.shape)
    for _ in range(DRAWS):
        noisy = add_noise(mean, raw.noise, generator=generator).clamp(max=1)
        noise = (render(noisy, raw.camera, rendering, isp) - signal).double().numpy()
        power += np.abs(np.fft.fft2(_mix(OPPONENT, noise))) ** 2 / DRAWS
    return _smooth(power)


def _smooth(power: Array) -> Array:
    """Spectra without the correlations beyond `LAG`, which are chance."""
    near = [np.abs(np.fft.fftfreq(n, 1 / n)) <= LAG for n in power.shape[1:]]
    correlation = np.fft.ifft2(power) * near[0][:, None] * near[1]
    return np.fft.fft2(correlation).real.clip(min=1e-3 * power.mean((1, 2), keepdims=True))


def bm3d_filter() -> Filter:
    """BM3D with its authors' settings, on as many threads as torch."""
    try:
        import bm3d
    except ImportError as error:
        raise PellucidError(
            "bm3d is not installed; expected pip install 'pellucid[bench]'"
        ) from error
    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # bm4d 4.2.5 knows only NumPy 1's name, and needs it for spectra
    profile = bm3d.BM3DProfile()
    profile.num_threads = torch.get_num_threads()

    def remove_noise(planes: Array, noise: Array) -> Array:
        # BM3D's thresholds for similar blocks are made for values from 0 to 1.
        low = planes.min((1, 2), keepdims=True)
        span = np.maximum(planes.max((1, 2), keepdims=True) - low, 1e-9)
        noise = noise / span[:, 0, 0] if noise.ndim == 1 else _last(noise / span**2)
        clean = bm3d.bm3d(_last((planes - low) / span), noise, profile)
        return np.moveaxis(clean.reshape(*planes.shape[1:], -1), -1, 0) * span + low

    return remove_noise


def _last(planes: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))


def classical_models(remove_noise: Filter, ahd: bool = False) -> dict[str, Model]:
    """The three rows, and with `ahd` two more."""
    pipelines = (gat_bm3d, gat_bm3d_decorrelated, cbm3d)
    models = {p.__name__: partial(p, remove_noise=remove_noise) for p in pipelines}
    if ahd:
        names = list(models)[1:]
        models |= {f"{name}_ahd": partial(models[name], isp=AHD) for name in names}
    return models


# -- rows that outlive an interruption -------------------------------------------------------------


def cell(model: str, *levels: float | Tensor) -> Cell:
    """What tells rows apart: model, shot, read, tone."""
    return (model, *(f"{float(level):.4g}" for level in levels))


def cell_of(row: Row) -> Cell:
    """The cell of a row."""
    return cell(row.model, row.noise_level, row.read, row.tone)


def finished_rows(path: Path, settings: dict[str, object]) -> list[Row]:
    """Rows in the file that these settings would give again."""
    if not path.exists():
        return []
    try:
        report = json.loads(path.read_text())
        held, rows = report["settings"], [Row(**row) for row in report["rows"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FileError.of(path, "is no result of this benchmark; expected another name") from error
    for name in ("photos", "limit", "threads"):
        if held.get(name) != settings[name]:
            got = f"was made with {name} {held.get(name)}"
            raise FileError.of(path, f"{got}; expected {settings[name]}, or another name")
    same_weights = held.get("weights") == settings["weights"]
    return [row for row in rows if same_weights or row.model != "default"]


def remaining_rows(
    models: dict[str, Model], done: set[Cell], run: Callable[[dict[str, Model]], Iterator[Row]]
) -> Iterator[Row]:
    """The rows of `run` whose cells are not done; in the others the ISP stands in, unseen."""

    def unless_done(name: str, model: Model) -> Model:
        def chosen(raw: RawImage, rendering: Rendering) -> Tensor | Compared:
            assert raw.noise is not None
            known = cell(name, *raw.noise, rendering.tone) in done
            return (isp_alone if known else model)(raw, rendering)

        return chosen

    wrapped = {name: unless_done(name, model) for name, model in models.items()}
    return (row for row in run(wrapped) if cell_of(row) not in done)


def fingerprint(model: str) -> str:
    """What tells weights apart."""
    digest = hashlib.sha256()
    for value in load_model(model).state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:12]


# -- the comparison --------------------------------------------------------------------------------


def summary(rows: list[Row]) -> Iterator[str]:
    """The default against the best classical row of each cell."""
    for one in (row for row in rows if row.model == "default"):
        rivals = [r for r in rows if cell_of(r)[1:] == cell_of(one)[1:] and "bm3d" in r.model]
        if not rivals:
            continue
        bar = BARS.get(one.noise_level)
        aim = "" if bar is None else f" (bar {bar:+.1f})"
        yield f"shot {one.noise_level:g} read {one.read:g} tone {one.tone:g}:"
        for measure, truth in TRUTHS.items():
            known = [row for row in rivals if getattr(row, measure) is not None]
            if not known:
                continue
            best = max(known, key=attrgetter(measure))
            yield (
                f"  to the {truth}: {getattr(one, measure) - getattr(best, measure):+.2f} dB{aim} "
                f"over {best.model}, {best.seconds / one.seconds:.0f} times as fast (bar {FASTER})"
            )
        fastest = min(row.seconds for row in rivals)
        yield f"  {fastest / one.seconds:.0f} times as fast as the fastest"


def compare(said: argparse.Namespace) -> None:
    """Measure what the file lacks, write each row, and print the comparison."""
    check_folder(said.json)
    classical = classical_models(bm3d_filter(), said.ahd)
    models = {"input": isp_alone, "default": judged(said.model), **classical}
    settings: dict[str, object] = {
        "photos": said.photos.name,
        "noise_levels": said.noise_levels,
        "tones": said.tones,
        "models": [said.model, *list(models)[2:]],
        "limit": said.limit,
        "weights": fingerprint(said.model),
        "threads": torch.get_num_threads(),
    }
    rows = finished_rows(said.json, settings)
    write_rows(said.json, rows, settings)
    print(HEADING, *map(line_of, rows), sep="\n", flush=True)

    def run(models: dict[str, Model]) -> Iterator[Row]:
        return evaluate(models, said.photos, said.noise_levels, said.tones, said.limit)

    for row in remaining_rows(models, set(map(cell_of, rows)), run):
        rows.append(row)
        write_rows(said.json, rows, settings)
        print(line_of(row), flush=True)
    print(*summary(rows), sep="\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=whole_number(1))
    parser.add_argument("--tones", type=numbers(0, 1), default=[0.5])
    parser.add_argument("--noise-levels", type=numbers(1e-6, 1), default=list(BARS))
    parser.add_argument("--model", default="default")
    parser.add_argument("--ahd", action="store_true", help="two rows more, demosaicked by ahd")
    parser.add_argument("--json", type=Path, required=True)
    compare(parser.parse_args())


if __name__ == "__main__":
    exit_with(main)
