"""Denoisers that need no training, each used the way a careful user would.

    python benchmarks/rivals.py --photos DIR [--polyu DIR]

prints the table by which their strengths were chosen, on pictures that are never scored: centres of
photographs, and PolyU's scenes that are kept from its test. A row with `*` is the constant below.

- `nlm`: non-local means (Buades et al. 2005), OpenCV's for 8-bit colour pictures;
- `wavelets`: soft thresholds by BayesShrink (Chang et al. 2000) in Y, Cb, Cr, the mean over 4x4
  shifts (Coifman and Donoho 1995), scikit-image's.

Both are told the noise level. On raws they take the place of BM3D between variance stabilisation
and its inverse, because demosaicking leaves no noise white.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from classical import Array, gat_bm3d_decorrelated
from gaussian import noisy_of
from PIL import Image
from torch import Tensor

from pellucid import read_picture
from pellucid.benchmarks.polyu import polyu_benchmark
from pellucid.benchmarks.synthetic import Model, evaluate
from pellucid.cli import exit_with
from pellucid.data.degradations import eight_bits
from pellucid.data.photos import photographs, reduced
from pellucid.data.picture_sets import Scenes
from pellucid.errors import PellucidError
from pellucid.metrics import psnr

LUMA, COLOUR = 0.7, 0.75
"""`nlm`: OpenCV's h and hColor over the standard deviation of the noise."""
PLANES = 1.2
"""`gat_nlm`: h over the deviation, of four planes together."""
POLYU_NLM, POLYU_WAVELETS = 6.0, 8.0
"""Levels of 255 that both are told on PolyU, whose noise is smooth: estimate_sigma finds 0.56."""
SHIFTS = 4
CROP = 384

# -- the denoisers ---------------------------------------------------------------------------------


def nlm(picture: Tensor, sigma: float, luma: float = LUMA, colour: float = COLOUR) -> Tensor:
    """A picture (3, H, W) without its noise of standard deviation `sigma`."""
    means = opencv().fastNlMeansDenoisingColored
    pixels = np.ascontiguousarray(_last(_bytes(picture.numpy()))[..., ::-1])  # B, G, R
    clean = means(pixels, None, 255 * luma * sigma, 255 * colour * sigma)
    return torch.from_numpy(np.moveaxis(clean[..., ::-1], -1, 0) / 255).float()


def wavelets(picture: Tensor, sigma: float) -> Tensor:
    """The same by wavelets."""
    clean = _shrunk(_last(picture.double().numpy()), sigma, convert2ycbcr=True, channel_axis=-1)
    return torch.from_numpy(np.moveaxis(clean, -1, 0)).float()


def nlm_planes(planes: Array, noise: Array, strength: float = PLANES) -> Array:
    """Planes (4, H, W) of like noise (4,) without it; all of them find the similar blocks."""
    low = planes.min((1, 2), keepdims=True)
    span = float((planes - low).max())  # one for all, which keeps distances between colours
    pixels = np.ascontiguousarray(_last(_bytes((planes - low) / span)))
    h = 255 * strength * float(noise.mean()) / span
    clean = opencv().fastNlMeansDenoising(pixels, [h])
    return np.moveaxis(clean, -1, 0) / 255 * span + low


def wavelet_planes(planes: Array, noise: Array) -> Array:
    """The same, each plane by itself."""
    return np.stack([_shrunk(p, float(s)) for p, s in zip(planes, noise, strict=True)])


def raw_rivals() -> dict[str, Model]:
    """Of raws, on the principal components of their stabilised planes."""
    filters = {"gat_nlm": nlm_planes, "gat_wavelets": wavelet_planes}
    return {n: partial(gat_bm3d_decorrelated, remove_noise=f) for n, f in filters.items()}


def opencv() -> ModuleType:
    """OpenCV on as many threads as torch; raises PellucidError where it is not installed."""
    try:
        import cv2
    except ImportError as error:
        raise PellucidError(
            "OpenCV is not installed; expected pip install 'pellucid[bench]'"
        ) from error
    cv2.setNumThreads(torch.get_num_threads())
    return cv2


def scikit_image() -> ModuleType:
    """Its wavelets need PyWavelets; raises PellucidError where either is not installed."""
    try:
        import pywt  # noqa: F401
        import skimage.restoration
    except ImportError as error:
        raise PellucidError(
            "scikit-image or PyWavelets is not installed; expected pip install 'pellucid[bench]'"
        ) from error
    return skimage


