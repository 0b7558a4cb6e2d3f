"""`pellucid evaluate`."""
# pyright: reportUnknownMemberType=false

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.cli.evaluation import journal_of, kept, report, running
from pellucid.cli.train import needs_train_extra
from pellucid.io.replacing import check_file
from pellucid.isp import Rendering
from pellucid.networks.dual_domain import Compared
from pellucid.raw import RawImage
from pellucid.restore import Restorer

if TYPE_CHECKING:
    from pellucid.benchmarks.journal import Judged
    from pellucid.benchmarks.synthetic import Model as RawModel
    from pellucid.benchmarks.synthetic import Row

HEADING = (
    f"{'model':20} {'shot':>8} {'read':>8} {'tone':>5} "
    f"{'PSNR':>7} {'SSIM':>7} {'PSNR-colour':>11} {'seconds':>8} {'n':>4}"
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
        check_file(said.json, ".json")
    if options.benchmark == "synthetic":
        return synthetic_command(said)
    if options.benchmark in ("dnd", "sidd", "real", "dual"):
        from pellucid.cli.evaluate_raw import raw_command

        return raw_command(options.benchmark, said)
    from pellucid.cli.evaluate_pictures import pictures_command

    return pictures_command(options.benchmark, said)


def synthetic_command(said: Namespace) -> int:
    """The synthetic benchmark."""
    with needs_train_extra():
        from pellucid.benchmarks.raw_models import seen
        from pellucid.benchmarks.synthetic import (
            framed,
            isp_alone,
            of_mosaics,
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
    developed = {name: framed(of_mosaics(model)) for name, model in raw_models.items()}
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
        report(seen(benchmark), developed, found, said)
    return 0


def fit_niqe_command(said: Namespace) -> int:
    """Fit NIQE's model."""
    check_file(said.output, ".safetensors")
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
    restorer = Restorer.load(name, highlights="roll")  # as the truth is rendered

    def model(raw: RawImage, rendering: Rendering) -> Compared:
        return restorer.compare(raw, raw.noise, rendering)

    return model


def line_of(row: "Row") -> str:
    """A row under the heading."""
    colour = "-" if row.psnr_colour is None else f"{row.psnr_colour:.2f}"
    return (
        f"{row.model:20} {row.noise_level:8.2g} {row.read:8.2g} {row.tone:5.2g} "
        f"{row.psnr:7.2f} {row.ssim:7.4f} {colour:>11} {row.seconds:8.3f} {row.n:4d}"
    )
