"""The report: its folder is complete, and a browser shows it without complaint."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import torch
from PIL import Image

from pellucid.benchmarks.benchmark import Item, Sample, pictures_of
from pellucid.benchmarks.plots import scatter_plot, sorted_plot
from pellucid.benchmarks.report import items_to_show, write_report
from pellucid.benchmarks.running import each, run, untouched
from pellucid.metrics import Protocol, measures_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
MODELS = {"input": untouched, "<b>net</b> & co": each(lambda p: p * 0.97)}


def load(number: int) -> Sample[torch.Tensor]:
    clean = torch.rand(3, 120, 140, generator=torch.Generator().manual_seed(number))
    return Sample((clean + 0.01 * number).clamp(0, 1), clean)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of five items, of which the worst two of each model are shown."""
    path = tmp_path_factory.mktemp("a report")
    items = [Item(f"item {n}/é.png", lambda n=n: load(n), scene=f"{n // 2}") for n in range(5)]
    measures = measures_of(["psnr", "ssim"])
    benchmark = pictures_of("toy", items, Protocol(), measures, "here", {"data": "a & b"})
    judged = list(run(benchmark, MODELS))
    shown = items_to_show(benchmark, judged, 2)
    assert shown[0].name == min(judged[1::2], key=lambda one: one.scores["psnr"]).item
    write_report(path, benchmark, MODELS, judged, 2)
    return path


def test_the_folder_is_complete_by_itself(folder):
    page = (folder / "index.html").read_text()
    sources = re.findall(r"<img src='([^']*)'", page)
    # Of each item: three pictures, and for the model three crops with their error.
    assert len(sources) == 2 * (3 + 4) and len(set(sources)) == len(sources)
    for source in sources:
        with Image.open(folder / unquote(source)) as picture:
            assert np.asarray(picture).std() > 0
    assert "http:" not in page.replace("http://www.w3.org/2000/svg", "") and "https:" not in page
    assert "<script" not in page and "<b>net" not in page and "&lt;b&gt;net" in page
    assert json.loads((folder / "summary.json").read_text())["settings"]["protocol"] in page
    assert "PSNR" in (folder / "table.md").read_text()
    assert "\\toprule" in (folder / "table.tex").read_text()


def test_plots_keep_inside_their_frame():
    values = {"input": [1.0, 2.0, float("inf")], "net": [float("nan"), 3.0, 4.0]}
    points = re.findall(r'points="([^"]*)"', sorted_plot(values, "PSNR"))
    for line in points:
        for point in line.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 640 and 0 <= y <= 260
    assert [len(line.split()) for line in points] == [2, 2]
    dots = scatter_plot({"a": 1.0, "b": 2.0}, {"net": {"a": 2.0, "b": 5.0, "c": 1.0}}, "PSNR")
    assert dots.count("<circle") == 2


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: the report was opened in no browser")
def test_a_browser_shows_it_without_complaint(folder, tmp_path):
    page, shot = (folder / "index.html").as_uri(), tmp_path / "shot.png"
    # The page says what it found, for a browser without a driver has no other tongue.
    probe = tmp_path / "probe.html"
    probe.write_text(
        "<iframe id=f width=1400 height=900></iframe><pre id=p></pre><script>"
        f"f.src='{page}';onload=()=>{{const d=[...f.contentDocument.images];"
        "p.textContent='pictures '+d.filter(i=>i.complete&&i.naturalWidth).length+' of '+d.length"
        "}</script>"
    )
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    words += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1800"]
    words += ["--allow-file-access-from-files", "--virtual-time-budget=5000"]

    def chromium(*more: str) -> subprocess.CompletedProcess[str]:
        assert CHROMIUM is not None
        return subprocess.run(
            [CHROMIUM, *words, *more], capture_output=True, text=True, timeout=120, check=True
        )

    dump = chromium("--dump-dom", probe.as_uri())
    assert "pictures 14 of 14" in dump.stdout
    drawn = chromium(f"--screenshot={shot}", page)
    assert [line for line in (dump.stderr + drawn.stderr).splitlines() if "CONSOLE" in line] == []
    with Image.open(shot) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (1800, 1400, 3)
    # Text, plots and noise, not an empty sheet.
    assert (pixels < 200).any(-1).mean() > 0.05