def _shrunk(pixels: Array, sigma: float, **how: object) -> Array:
    shrink = scikit_image().restoration.denoise_wavelet
    total = np.zeros_like(pixels)
    for shift in np.ndindex(SHIFTS, SHIFTS):
        moved = np.roll(pixels, shift, (0, 1))
        clean = shrink(moved, sigma, rescale_sigma=True, **how)
        total += np.roll(clean, (-shift[0], -shift[1]), (0, 1))
    return total / SHIFTS**2


def _bytes(values: Array) -> Array:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _last(planes: Array) -> Array:
    return np.moveaxis(planes, 0, -1)


# -- how the strengths were chosen -----------------------------------------------------------------


def put_crops(photos: Path, folder: Path, count: int) -> list[Path]:
    """Centres of so many photographs at half their size, as files."""
    every = photographs(photos)
    for path in every[:: max(1, len(every) // count)][:count]:
        picture = _last(reduced(path, 2) / 65535)
        top, left = ((side - CROP) // 2 for side in picture.shape[:2])
        crop = picture[max(top, 0) :, max(left, 0) :][:CROP, :CROP]
        Image.fromarray(_bytes(crop)).save(folder / f"{path.stem}.png")
    return photographs(folder)


def mean_psnr(denoise: Callable[[Tensor], Tensor], pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Of 8-bit pictures, noisy and clean, in dB."""
    return statistics.mean(float(psnr(eight_bits(denoise(noisy)), clean)) for noisy, clean in pairs)


def pictures_lines(paths: Sequence[Path], sigmas: Sequence[float] = (10, 25, 50)) -> Iterator[str]:
    """`nlm` by its two factors, at levels of 255."""
    cleans = [read_picture(path) for path in paths]
    names = [path.name for path in paths]
    for luma in (0.5, 0.6, LUMA, 0.8, 1.0):
        for colour in (0.5, COLOUR, 1.0):
            found = [
                mean_psnr(
                    partial(nlm, sigma=sigma / 255, luma=luma, colour=colour),
                    [(noisy_of(c, n, sigma), c) for c, n in zip(cleans, names, strict=True)],
                )
                for sigma in sigmas
            ]
            yield _line("nlm", (luma, colour) == (LUMA, COLOUR), found, luma, colour)


def raws_lines(folder: Path, levels: Sequence[float] = (0.0002, 0.002, 0.02)) -> Iterator[str]:
    """`gat_nlm` by its factor, at the benchmark's levels."""
    for strength in (0.9, 1.0, 1.1, PLANES, 1.3, 1.4):
        filtered = partial(nlm_planes, strength=strength)
        model = partial(gat_bm3d_decorrelated, remove_noise=filtered)
        rows = evaluate({"gat_nlm": model}, folder, list(levels), [0.5])
        found = [row.psnr for row in rows if row.noise_level in levels]
        yield _line("gat_nlm", strength == PLANES, found, strength)


def polyu_lines(data: Path) -> Iterator[str]:
    """Both by the level that they are told, on every fifth pair of the kept scenes."""
    items = polyu_benchmark(data, Scenes("kept")).items[::5]
    pairs = [(s.given, s.truth) for s in (item.load() for item in items) if s.truth is not None]
    estimate = scikit_image().restoration.estimate_sigma
    means = [estimate(_last(n.numpy()), average_sigmas=True, channel_axis=-1) for n, _ in pairs]
    errors = [float((noisy - clean).std()) for noisy, clean in pairs]
    found = f"{255 * statistics.mean(means):.2f} where {255 * statistics.mean(errors):.2f}"
    yield f"  polyu: estimate_sigma finds {found} of 255 stand between noisy and clean"
    chosen = {"nlm": (nlm, POLYU_NLM), "wavelets": (wavelets, POLYU_WAVELETS)}
    for name, (denoise, constant) in chosen.items():
        for level in (2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0):
            found = mean_psnr(partial(denoise, sigma=level / 255), pairs)
            yield _line(f"polyu {name}", level == constant, [found], level)


def _line(name: str, chosen: bool, found: Sequence[float], *options: float) -> str:
    said, star = " ".join(f"{one:g}" for one in options), "*" if chosen else " "
    each = " ".join(f"{value:6.2f}" for value in found)
    return f"{star} {name:14} {said:9} mean {statistics.mean(found):.2f} dB of {each}"


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--count", type=int, default=7, help="photographs (%(default)s)")
    parser.add_argument("--polyu", type=Path)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = put_crops(said.photos, Path(folder), said.count)
        for lines in (pictures_lines(paths), raws_lines(Path(folder))):
            for line in lines:
                print(line, flush=True)
    for line in polyu_lines(said.polyu) if said.polyu else ():
        print(line, flush=True)


if __name__ == "__main__":
    exit_with(main)
