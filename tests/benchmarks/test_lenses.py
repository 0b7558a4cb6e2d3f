"""benchmarks/lenses.py judges by what a lens drew; lens_shifts.py measures what real ones do."""

import json

import lens_shifts
import lenses
import numpy as np
import pytest
import torch
from PIL import Image

from pellucid.bayer import mosaic_of
from pellucid.benchmarks.synthetic import law_noise, scene, scene_of, seen_by_camera
from pellucid.data.lens import through_lens
from pellucid.data.photos import photographs
from pellucid.networks.dual_domain import Restored


@pytest.fixture
def photos(tmp_path):
    stream = np.random.RandomState(0)
    for i in range(2):
        grey = Image.fromarray(stream.randint(0, 256, (29, 29), dtype=np.uint8)).convert("RGB")
        grey.resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / f"{i}.png")
    return photographs(tmp_path)


def test_no_lens_is_the_synthetic_benchmark_itself(photos):
    noise = law_noise(2e-3)
    plain = scene(photos[1], 1, noise)
    colour, camera = seen_by_camera(photos[1], 1)
    assert torch.equal(lenses.Drawn(0, 0)(colour), colour)
    through = scene_of(lenses.Drawn(0, 0)(colour), camera, 1, noise)
    assert torch.equal(through.raw.mosaic, plain.raw.mosaic)


def test_the_truth_is_what_the_lens_drew(photos):
    class Perfect:
        """A restorer that knows the scene."""

        def __init__(self, lens):
            self.lens, self.number = lens, 0

        def __call__(self, raw, rendering):
            colour, camera = seen_by_camera(photos[self.number], self.number)
            one = scene_of(self.lens(colour), camera, self.number, raw.noise)
            self.number += 1
            return Restored(one.clean, lenses.truth_in_colour(one, rendering))

    lens = lenses.Drawn(1, 0.7)
    rows = list(lenses.judged(photos, lens, law_noise(2e-3), {"perfect": Perfect(lens)}, 0.5))
    found = {row.model: row.psnr_colour for row in rows}
    assert found["perfect"] > 100 and max(found["malvar2004"], found["ahd"]) < 60
    unaware = {"perfect": Perfect(lenses.Drawn(0, 0))}
    rows = list(lenses.judged(photos, lens, law_noise(2e-3), unaware, 0.5))
    assert {row.model: row.psnr_colour for row in rows}["perfect"] < 40


def test_shifts_cost_demosaickers_and_the_file_says_all(photos, tmp_path, capsys):
    said = lenses.parser().parse_args(
        ["--photos", str(photos[0].parent), "--limit", "1", "--noise-levels", "1e-5,2e-3"]
        + ["--json", str(tmp_path / "l.json")]
    )
    said.models = []
    lenses.measure(said)
    report = json.loads((tmp_path / "l.json").read_text())
    assert report["settings"]["limit"] == 1 and report["settings"]["tone"] == 0.5
    rows = report["rows"]
    assert len(rows) == 2 * len(lenses.LENSES) * 2
    law = float(law_noise(2e-3).read)
    levels = sorted({(row["shot"], row["read"]) for row in rows})
    assert levels == [(1e-5, 8e-7), (2e-3, pytest.approx(law, rel=1e-5))]
    for model in lenses.DEMOSAICKERS:
        by_shift = [
            row["psnr_colour"]
            for row in rows
            if row["model"] == model and row["shot"] == 1e-5 and not row["blur"]
        ]
        assert by_shift[0] > by_shift[2] > by_shift[-1]
    assert "malvar2004" in capsys.readouterr().out


def test_shifts_of_real_raws_are_found_where_they_are_planted():
    stream = torch.Generator().manual_seed(0)
    grey = torch.rand(1, 1, 60, 60, generator=stream).expand(1, 3, 60, 60)
    scene = torch.nn.functional.interpolate(grey, (240, 240), mode="bicubic")[0].clamp(0, 1)
    gains = torch.tensor([0.4, 0.9, 0.5])[:, None, None]
    drawn = gains * through_lens(scene, (0.6, 0, -0.3), (-0.2, 0, 0.9), (0.3, 0, 0.6))
    found = list(lens_shifts.tiles(mosaic_of(drawn)))
    assert len(found) >= 3
    for _, _, red, blue in found:
        assert (red.down, red.right) == pytest.approx((0.6, -0.2), abs=0.08)
        assert (blue.down, blue.right) == pytest.approx((-0.3, 0.9), abs=0.08)
    other = torch.rand(1, 3, 60, 60, generator=stream)
    unlike = torch.nn.functional.interpolate(other, (240, 240), mode="bicubic")[0]
    assert not list(lens_shifts.tiles(mosaic_of(unlike.clamp(0, 1)))), "colours that are not alike"
