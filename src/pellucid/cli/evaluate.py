"""`pellucid evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace
from torch import Tensor
from tqdm import tqdm

from pellucid.cli.train import needs_train_extra
from pellucid.io.replacing import check_folder
from pellucid.isp import Rendering
from pellucid.raw import RawImage
from pellucid.restore import Restorer

if TYPE_CHECKING:
    from pellucid.benchmarks import folder
    from pellucid.benchmarks.synthetic import Model, Row

FOLDER_HEADING = f"{'model':20} {'PSNR':>7} {'SSIM':>7} {'seconds':>8} {'n':>4}"
HEADING = (
    f"{'model':20} {'shot':>8} {'read':>8} {'tone':>5} "
    f"{'PSNR':>7} {'SSIM':>7} {'seconds':>8} {'n':>4}"
)


def evaluate_command(options: Namespace) -> int:
    """One of the benchmarks."""
    said = options[options.benchmark]
    if said.json is not None:
        check_folder(said.json)
    return folder_command(said) if options.benchmark == "folder" else synthetic_command(said)


def synthetic_command(said: Namespace) -> int:
    """The synthetic benchmark."""
    with needs_train_extra():
        from pellucid.benchmarks.synthetic import REAL_LEVELS, evaluate, isp_alone, write_rows
        from pellucid.data.photos import photographs
    photos, limit, levels, tones = Path(said.photos), said.limit, said.noise_levels, said.tones
    names: list[str] = said.models or ["default"]
    models: dict[str, Model] = {"input": isp_alone, **{name: judged(name) for name in names}}
    pictures = len(photographs(photos)[:limit])
    total = pictures * len(models) * len(tones) * (len(levels) + len(REAL_LEVELS))
    rows: list[Row] = []
    print(HEADING)
    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        for row in evaluate(models, photos, levels, tones, limit, bar.update):
            rows.append(row)
            bar.write(line_of(row))
    if said.json is not None:
        settings = {"photos": str(photos), "noise_levels": levels, "tones": tones}
        write_rows(Path(said.json), rows, {**settings, "models": names, "limit": limit})
    return 0


def folder_command(said: Namespace) -> int:
    """Pairs of two folders."""
    with needs_train_extra():
        from pellucid.benchmarks import folder
        from pellucid.data.pairs import folder_pairs
    names: list[str] = said.models or []
    pairs = folder_pairs(said.input, said.target)[: said.limit]
    models: dict[str, folder.Model] = {"input": folder.untouched}
    models |= {name: Restorer.load(name).restore_picture for name in names}
    found: list[folder.Judged] = []
    total = len(pairs) * len(models)
    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        for one in folder.judge(models, pairs):
            found.append(one)
            bar.update()
    print(FOLDER_HEADING)
    for row in folder.rows(found):
        print(folder_line(row))
    if said.json is not None:
        settings = {"input": said.input, "target": said.target, "models": names}
        folder.write_report(Path(said.json), found, {**settings, "limit": said.limit})
    return 0


def folder_line(row: "folder.Row") -> str:
    """A row under the heading."""
    return f"{row.model:20} {row.psnr:7.2f} {row.ssim:7.4f} {row.seconds:8.3f} {row.n:4d}"


def judged(name: str) -> "Model":
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
