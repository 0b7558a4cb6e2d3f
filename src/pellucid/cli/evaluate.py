"""`pellucid evaluate`."""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import torch
from jsonargparse import Namespace
from torch import Tensor
from tqdm import tqdm

from pellucid.cli.restore import parse_device
from pellucid.cli.train import needs_train_extra
from pellucid.errors import PellucidError
from pellucid.io.replacing import check_folder
from pellucid.isp import Rendering
from pellucid.raw import RawImage
from pellucid.restore import Restorer

if TYPE_CHECKING:
    from pellucid.benchmarks.benchmark import Benchmark, Given, Model, Output
    from pellucid.benchmarks.journal import Journal, Judged
    from pellucid.benchmarks.synthetic import Model as RawModel
    from pellucid.benchmarks.synthetic import Row
    from pellucid.metrics import MeasureName, Needs

HEADING = (
    f"{'model':20} {'shot':>8} {'read':>8} {'tone':>5} "
    f"{'PSNR':>7} {'SSIM':>7} {'seconds':>8} {'n':>4}"
)


def evaluate_command(options: Namespace) -> int:
    """One of the benchmarks."""
    said = options[options.benchmark]
    if options.benchmark == "fit-niqe":
        return fit_niqe_command(said)
    if options.benchmark == "build-dual":
        from pellucid.cli.evaluate_raw import build_dual_command

        return build_dual_command(said)
    if said.json is not None:
        check_folder(said.json)
    if options.benchmark == "synthetic":
        return synthetic_command(said)
    if options.benchmark in ("dnd", "sidd", "real", "dual"):
        from pellucid.cli.evaluate_raw import raw_command

        return raw_command(options.benchmark, said)
    return pictures_command(options.benchmark, said)


def synthetic_command(said: Namespace) -> int:
    """The synthetic benchmark."""
    with needs_train_extra():
        from pellucid.benchmarks.synthetic import (
            framed,
            isp_alone,
            rows_of,
            settings_of,
            synthetic_benchmark,
            write_rows,
        )
    photos, limit, levels, tones = Path(said.photos), said.limit, said.noise_levels, said.tones
    names: list[str] = said.models or ["default"]
    settings = settings_of(levels, tones)
    benchmark = synthetic_benchmark(photos, settings, limit)
    raw_models: dict[str, RawModel] = {"input": isp_alone, **{n: judged(n) for n in names}}
    models = {name: framed(model) for name, model in raw_models.items()}
    found: list[Judged] = []
    rows: list[Row] = []
    print(HEADING)
    with closing(journal_of(benchmark, models, said)) as journal:
        for row in rows_of(kept(running(benchmark, models, journal, 1), found), settings):
            rows.append(row)
            tqdm.write(line_of(row))
    print(f"protocol: {benchmark.protocol}")
    if said.json is not None:
        asked = {"photos": str(photos), "noise_levels": levels, "tones": tones}
        write_rows(Path(said.json), rows, {**asked, "models": names, "limit": limit})
    if said.out is not None:
        report(benchmark, models, found, said)
    return 0


def pictures_command(name: str, said: Namespace) -> int:
    """A benchmark of pictures."""
    with needs_train_extra():
        from pellucid.benchmarks.models import picture_models
    benchmark = picture_benchmark(name, said)
    benchmark = replace(benchmark, items=benchmark.items[said.skip :][: said.limit])
    parse_device(said.device)
    models = picture_models(said.models or [], said.tile, said.device)
    found = judge(benchmark, models, said, said.batch)
    if said.out is not None:
        report(benchmark, models, found, said)
    return 0


def judge(
    benchmark: "Benchmark[Given, Output]",
    models: "Mapping[str, Model[Given, Output]]",
    said: Namespace,
    batch: int = 1,
) -> "list[Judged]":
    """Every model on every item; the table is printed, and written to --json."""
    from pellucid.benchmarks import summary, tables

    with closing(journal_of(benchmark, models, said)) as journal:
        found = list(running(benchmark, models, journal, batch))
    result = summary.summary(found, benchmark.columns)
    print("\n".join(tables.text(result, benchmark.columns)))
    print(f"protocol: {benchmark.protocol}")
    for line in tables.interval_lines(result, benchmark.columns):
        print(f"95 % interval: {line}")
    for line in tables.comparison_lines(result, benchmark.columns):
        print(f"paired: {line}")
    if said.json is not None:
        names: list[str] = said.models or []
        facts = {"benchmark": benchmark.name, **benchmark.facts, "models": names}
        facts |= {"skip": said.get("skip", 0), "limit": said.limit, "protocol": benchmark.protocol}
        summary.write_json(Path(said.json), found, result, facts)
    return found


