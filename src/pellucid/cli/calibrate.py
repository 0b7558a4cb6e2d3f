"""`pellucid calibrate`."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import sys
from dataclasses import replace
from pathlib import Path

from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.calibration.camera import Calibration, calibrations, iso_of, profile_name
from pellucid.calibration.darktable import write_darktable
from pellucid.calibration.frame_kinds import Frame, look_at
from pellucid.calibration.known_noise import profile_folder
from pellucid.calibration.plot import check_matplotlib, plot_calibration
from pellucid.calibration.profile import (
    CalibratedCamera,
    IsoNoise,
    read_calibration,
    write_calibration,
)
from pellucid.errors import FileError, PellucidError
from pellucid.io import is_raw
from pellucid.io.places import check_apart
from pellucid.io.replacing import check_file


def calibrate_command(options: Namespace) -> int:
    """Calibrate every camera of the frames; bad files are reported and the others count."""
    _check_outputs(options)
    paths = raws_of([Path(name) for name in options.inputs])
    frames, failed = _frames(paths, options.iso)
    cameras = {(frame.make, frame.model) for frame in frames}
    if len(cameras) > 1 and (options.output or options.darktable or options.plot):
        names = ", ".join(sorted(f"{make} {model}".strip() for make, model in cameras))
        raise PellucidError(f"the frames are of several cameras ({names}); expected one")
    found = list(calibrations(frames, options.kind))
    for one in found:
        _tell(one)
    for one in found:
        _write(one, options)
    return 2 if failed else 0


def _check_outputs(options: Namespace) -> None:
    for path, ending in (
        (options.output, ".json"),
        (options.darktable, ".json"),
        (options.plot, ".png"),
    ):
        if path is not None:
            check_file(path, ending)
    if options.plot is not None:
        check_matplotlib()
    if None not in (options.output, options.darktable):
        check_apart(options.darktable, options.output)


def raws_of(inputs: list[Path]) -> list[Path]:
    """The files, and the raws in the folders, each once; raises PellucidError where none is."""
    paths: list[Path] = []
    for path in inputs:
        inside = sorted(p for p in path.iterdir() if is_raw(p)) if path.is_dir() else [path]
        if not inside:
            raise FileError.of(path, "holds no raw files")
        paths += inside
    # A frame paired with itself would have no noise.
    return list({path.resolve(): path for path in paths}.values())


def _frames(paths: list[Path], iso: float | None) -> tuple[list[Frame], int]:
    """What can be used, and how many files cannot."""
    frames: list[Frame] = []
    for path in tqdm(paths, "frames", leave=False, disable=None):
        try:
            frame = look_at(path)
            frames.append(replace(frame, iso=iso_of(frame) if iso is None else frame.iso or iso))
        except FileError as error:
            tqdm.write(f"pellucid: {error}", file=sys.stderr)
    if not frames:
        raise PellucidError("no frame can be used; expected raw files of flats, darks or shots")
    return frames, len(paths) - len(frames)


def _tell(calibration: Calibration) -> None:
    print(f"{calibration.camera.name}:")
    for one in calibration.camera.isos:
        print(f"  {_words(one)}")
    for remark in calibration.remarks:
        print(f"  {remark}")


def _words(one: IsoNoise) -> str:
    """One line of an ISO."""
    levels = ", ".join(
        f"{name} {' / '.join(f'{v:.3g} ({low:.3g} to {high:.3g})' for v, low, high in level)}"
        for name, level in (
            ("shot", zip(one.shot.value, one.shot.low, one.shot.high, strict=True)),
            ("read", zip(one.read.value, one.read.low, one.read.high, strict=True)),
        )
    )
    rows = f", rows {one.row * one.levels:.2g} DN" if one.row is not None else ""
    hot = f", {one.hot_pixels.count} hot pixels" if one.hot_pixels is not None else ""
    return f"ISO {one.iso:g} ({one.frames.words}): {levels}{rows}{hot}"


def _write(calibration: Calibration, options: Namespace) -> None:
    camera = calibration.camera
    output = _own_file(camera) if options.output is None else Path(options.output)
    if options.darktable is not None:
        check_apart(options.darktable, output)
        write_darktable(options.darktable, camera)
        print(f"wrote {options.darktable}")
    if options.plot is not None:
        plot_calibration(Path(options.plot), calibration)
        print(f"wrote {options.plot}")
    if options.output is None and output.is_file():
        camera = _merged(output, camera)
    write_calibration(output, camera)
    print(f"wrote {output}")


def _merged(output: Path, newer: CalibratedCamera) -> CalibratedCamera:
    """A profile with what is new, and what became of the ISOs that it had already."""
    older = read_calibration(output)
    before = {one.iso: one.frames for one in older.isos}
    for iso, after in ((one.iso, one.frames) for one in newer.isos if one.iso in before):
        verb = "stays, better than" if before[iso].rank > after.rank else "gives way to"
        print(f"ISO {iso:g}: what is of {before[iso].words} {verb} {after.words}")
    return older.merged(newer)


def _own_file(camera: CalibratedCamera) -> Path:
    """The camera's file in the user's folder, which is made."""
    if not camera.model:
        raise PellucidError("the frames name no camera; expected -o FILE.json")
    folder = profile_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from None
    return folder / profile_name(camera)
