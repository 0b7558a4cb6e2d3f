"""`pellucid restore` and `pellucid develop`."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import os
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.batch import (
    BatchOptions,
    Settings,
    Shard,
    Step,
    check_used,
    read_photo,
    restore_all,
    restore_photo,
)
from pellucid.batch.job import DNG, check_kind, check_result
from pellucid.calibration.known_noise import parse_noise
from pellucid.cli.look import strength_of, white_balance_of
from pellucid.color import WIDE
from pellucid.errors import FileError, NetworkError, PellucidError
from pellucid.importers import PublishedOptions
from pellucid.io import PICTURE_SUFFIXES, check_output, read_picture, read_raw, write_picture
from pellucid.io.places import check_apart
from pellucid.isp import ISPConfig, Rendering
from pellucid.look.white_balance import with_balance
from pellucid.raw import RawImage
from pellucid.restore import develop


def restore_command(options: Namespace) -> int:
    """Restore one file to one picture, or many; a bad one is reported and the others go on."""
    inputs = [Path(name) for name in options.inputs]
    parse_device(options.device)
    batch = BatchOptions(
        options.jobs, parse_shard(options.shard), options.overwrite, options.pictures
    )
    output = None if options.output is None else Path(options.output)
    one = one_output(inputs, output, options.format)
    settings = settings_of(options, one)
    if one is None:
        check_kind(Path(f"photo{settings.ending}"), settings)
        return restore_many(inputs, output, settings, batch)
    if batch.shard is not None:
        raise PellucidError(f"--shard is for many files; expected a folder, not {one}")
    for read in (inputs[0], settings.reference):
        if read is not None:
            check_apart(one, read)
    if output is not None:
        check_result(one, settings)
    return restore_one(inputs[0], one, settings)


def restore_one(source: Path, output: Path, settings: Settings) -> int:
    """Restore one file here and now."""
    restorer = settings.load()
    check_used(settings, restorer.net, [source])
    try:
        photo = read_photo(source)
        check_result(output, settings)
        with tile_bar(source.name) as progress:
            restore_photo(photo, output, restorer, settings, tqdm.write, progress, source)
    except NetworkError as error:
        raise FileError.of(source, str(error)) from error
    print(f"wrote {output}")
    return 0


def restore_many(
    inputs: list[Path], folder: Path | None, settings: Settings, options: BatchOptions
) -> int:
    """Restore files and folders, and say what became of each."""
    steps = restore_all(inputs, folder, settings, options)
    step, estimated = None, False
    with closing(steps), tqdm(unit="file", leave=False, disable=None) as bar:
        for step in steps:
            bar.total = step.total
            bar.update(step.before + step.restored + step.failed - bar.n)
            say(step)
            if step.seconds_left and step.left and not estimated:
                tqdm.write(f"about {duration(step.seconds_left)} for {step.left} more")
                estimated = True
    if step is None:
        print("nothing to restore in this shard")
        return 0
    if len(inputs) > 1 or os.path.isdir(inputs[0]):
        before = f", {step.before} of them before" if step.before else ""
        print(f"restored {step.before + step.restored} of {step.total}{before}")
    return 2 if step.failed else 0


def say(step: Step) -> None:
    """What there is to say of the last file, above the bar."""
    for line in step.lines:
        tqdm.write(line)
    if step.error is not None:
        tqdm.write(f"pellucid: {step.error}", file=sys.stderr)


def duration(seconds: float) -> str:
    """A time in the words that one would use for it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def develop_command(options: Namespace) -> int:
    """Develop one raw file."""
    output = Path(options.output)
    check_apart(output, options.input)
    check_output(output, options.bits, options.profile)
    raw = with_balance(read_raw(Path(options.input)), white_balance_of(options.white_balance))
    look = Rendering(raw.exposure * 2.0**options.exposure, options.tone)
    config = developing(options, raw)
    remark(raw)
    picture = develop(raw, look, config)
    write_picture(output, picture, raw, bits=options.bits, profile=options.profile)
    print(f"wrote {output}")
    return 0


def developing(options: Namespace, raw: RawImage) -> ISPConfig:
    """The pipeline that is asked for; raises FileError where the raw has no use for it."""
    config = ISPConfig(highlights="rebuilt", gamut="wide" if options.profile in WIDE else "clamp")
    if options.demosaic is None:
        return config
    if raw.linear is not None:
        raise FileError.of(options.input, "is no Bayer mosaic; expected no --demosaic")
    return replace(config, demosaic=options.demosaic)


