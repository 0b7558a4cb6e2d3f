"""`pellucid restore` and `pellucid develop`."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import torch
from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.errors import FileError, NetworkError, PellucidError
from pellucid.importers import PublishedOptions
from pellucid.io import PICTURE_SUFFIXES, check_output, read_picture, read_raw, write_picture
from pellucid.isp import ISPConfig, Rendering
from pellucid.raw import Noise, RawImage
from pellucid.restore import Restorer, develop, settle_noise


def restore_command(options: Namespace) -> int:
    """Restore every input; a bad one is reported and the others go on."""
    inputs = [Path(name) for name in options.inputs]
    noise, device = parse_noise(options.noise), parse_device(options.device)
    outputs = output_paths(inputs, options.output)
    if is_picture(options.output):
        check_output(options.output, options.bits)
    restorer = Restorer.load(options.model, options.tile, device, published(options))
    failed = 0
    for source, output in zip(inputs, outputs, strict=True):
        try:
            restore_file(source, output, restorer, noise, options)
        except NetworkError as error:
            print(f"pellucid: {source}: {error}", file=sys.stderr)
            failed += 1
        except PellucidError as error:
            print(f"pellucid: {error}", file=sys.stderr)
            failed += 1
    if len(inputs) > 1:
        print(f"restored {len(inputs) - failed} of {len(inputs)}")
    return 2 if failed else 0


def restore_file(
    source: Path, output: Path, restorer: Restorer, noise: Noise | None, options: Namespace
) -> None:
    """Restore one file; of a raw, say what noise level it was taken to have."""
    if source.suffix.lower() in PICTURE_SUFFIXES:
        restore_picture(source, output, restorer, options)
        return
    raw = read_raw(source)
    make_folder(output.parent)
    check_output(output, options.bits)
    known = settle_noise(raw, noise)
    remark(raw)
    print(f"{source.name}: {describe(known.noise)}, {known.origin}")
    with tile_bar(source.name) as progress:
        restored = restorer(raw, known.noise, look_of(raw, options), progress)
    write_picture(output, restored.srgb, raw, bits=options.bits)
    print(f"wrote {output}")


def restore_picture(source: Path, output: Path, restorer: Restorer, options: Namespace) -> None:
    """Restore one finished picture."""
    picture = read_picture(source)
    make_folder(output.parent)
    check_output(output, options.bits)
    with tile_bar(source.name) as progress:
        restored = restorer.restore_picture(picture, progress)
    write_picture(output, restored, bits=options.bits)
    print(f"wrote {output}")


def develop_command(options: Namespace) -> int:
    """Develop one raw file."""
    output = Path(options.output)
    check_output(output, options.bits)
    raw = read_raw(Path(options.input))
    remark(raw)
    picture = develop(raw, look_of(raw, options), ISPConfig(demosaic=options.demosaic))
    write_picture(output, picture, raw, bits=options.bits)
    print(f"wrote {output}")
    return 0


def output_paths(inputs: list[Path], output: str | None) -> list[Path]:
    """Where each result goes: beside its input, into a folder, or to the one picture named."""
    if output is None:
        outputs = [source.parent / f"{source.stem}-restored.png" for source in inputs]
    elif not is_picture(output):
        outputs = [Path(output) / f"{source.stem}.png" for source in inputs]
    elif len(inputs) == 1:
        outputs = [Path(output)]
    else:
        raise PellucidError(
            f"-o {output} names one picture, for {len(inputs)} inputs; expected a folder"
        )
    if len(set(outputs)) < len(outputs):
        raise PellucidError(
            "two inputs have the same name; expected names that differ, as their results do"
        )
    return outputs


def is_picture(output: str | None) -> bool:
    """Whether -o names a picture; what has no ending, or is there already, may be a folder."""
    if output is None:
        return False
    target = Path(output)
    if target.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if (target.suffix or target.exists()) and not target.is_dir():
        check_output(target)
    return False


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


def published(options: Namespace) -> PublishedOptions:
    """What is said of published weights."""
    return PublishedOptions(options.noise_map, options.isp, options.task)


def parse_noise(text: str | None) -> Noise | None:
    """SHOT,READ as a noise level."""
    if text is None:
        return None
    try:
        shot, read = (float(part) for part in text.split(","))
    except ValueError:
        raise PellucidError(
            f"--noise {text}: expected two numbers SHOT,READ, such as 0.001,1e-6"
        ) from None
    if not (0 <= shot <= 1 and 0 <= read <= 1 and shot + read > 0):
        raise PellucidError(f"--noise {text}: expected SHOT and READ from 0 to 1, not both 0")
    return Noise(shot, read)


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


def look_of(raw: RawImage, options: Namespace) -> Rendering:
    """The file's own exposure plus what was asked for, and the tone."""
    return Rendering(raw.exposure * 2.0**options.exposure, options.tone)


def remark(raw: RawImage) -> None:
    """Say what had to be replaced or guessed."""
    for sentence in raw.remarks:
        print(f"{raw.path.name if raw.path else 'raw'}: {sentence}")


def describe(noise: Noise) -> str:
    """Noise levels as a phrase."""
    shot, read = (
        ", ".join(f"{value:.2g}" for value in level.flatten().tolist()) for level in noise
    )
    return f"noise shot {shot}, read {read}"
