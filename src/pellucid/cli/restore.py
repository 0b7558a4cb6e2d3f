"""`pellucid restore` and `pellucid develop`."""

import sys
from pathlib import Path

import torch
from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.errors import FileError, PellucidError
from pellucid.io import PICTURE_SUFFIXES, check_output, read_raw, write_picture
from pellucid.isp import ISPConfig, Rendering
from pellucid.raw import Noise, RawImage
from pellucid.restore import Restorer, develop, settle_noise


def restore_command(options: Namespace) -> int:
    """Restore every input; a bad one is reported and the others go on."""
    inputs = [Path(name) for name in options.inputs]
    noise, device = parse_noise(options.noise), parse_device(options.device)
    check_look(options)
    outputs = output_paths(inputs, options.output)
    for output in outputs:
        check_output(output, options.bits)
    restorer = Restorer.load(options.model, options.tile, device)
    failed = 0
    for source, output in zip(inputs, outputs, strict=True):
        try:
            restore_file(source, output, restorer, noise, options)
        except PellucidError as error:
            print(f"pellucid: {error}", file=sys.stderr)
            failed += 1
    if failed and len(inputs) > 1:
        print(f"pellucid: {failed} of {len(inputs)} files failed", file=sys.stderr)
    return 2 if failed else 0


def restore_file(
    source: Path, output: Path, restorer: Restorer, noise: Noise | None, options: Namespace
) -> None:
    """Restore one raw file and say what noise level it was taken to have."""
    raw = read_raw(source)
    known = settle_noise(raw, noise)
    remark(raw)
    print(f"{source.name}: {describe(known.noise)}, {known.origin}")
    with tqdm(desc=source.name, unit="tile", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        restored = restorer(raw, known.noise, look_of(raw, options), progress)
    write_picture(output, restored.srgb, raw, bits=options.bits)
    print(f"wrote {output}")


def develop_command(options: Namespace) -> int:
    """Develop one raw file."""
    output = Path(options.output)
    check_look(options)
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
        return [source.with_name(f"{source.stem}-restored.png") for source in inputs]
    target = Path(output)
    if target.suffix.lower() in PICTURE_SUFFIXES:
        if len(inputs) > 1:
            raise PellucidError(
                f"-o {output} names one picture, for {len(inputs)} inputs; expected a folder"
            )
        return [target]
    if target.suffix and not target.is_dir():
        check_output(target)
    outputs = [target / f"{source.stem}.png" for source in inputs]
    if len(set(outputs)) < len(outputs):
        raise PellucidError(
            "two inputs have the same name; expected names that differ, as their results do"
        )
    make_folder(target)
    return outputs


def make_folder(folder: Path) -> None:
    """Make an output folder, or say why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from None


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
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise PellucidError(
            f"--device {name}: not on this machine; expected cpu, or cuda or mps where present"
        ) from None
    return device


def check_look(options: Namespace) -> None:
    """Raise where exposure or tone are out of their ranges."""
    if not -10 <= options.exposure <= 10:
        raise PellucidError(f"--exposure {options.exposure:g}: expected -10 to 10 stops")
    if not 0 <= options.tone <= 1:
        raise PellucidError(f"--tone {options.tone:g}: expected 0 to 1")


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
