"""benchmarks/widths.py takes features away, one resolution of one network at a time."""

import json

import numpy as np
import pytest
import widths
from PIL import Image

from pellucid.models import load_model


@pytest.fixture
def photos(tmp_path):
    noise = np.random.RandomState(0).randint(0, 256, (20, 20, 3), dtype=np.uint8)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC).save(folder / "a.png")
    return folder


def test_every_resolution_loses_its_share_and_pays_for_it(photos, tmp_path, capsys):
    words = f"--photos {photos} --noise-levels 2e-3 --share 0.5 --json {tmp_path / 'w.json'}"
    widths.measure(widths.parser().parse_args(words.split()))
    report = json.loads((tmp_path / "w.json").read_text())
    whole, *rows = report["rows"]
    net = load_model("default")
    assert whole["parameters"] == sum(p.numel() for p in net.parameters())
    kept = [net.raw_net.body.config.widths, net.srgb_net.body.config.widths]
    assert [row["width"] for row in rows] == [width // 2 for side in kept for width in side]
    assert [(row["side"], row["level"]) for row in rows[:: len(kept[0])]] == [
        ("raw", 0),
        ("srgb", 0),
    ]
    assert all(row["parameters"] < whole["parameters"] for row in rows)
    raw, srgb = rows[0], rows[len(kept[0])]
    assert raw["psnr"] < min(whole["psnr"], rows[len(kept[0]) - 1]["psnr"])
    assert srgb["psnr_colour"] < min(whole["psnr_colour"], rows[-1]["psnr_colour"])
    assert srgb["psnr"] == whole["psnr"], "the mosaic is none of the second network's"
    assert report["settings"]["share"] == 0.5 and "level 3" in capsys.readouterr().out


def test_networks_of_pictures_are_refused(photos, tmp_path):
    words = f"--photos {photos} --model denoise --json {tmp_path / 'w.json'}"
    with pytest.raises(widths.PellucidError, match="expected a network of raws"):
        widths.measure(widths.parser().parse_args(words.split()))
