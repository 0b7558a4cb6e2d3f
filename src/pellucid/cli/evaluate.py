"""`pellucid evaluate`."""

from pathlib import Path

from jsonargparse import Namespace
from torch import Tensor
from tqdm import tqdm

from pellucid.cli.train import needs_train_extra
from pellucid.errors import PellucidError
from pellucid.io.replacing import check_folder
from pellucid.isp import Rendering
from pellucid.raw import RawImage
from pellucid.restore import Restorer


def evaluate_command(options: Namespace) -> int:
    """The synthetic benchmark."""
    with needs_train_extra():
        from pellucid.benchmarks.synthetic import (
            REAL_LEVELS,
            Model,
            Row,
            evaluate,
            isp_alone,
            write_rows,
        )
        from pellucid.data.photos import photographs
    said = options.synthetic
    levels, tones = (
        parse_list("--noise-levels", said.noise_levels),
        parse_list("--tones", said.tones),
    )
    if said.json is not None:
        check_folder(said.json)
    names: list[str] = said.models or ["default"]
    models: dict[str, Model] = {"input": isp_alone, **{name: judged(name) for name in names}}
    pictures = len(photographs(Path(said.photos))[: said.limit])
    rows: list[Row] = []
    print(
        f"{'model':20} {'shot':>8} {'read':>8} {'tone':>5} {'PSNR':>7} {'SSIM':>7} {'seconds':>8} {'n':>4}"
    )
    total = pictures * len(models) * len(tones) * (len(levels) + len(REAL_LEVELS))
    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        for row in evaluate(models, Path(said.photos), levels, tones, said.limit, bar.update):
            rows.append(row)
            bar.write(
                f"{row.model:20} {row.noise_level:8.2g} {row.read:8.2g} {row.tone:5.2g} "
                f"{row.psnr:7.2f} {row.ssim:7.4f} {row.seconds:8.3f} {row.n:4d}"
            )
    if said.json is not None:
        settings = {
            "photos": str(said.photos),
            "noise_levels": levels,
            "tones": tones,
            "models": names,
        }
        write_rows(Path(said.json), rows, {**settings, "limit": said.limit})
    return 0


def judged(name: str) -> "Model":  # noqa: F821
    """A model as the benchmark calls it, told the true noise."""
    restorer = Restorer.load(name)

    def model(raw: RawImage, rendering: Rendering) -> Tensor:
        return restorer(raw, raw.noise, rendering).srgb

    return model


def parse_list(option: str, text: str) -> list[float]:
    """Numbers with commas between."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise PellucidError(f"{option} {text}: expected numbers with commas between") from None
    if not all(0 <= value <= 1 for value in values):
        raise PellucidError(f"{option} {text}: expected numbers from 0 to 1")
    return values
