"""What LibRaw, darktable, RawTherapee and exiftool make of our clean DNGs.

    python benchmarks/dng_readers.py FILE... [--generated] [--model M] [--json OUT] [--keep DIR]

Every raw is restored and written three times: at strength 0, at strength 1 and as LinearRaw; for
`--generated`, the picture inside the package becomes four noisy DNGs that differ in phase, odd
active area, black, bits, orientation and crop. Of each it is said: how many dB darktable-cli's and
rawtherapee-cli's rendering of the strength-0 file is from that of the original (a raw of another
kind may be cropped and balanced otherwise by them, and says null); whether the three open the
restored files, and in which size; how far the channels' means of the restored raw are from the
original's; which EXIF values differ; how far LibRaw's rendering of the strength-0 file is from our
`develop` of the original (mean CIEDE2000; camera white balance, no brightening, bilinear); and how
many of its values are clipped that are not clipped in ours. Needs darktable, rawtherapee and
libimage-exiftool-perl of Debian.
"""

import argparse
import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import rawpy
import tifffile
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from pellucid import (
    Camera,
    ISPConfig,
    Noise,
    RawImage,
    Rendering,
    Restorer,
    develop,
    read_raw,
    unrender,
)
from pellucid.bayer import PHASES, pack
from pellucid.calibration.known_noise import settle_noise
from pellucid.cli import exit_with
from pellucid.demo import sample
from pellucid.io import Area, DngFields, quantise, write_dng
from pellucid.io.clean_dng import Cleaning, write_clean_dng
from pellucid.noise import add_noise

CAMERA = Camera.of(
    torch.tensor([[0.88, -0.32, -0.10], [-0.47, 1.29, 0.20], [-0.11, 0.19, 0.61]]),
    torch.tensor([2.0, 1.0, 1.6]),
)
NOISE = Noise(4e-3, 1e-5)
GENERATED = {
    "grbg-12bit": DngFields(phase="GRBG", black=(256.0,), white=4095),
    "bggr-odd": DngFields(
        phase="BGGR", black=(500.0, 510.0, 520.0, 530.0), active_area=Area(7, 5, 507, 705)
    ),
    "gbrg-turned": DngFields(phase="GBRG", black=(2048.0,), white=15000, orientation=6),
    "rggb-cropped": DngFields(
        active_area=Area(8, 16, 508, 716), default_crop=Area(4, 6, 488, 690), orientation=3
    ),
}
Picture = NDArray[np.float64]


def generate(folder: Path) -> list[Path]:
    """Four noisy DNGs of the picture inside the package."""
    mosaic = unrender(sample()[:, :512, :720], CAMERA)
    noisy = add_noise(mosaic, NOISE, generator=torch.Generator().manual_seed(0))
    paths: list[Path] = []
    for name, said in GENERATED.items():
        top, left, *_ = said.active_area or Area(0, 0, 0, 0)
        row, column = divmod(PHASES.index(said.phase), 2)
        # Red comes to stand where the active area has it, and so do the four blacks.
        shifted = torch.roll(noisy, (top + row, left + column), (-2, -1))
        black = np.roll(np.resize(said.black, (2, 2)), (top, left), (0, 1))
        sensor = quantise(shifted, tuple(black.ravel().tolist()), said.white)
        fields = replace(
            said,
            xyz_to_cam=tuple(map(tuple, CAMERA.xyz_to_cam.tolist())),
            as_shot_neutral=tuple((1 / CAMERA.white_balance).tolist()),
            noise=((float(NOISE.shot), float(NOISE.read)),),
            make="Pellucid",
            model=f"Generated {name}",
            iso=1600,
            exposure_time=1 / 60,
        )
        paths.append(folder / f"{name}.dng")
        write_dng(paths[-1], sensor, fields)
    return paths


def darktable(file: Path, out: Path) -> Picture | None:
    """darktable's rendering with a fresh configuration."""
    run([
         "darktable-cli", file, out, "--icc-type", "SRGB", "--apply-custom-presets", "false",
         "--core", "--configdir", out.parent / "darktable", "--library", ":memory:",
         "--disable-opencl", "--conf", "plugins/imageio/format/tiff/bpp=16",
    ], out.parent)  # fmt: skip
    return read_tiff(out)


def rawtherapee(file: Path, out: Path) -> Picture | None:
    """RawTherapee's rendering by its neutral profile."""
    run(["rawtherapee-cli", "-o", out, "-t", "-b16", "-Y", "-c", file], out.parent)
    return read_tiff(out)


