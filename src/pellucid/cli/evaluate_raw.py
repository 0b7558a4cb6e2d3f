"""The benchmarks of raw photographs under `pellucid evaluate`."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Literal, get_args

from jsonargparse import Namespace

from pellucid.cli.evaluation import judge, measures_of, path_or_none, report
from pellucid.cli.restore import parse_device
from pellucid.cli.train import needs_train_extra
from pellucid.errors import PellucidError

if TYPE_CHECKING:
    from pellucid.benchmarks.benchmark import Benchmark, Given, Model, Output
    from pellucid.benchmarks.dual_build import DualIsp
    from pellucid.benchmarks.journal import Judged
    from pellucid.benchmarks.raw_models import RawShot
    from pellucid.networks.dual_domain import Restored

_EXTRA = ("scipy", "h5py")


@contextmanager
def needs_benchmarks_extra() -> Generator[None]:
    """Say what to install where MATLAB's files cannot be read."""
    try:
        with needs_train_extra():
            yield
    except PellucidError as error:
        if str(error).startswith(_EXTRA):
            name = str(error).split()[0]
            raise PellucidError(
                f"{name} is not installed; expected pip install 'pellucid[benchmarks]'"
            ) from None
        raise


def raw_command(name: str, said: Namespace) -> int:
    """A benchmark of raws."""
    parse_device(said.device)
    match name:
        case "dnd":
            return dnd_command(said)
        case "sidd":
            return sidd_command(said)
        case "real":
            return real_command(said)
        case _:
            return dual_command(said)


