"""The four commands of each data set's page run as they stand, on a miniature of its layout."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from pellucid.cli import main
from pellucid.io import read_picture, write_picture

ROOT = Path(__file__).parents[1]
TINY = (
    "--model.network.net={kind: unet, shuffle: 2, widths: [4, 6]}",
    "--data.patch=16",
    "--data.batch_size=2",
    "--data.validation_samples=1",
    "--trainer.max_steps=1",
    "--trainer.val_check_interval=1",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
)
"""What makes training short; every other word is the page's."""
PAIRS: dict[str, tuple[str, ...]] = {
    "polyu": tuple(
        f"polyu/CroppedImages/Canon5D2_5_160_3200_{scene}_{{}}.JPG"
        for scene in ("chair_5", "chair_11", "plug_1", "plug_2")
    ),
    "cc": ("cc/5dmark3_iso3200_1_{}.png", "cc/d800_iso6400_3_{}.png"),
    "rain": tuple(
        f"rain13k/{part}/{{}}/{n}.png"
        for part in ("train", "test/Rain100H", "test/Rain100L")
        for n in (1, 2)
    ),
    "blur": (
        "gopro/train/GOPR0372_07_00/{}/000047.png",
        "gopro/test/GOPR0384_11_00/{}/000001.png",
        "gopro/test/GOPR0384_11_05/{}/000001.png",
    ),
}
"""Where each page's pairs lie."""
SIDES = {
    "polyu": ("real", "mean"),
    "cc": ("real", "mean"),
    "rain": ("input", "target"),
    "blur": ("blur", "sharp"),
}


def commands(page: str) -> list[list[str]]:
    """The words of each command in the page's block."""
    text = (ROOT / "docs" / "datasets" / f"{page}.md").read_text()
    block = text.split("## Commands")[1].split("```console\n")[1].split("```")[0]
    return [shlex.split(line) for line in block.splitlines()]


def write_pair(places: str, sides: tuple[str, str], seed: int) -> None:
    """A smooth picture and the same with noise."""
    generator = torch.Generator().manual_seed(seed)
    clean = F.interpolate(torch.rand(1, 3, 5, 6, generator=generator), (40, 48), mode="bilinear")[0]
    noisy = clean + 0.1 * torch.randn(clean.shape, generator=generator)
    for side, picture in zip(sides, (noisy, clean), strict=True):
        path = Path(places.format(side))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path.with_suffix(".png"), picture.clamp(0, 1))
        if path.suffix == ".JPG":
            write_picture(path.with_suffix(".jpg"), picture.clamp(0, 1))
            path.with_suffix(".png").unlink()
            path.with_suffix(".jpg").rename(path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Runs a command, which must end well, and gives what it prints."""

    def call(words: list[str]) -> str:
        with pytest.raises(SystemExit) as stopped:
            main(words)
        said = capsys.readouterr()
        assert stopped.value.code == 0, said.err
        return said.out

    return call


def test_every_page_is_run():
    mine = {path.stem for path in (ROOT / "docs" / "datasets").glob("*.md")}
    assert set(PAIRS) <= mine


@pytest.mark.parametrize("page", PAIRS)
def test_the_four_commands_run(page, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    for seed, places in enumerate(PAIRS[page]):
        write_pair(places, SIDES[page], seed)
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        picture = torch.rand(3, 300, 300, generator=torch.Generator().manual_seed(seed))
        write_picture(tmp_path / "photos" / f"{seed}.png", picture)
    prepare, train, test, restore = ([*words[1:]] for words in commands(page))
    assert [words[0] for words in (train, test, restore)] == ["train", "evaluate", "restore"]
    run(prepare)
    run([*train, *TINY])
    out = run(test)
    assert "protocol: " in out and out.splitlines()[0].startswith("model ")
    report = Path(test[test.index("--out") + 1])
    rows = json.loads((report / "summary.json").read_text())["rows"]
    assert {row["model"] for row in rows} == {"input", test[test.index("--model") + 1]}
    assert (report / "index.html").is_file()
    run(restore)
    restored = read_picture(restore[restore.index("-o") + 1])
    assert restored.shape == read_picture(restore[1]).shape
