"""Pictures of a DNG by other programs' pipelines, without automatic brightness.

LibRaw is in this process. darktable and RawTherapee are run from the command line where they are
installed, each with a settings folder of its own, so that nobody's presets count.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Literal

import rawpy
import torch
from torch import Tensor

from pellucid.errors import FileError, PellucidError
from pellucid.io import read_picture

ForeignIsp = Literal["libraw", "darktable", "rawtherapee"]
COMMANDS: dict[ForeignIsp, str] = {
    "darktable": "darktable-cli",
    "rawtherapee": "rawtherapee-cli",
}
_LIMIT = 600


def version_of(isp: ForeignIsp) -> str:
    """What the program says it is; raises PellucidError where it is not installed."""
    if isp == "libraw":
        return f"LibRaw {'.'.join(map(str, rawpy.libraw_version))}"
    flag = "--version" if isp == "darktable" else "-v"
    said = subprocess.run(
        [program(isp), flag], capture_output=True, text=True, timeout=_LIMIT, check=False
    )
    lines = (said.stdout or said.stderr).strip().splitlines()
    return lines[0].strip() if lines else COMMANDS[isp]


def program(isp: ForeignIsp) -> str:
    """Path of its command."""
    found = shutil.which(COMMANDS[isp])
    if found is None:
        raise PellucidError(
            f"{COMMANDS[isp]} is not installed; expected it on the path for the ISP {isp}"
        )
    return found


def develop_dng(dng: Path, isp: ForeignIsp) -> Tensor:
    """sRGB picture (3, H, W) of a DNG."""
    if isp == "libraw":
        return _libraw(dng)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "picture.tif"
        _run(_arguments(isp, dng, target, Path(folder)), Path(folder))
        if not target.is_file():
            raise FileError.of(dng, f"{COMMANDS[isp]} made no picture of it")
        return read_picture(target)


def _libraw(dng: Path) -> Tensor:
    try:
        with rawpy.imread(str(dng)) as raw:
            # The largest sample, which noise decides, must not set the white.
            pixels = raw.postprocess(
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0,
                output_bps=16,
                user_flip=0,
            )
    except rawpy.LibRawError as error:
        raise FileError.of(dng, f"cannot be developed by LibRaw: {error}") from error
    return torch.from_numpy(pixels.astype("float32") / 65535).permute(2, 0, 1)


def _arguments(isp: ForeignIsp, dng: Path, target: Path, folder: Path) -> list[str]:
    if isp == "rawtherapee":
        return [program(isp), "-o", str(target), "-t", "-b16", "-Y", "-c", str(dng)]
    settings = folder / "settings"
    core = ["--core", "--configdir", str(settings), "--library", ":memory:", "--disable-opencl"]
    core += ["--conf", "plugins/imageio/format/tiff/bpp=16"]
    return [program(isp), str(dng), str(target), "--icc-type", "SRGB", "--apply-custom-presets",
            "false", *core]  # fmt: skip


def _run(arguments: list[str], folder: Path) -> None:
    private = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    try:
        ended = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
            env={**os.environ, **private},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PellucidError(f"{arguments[0]} failed: {error}") from error
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise PellucidError(f"{arguments[0]} failed: {' '.join(last)}")