def picture_benchmark(name: str, said: Namespace) -> "Benchmark[Tensor, Tensor]":
    """The benchmark of a name, as the options say."""
    from pellucid.benchmarks import blur, cc, folder, nam, noreference, polyu, rain
    from pellucid.data.picture_sets import Scenes

    needs = needs_of(said)
    if name == "folder":
        protocol = replace(folder.PROTOCOL, border=said.border, window=said.ssim_window)
        measures = measures_of(said, folder.MEASURES)
        paths = Path(said.input), Path(said.target)
        return folder.folder_benchmark(*paths, protocol, measures, needs)
    data = Path(said.data)
    match name:
        case "polyu":
            part = None if said.scenes == "all" else Scenes(said.scenes, said.share, said.seed)
            return polyu.polyu_benchmark(data, part, measures_of(said, polyu.MEASURES), needs)
        case "cc":
            return cc.cc_benchmark(data, measures_of(said, cc.MEASURES), needs)
        case "nam":
            return nam.nam_benchmark(data, measures_of(said, nam.MEASURES), needs)
        case "rain":
            chosen = measures_of(said, rain.MEASURES)
            return rain.rain_benchmark(data, path_or_none(said.list), chosen, needs)
        case "blur":
            chosen = measures_of(said, blur.MEASURES)
            listed = path_or_none(said.list)
            return blur.blur_benchmark(data, said.set, listed, chosen, needs)
        case _:
            chosen = measures_of(said, noreference.MEASURES)
            return noreference.noreference_benchmark(data, chosen, needs)


def measures_of(said: Namespace, usual: "Sequence[MeasureName]") -> "Sequence[MeasureName]":
    """The measures that are asked for, checked; left out, those of the benchmark."""
    from pellucid.metrics import MeasureName

    names: list[str] = said.measures or list(usual)
    known: tuple[MeasureName, ...] = get_args(MeasureName)
    for name in names:
        if name not in known:
            raise PellucidError(f"--measures {name}: expected some of {', '.join(known)}")
    return [one for name in names for one in known if one == name]


def needs_of(said: Namespace) -> "Needs":
    """The files that some measures need."""
    from pellucid.metrics import Needs

    lpips, dists = (tuple(text.split(",")) if text else () for text in (said.lpips, said.dists))
    return Needs(lpips, dists, said.niqe, said.tile)


def path_or_none(text: str | None) -> Path | None:
    """A path, where one is given."""
    return None if text is None else Path(text)


def journal_of(
    benchmark: "Benchmark[Given, Output]", models: Mapping[str, object], said: Namespace
) -> "Journal":
    """The scores that --out has already; without it an empty journal that nobody keeps."""
    from pellucid.benchmarks.journal import Journal
    from pellucid.benchmarks.models import fingerprint
    from pellucid.benchmarks.summary import machine

    if said.out is None:
        return Journal()
    facts = {"benchmark": benchmark.name, "protocol": benchmark.protocol, **benchmark.facts}
    asked = {key: said[key] for key in ("tile", "batch", "device") if key in said}
    return Journal.open(
        Path(said.out),
        {**facts, **asked, **machine()},
        {name: fingerprint(name) for name in models},
        [column.name for column in benchmark.columns],
    )


def running(
    benchmark: "Benchmark[Given, Output]",
    models: "Mapping[str, Model[Given, Output]]",
    journal: "Journal",
    batch: int,
) -> "Iterator[Judged]":
    """Every model on every item, under a bar."""
    from pellucid.benchmarks.running import run

    total = len(benchmark.items) * len(models)
    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        yield from run(benchmark, models, journal, batch, bar.update)


def kept(judged: "Iterable[Judged]", found: "list[Judged]") -> "Iterator[Judged]":
    """What goes by, which is also kept."""
    for one in judged:
        found.append(one)
        yield one


def report(
    benchmark: "Benchmark[Given, Tensor]",
    models: "Mapping[str, Model[Given, Tensor]]",
    found: "Sequence[Judged]",
    said: Namespace,
) -> None:
    """Tables and the report beside the scores."""
    from pellucid.benchmarks.report import write_report

    write_report(Path(said.out), benchmark, models, found, said.pictures)
    print(f"wrote {Path(said.out) / 'index.html'}")


def fit_niqe_command(said: Namespace) -> int:
    """Fit NIQE's model."""
    check_folder(said.output)
    with needs_train_extra():
        from pellucid.data.photos import photographs, reduced
        from pellucid.metrics.niqe import Niqe
    paths = photographs(Path(said.folder), said.leave_out)
    pictures = (torch.from_numpy(reduced(path, said.reduce) / 65535) for path in paths)
    Niqe.fit(pictures).save(Path(said.output))
    print(f"wrote {said.output} of {len(paths)} photographs")
    return 0


def judged(name: str) -> "RawModel":
    """A model as the benchmark calls it, told the true noise."""
    restorer = Restorer.load(name)

    def model(raw: RawImage, rendering: Rendering) -> Tensor:
        return restorer(raw, raw.noise, rendering).srgb

    return model


def line_of(row: "Row") -> str:
    """A row under the heading."""
    return (
        f"{row.model:20} {row.noise_level:8.2g} {row.read:8.2g} {row.tone:5.2g} "
        f"{row.psnr:7.2f} {row.ssim:7.4f} {row.seconds:8.3f} {row.n:4d}"
    )