def dnd_command(said: Namespace) -> int:
    """DND: with --submission, bundles once every box of an image is there."""
    with needs_benchmarks_extra():
        from pellucid.benchmarks.dnd import dnd_benchmark
        from pellucid.benchmarks.dnd_files import BOXES, write_bundles
        from pellucid.benchmarks.raw_models import raw_models
    submission = path_or_none(said.submission)
    models = chosen(raw_models(names_of(said), said.tile, said.device), submission)
    benchmark = dnd_benchmark(Path(said.data), submission, said.demosaic)
    benchmark = part_of(benchmark, said)
    shown(benchmark, models, judge(benchmark, models, said), said)
    if submission is not None:
        written = write_bundles(submission, len(benchmark.items) // BOXES)
        print(f"wrote {len(written)} bundles to {submission}/Raw/bundled and sRGB/bundled")
    return 0


def sidd_command(said: Namespace) -> int:
    """SIDD: a table of the validation blocks, or the submission of the benchmark blocks."""
    with needs_benchmarks_extra():
        from pellucid.benchmarks.sidd import Part
        from pellucid.benchmarks.sidd_scenes import scenes_of
    part: Part = "Validation" if said.part == "validation" else "Benchmark"
    scenes, submission = scenes_of(path_or_none(said.scenes)), path_or_none(said.submission)
    if said.track == "raw":
        return sidd_raw(said, part, scenes, submission)
    return sidd_srgb(said, part, scenes, submission)


def sidd_raw(
    said: Namespace,
    part: Literal["Validation", "Benchmark"],
    scenes: list[str],
    submission: Path | None,
) -> int:
    """The raw track."""
    from pellucid.benchmarks.raw_models import raw_models
    from pellucid.benchmarks.sidd import raw_blocks

    models = chosen(raw_models(names_of(said), said.tile, said.device), submission)
    benchmark = raw_blocks(Path(said.data), part, scenes, path_or_none(said.metadata), submission)
    benchmark = part_of(benchmark, said)
    found = judge(benchmark, models, said)
    shown(benchmark, models, found, said)
    submit(submission, "Raw", found, said)
    return 0


def sidd_srgb(
    said: Namespace,
    part: Literal["Validation", "Benchmark"],
    scenes: list[str],
    submission: Path | None,
) -> int:
    """The sRGB track."""
    from pellucid.benchmarks.models import picture_models
    from pellucid.benchmarks.sidd import srgb_blocks

    models = chosen(picture_models(names_of(said), said.tile, said.device), submission)
    benchmark = srgb_blocks(Path(said.data), part, scenes, submission)
    benchmark = part_of(benchmark, said)
    found = judge(benchmark, models, said)
    if said.out is not None:
        report(benchmark, models, found, said)
    submit(submission, "Srgb", found, said)
    return 0


def submit(
    submission: Path | None, track: Literal["Raw", "Srgb"], found: "list[Judged]", said: Namespace
) -> None:
    """SIDD's file of what one model made of all blocks."""
    from pellucid.benchmarks.sidd import BLOCKS
    from pellucid.benchmarks.sidd_files import write_submission

    if submission is None:
        return
    seconds = fmean(one.seconds for one in found) * 16  # a block is a 16th of a megapixel
    texts = {"MethodName": found[0].model, "Authors": "", "PaperTitle": "", "Venue": ""}
    shape = len(found) // BLOCKS, BLOCKS
    print(f"wrote {write_submission(submission, track, shape, seconds, texts)}")


def real_command(said: Namespace) -> int:
    """Raws with JPEGs; with --out also a contact sheet."""
    with needs_train_extra():
        from pellucid.benchmarks.contact_sheet import watched, write_sheet
        from pellucid.benchmarks.models import LOOK
        from pellucid.benchmarks.raw_models import raw_models
        from pellucid.benchmarks.real import MEASURES, real_benchmark, without_reference
        from pellucid.metrics import Needs
    measures = measures_of(said, MEASURES)
    benchmark = real_benchmark(Path(said.data), measures, Needs(niqe=said.niqe, tile=said.tile))
    benchmark = part_of(benchmark, said)
    own = raw_models(names_of(said), said.tile, said.device)
    models = {name: without_reference(model) for name, model in own.items()}
    if said.reference:
        aligned = {f"{name}{LOOK}": model for name, model in own.items() if name != "input"}
        models |= aligned
    if said.out is None:
        judge(benchmark, models, said)
        return 0
    kept = Path(said.out) / "sheet"
    seen = {name: watched(name, model, kept) for name, model in models.items()}
    shown(benchmark, models, judge(benchmark, seen, said), said)
    sheet = Path(said.out) / "contact_sheet.jpg"
    write_sheet(sheet, kept, [item.name for item in benchmark.items], list(models))
    print(f"wrote {sheet}")
    return 0


def dual_command(said: Namespace) -> int:
    """The dual benchmark."""
    with needs_train_extra():
        from pellucid.benchmarks.dual import dual_benchmark, dual_models, pictured
        from pellucid.benchmarks.raw_models import seen
    benchmark = dual_benchmark(Path(said.data))
    benchmark = part_of(benchmark, said)
    models = dual_models(names_of(said), said.tile, said.device)
    found = judge(benchmark, models, said)
    if said.out is not None:
        report(seen(benchmark), pictured(models), found, said)
    return 0


def build_dual_command(said: Namespace) -> int:
    """Make the dual benchmark's files."""
    with needs_train_extra():
        from pellucid.benchmarks.dual_build import DualConfig, build_dual
    config = DualConfig(said.seed, said.size, isps_of(said.isps))
    manifest = build_dual(Path(said.photos), Path(said.output), config)
    print(f"wrote {manifest}")
    return 0


def isps_of(names: list[str]) -> "tuple[DualIsp, ...]":
    """The pipelines that are asked for, checked."""
    from pellucid.benchmarks.dual_build import DualIsp

    known: tuple[DualIsp, ...] = get_args(DualIsp)
    for name in names:
        if name not in known:
            raise PellucidError(f"--isps {name}: expected some of {', '.join(known)}")
    return tuple(isp for isp in known if isp in names)


def part_of(benchmark: "Benchmark[Given, Output]", said: Namespace) -> "Benchmark[Given, Output]":
    """The first items, as many as are asked for."""
    return replace(benchmark, items=benchmark.items[: said.limit])


def names_of(said: Namespace) -> list[str]:
    """The models that are asked for."""
    return said.models or []


def chosen(
    models: "dict[str, Model[Given, Output]]", submission: Path | None
) -> "dict[str, Model[Given, Output]]":
    """All models; of a submission, the only one that is asked for, or else the input."""
    if submission is None or len(models) == 1:
        return models
    names = [name for name in models if name != "input"]
    if len(names) > 1:
        raise PellucidError(f"--submission is of one model; got {', '.join(names)}")
    return {names[0]: models[names[0]]}


def shown(
    benchmark: "Benchmark[RawShot, Restored]",
    models: "Mapping[str, Model[RawShot, Restored]]",
    found: "list[Judged]",
    said: Namespace,
) -> None:
    """The report, where --out asks for one."""
    if said.out is not None:
        from pellucid.benchmarks.raw_models import pictured, seen

        report(seen(benchmark), pictured(models), found, said)