def libraw(file: Path) -> Picture:
    """LibRaw's rendering in the sensor's own orientation."""
    with rawpy.imread(str(file)) as raw:
        pixels = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, user_flip=0,
            output_bps=16, gamma=(1 / 0.45, 4.5),
            demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR,
        )  # fmt: skip
    return pixels / 65535


def run(command: list[object], home: Path) -> None:
    """Run a program with a home of its own."""
    said = {
        **os.environ,
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",  # darktable on two develops one file a little differently each time
    }
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, env=said, timeout=600)
    if done.returncode:
        print(f"{words[0]} failed: {done.stderr[:200]}")


def read_tiff(path: Path) -> Picture | None:
    """A rendering in [0, 1]; None where the reader wrote none."""
    if not path.exists():
        return None
    pixels = tifffile.imread(path)
    return pixels / np.iinfo(pixels.dtype).max


def decibels(one: Picture | None, other: Picture | None) -> float | None:
    """PSNR, at most 200; None for other sizes."""
    if one is None or other is None or one.shape != other.shape:
        return None
    return round(float(10 * np.log10(1 / max(np.mean((one - other) ** 2), 1e-20))), 2)


def exif(file: Path) -> dict[str, object]:
    """EXIF values by exiftool."""
    words = ["exiftool", "-j", "-n", "-G1", "-ExifIFD:all", "-GPS:all", "-IFD0:Make", "-IFD0:Model",
             "-UniqueCameraModel", "-Orientation#", str(file)]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)[0]
    return {name: value for name, value in said.items() if name != "SourceFile"}


def means(raw: RawImage) -> Picture:
    """Channel means, black subtracted."""
    return pack(raw.mosaic).double().mean((1, 2)).numpy()


def judge(file: Path, restorer: Restorer, folder: Path) -> dict[str, object]:
    """The facts of one raw."""
    raw = read_raw(file)
    noise = settle_noise(raw).noise
    # LibRaw leaves BaselineExposure to others.
    developed = develop(raw, Rendering(1.0), ISPConfig(demosaic="bilinear"))
    restored = restorer(raw, noise)
    outputs = {kind: folder / f"{file.stem}-{kind}.dng" for kind in ("zero", "clean", "linear")}
    for kind, path in outputs.items():
        cleaning = Cleaning(
            float(kind != "zero"), noise, restorer.__class__.__name__, kind == "linear"
        )
        write_clean_dng(path, raw, restored.mosaic, restored.srgb, cleaning)
    original = means(raw)
    shown = raw.trim(developed).permute(1, 2, 0).double().numpy()
    rendered = libraw(outputs["zero"])
    difference = deltaE_ciede2000(rgb2lab(shown), rgb2lab(rendered))
    before, after = exif(file), exif(outputs["zero"])
    facts: dict[str, object] = {
        "bytes": {"original": file.stat().st_size}
        | {kind: path.stat().st_size for kind, path in outputs.items()},
        "exif_differs": sorted(name for name in before if before[name] != after.get(name)),
        "exif_compared": len(before),
        "means_off_percent": np.round(
            100 * abs(means(read_raw(outputs["clean"])) / original - 1), 3
        ).tolist(),
        "libraw_against_develop": round(float(difference.mean()), 3),
        "clipped_only_in_libraw": int(((rendered >= 1) & (shown < 0.99)).sum()),
        "libraw": {kind: list(libraw(path).shape[:2]) for kind, path in outputs.items()},
    }
    for reader in (darktable, rawtherapee):
        name = reader.__name__
        first = reader(file, folder / f"{file.stem}-original-{name}.tif")
        pictures = {
            kind: reader(path, folder / f"{file.stem}-{kind}-{name}.tif")
            for kind, path in outputs.items()
        }
        facts[f"{name}_zero_db"] = decibels(first, pictures["zero"])
        facts[name] = {
            kind: list(picture.shape[:2]) if picture is not None else None
            for kind, picture in {"original": first, **pictures}.items()
        }
        facts[f"{name}_means"] = {
            kind: np.round(picture.mean((0, 1)), 4).tolist()
            for kind, picture in {"original": first, **pictures}.items()
            if picture is not None
        }
    return facts


def main() -> None:
    """Judge every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--generated", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path)
    said = parser.parse_args()
    restorer = Restorer.load(said.model)
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = said.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for file in [*said.files, *(generate(folder) if said.generated else [])]:
            facts = judge(file.resolve(), restorer, folder.resolve())
            results[file.name] = facts
            print(file.name, *(f"  {name}: {value}" for name, value in facts.items()), sep="\n")
    if said.json:
        said.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