def one_output(inputs: list[Path], output: Path | None, kind: str | None) -> Path | None:
    """The one picture that is asked for: named, or beside its input; None for a batch."""
    if output is None:
        return _beside(inputs, kind or "png")
    if not names_picture(output, inputs):
        return None
    if kind is not None:
        raise PellucidError(f"-o {output} says the format; expected no --format, or a folder")
    if len(inputs) > 1:
        raise PellucidError(
            f"-o {output} names one picture, for {len(inputs)} inputs; expected a folder"
        )
    return output


def _beside(inputs: list[Path], kind: str) -> Path | None:
    for source in inputs:
        if os.path.isdir(source):
            raise FileError.of(source, "is a directory; expected -o and a folder for its results")
    return inputs[0].with_name(f"{inputs[0].stem}-restored.{kind}") if len(inputs) == 1 else None


def names_picture(output: Path, inputs: list[Path]) -> bool:
    """Whether -o names a picture; for one file, an ending that is none of ours is a slip."""
    endings = {DNG, *PICTURE_SUFFIXES}
    if output.suffix.lower() in endings:
        return True
    many = len(inputs) > 1 or os.path.isdir(inputs[0])
    if not many and (output.suffix or output.exists()) and not output.is_dir():
        expected = f"one of {', '.join(sorted(endings))}, or a folder"
        raise FileError.of(output, f"unknown ending {output.suffix!r}; expected {expected}")
    return False


def settings_of(options: Namespace, one: Path | None) -> Settings:
    """How files are to be restored."""
    return Settings(
        model=options.model or shipped_for(options),
        published=published(options),
        noise=said_noise(options.noise),
        exposure=options.exposure,
        tone=options.tone,
        white_balance=white_balance_of(options.white_balance),
        reference=said_reference(options.reference),
        strength=strength_of(options),
        stars=options.stars,
        preset=options.preset,
        ending=f".{options.format or 'png'}" if one is None else one.suffix,
        linear=options.linear,
        bits=options.bits,
        profile=options.profile,
        tile=options.tile,
        device=options.device,
        precision=options.precision,
    )


def shipped_for(options: Namespace) -> str:
    """The shipped model for a task, for finished pictures, or for raws."""
    if options.task is not None:
        return options.task
    suffixes = {Path(name).suffix.lower() for name in options.inputs}
    return "denoise" if suffixes <= PICTURE_SUFFIXES else "default"


def said_noise(text: str | None) -> str | None:
    """A noise level that makes sense, found out before any long work."""
    parse_noise(text)
    return text


def said_reference(text: str | None) -> str | None:
    """A reference that can be read."""
    if text not in (None, "embedded"):
        read_picture(text)
    return text


def published(options: Namespace) -> PublishedOptions:
    """What is said of published weights."""
    # Without --model the task has chosen the model, which needs to be told nothing.
    task = None if options.model is None else options.task
    return PublishedOptions(options.noise_map, options.isp, task)


def make_folder(folder: Path) -> None:
    """Make an output folder, or say why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from None


@contextmanager
def tile_bar(what: str) -> Generator[Callable[[int, int], object]]:
    """A progress bar on a terminal, moved by calls with the finished and all tiles."""
    with tqdm(desc=what, unit="tile", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def parse_shard(text: str | None) -> Shard | None:
    """I/N as a part of the files."""
    if text is None:
        return None
    try:
        number, count = (int(part) for part in text.split("/"))
    except ValueError:
        number = count = 0
    if not 1 <= number <= count:
        raise PellucidError(f"--shard {text}: expected I/N with I from 1 to N, such as 1/4")
    return Shard(number, count)


def parse_device(name: str) -> torch.device:
    """A device that this machine has."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except Exception:  # torch says it in many ways, from AssertionError to ModuleNotFoundError
        raise PellucidError(
            f"--device {name}: not on this machine; expected cpu, or cuda or mps where present"
        ) from None
    return device


def remark(raw: RawImage) -> None:
    """Say what had to be replaced or guessed."""
    for sentence in raw.remarks:
        print(f"{raw.path.name if raw.path else 'raw'}: {sentence}")
