import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pellucid import Noise, Rendering, render
from pellucid.bayer import mosaic_of
from pellucid.benchmarks.synthetic import (
    GAINS,
    Row,
    evaluate,
    isp_alone,
    law_noise,
    scene,
    settings_of,
    synthetic_benchmark,
    truth,
    truth_in_colour,
    write_rows,
)
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.metrics import score

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path):
    stream = np.random.RandomState(0)
    for i in range(3):
        smooth = np.asarray(
            Image.fromarray(stream.randint(0, 256, (9, 9, 3), dtype=np.uint8)).resize((100, 80))
        )
        Image.fromarray(smooth).save(tmp_path / f"{i}.png")
    return tmp_path


def test_metrics_agree_with_an_independent_implementation():
    torch.manual_seed(0)
    clean = torch.rand(3, 48, 56)
    noisy = clean + 0.1 * torch.randn_like(clean)
    got = score(noisy, clean, border=4)
    a, b = (p.clamp(0, 1)[:, 4:-4, 4:-4].double().numpy() for p in (clean, noisy))
    assert got.psnr == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1), abs=1e-4)
    ssim = structural_similarity(
        a,
        b,
        data_range=1,
        channel_axis=0,
        gaussian_weights=True,
        use_sample_covariance=False,
        sigma=1.5,
    )
    assert got.ssim == pytest.approx(ssim, abs=2e-3)


def test_the_scene_is_the_one_of_the_definition(photos):
    """Written out again by hand, for the second picture and camera."""
    noise = law_noise(0.02)
    assert float(noise.read) == pytest.approx(math.exp(2.5407 * math.log(0.02) + 1.2182), rel=1e-6)
    one = scene(photos / "1.png", 1, noise)
    pixels = np.asarray(Image.open(photos / "1.png"), dtype=np.float64)[8:72, 2:98] / 255
    linear = 0.7 * np.where(pixels < 0.081, pixels / 4.5, ((pixels + 0.099) / 1.099) ** (1 / 0.45))
    camera = list(XYZ_TO_CAM)[1]
    assert camera == "SonyA7R" and GAINS[1] == (1.6, 1, 2.1)
    inverse = np.linalg.inv(one.raw.camera.cam_to_srgb.double().numpy())
    rgb = (linear @ inverse.T).clip(0, 1) / np.array(GAINS[1])
    mosaic = np.empty((64, 96))
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = rgb[0::2, 0::2, 0], rgb[1::2, 1::2, 2]
    mosaic[0::2, 1::2], mosaic[1::2, 0::2] = rgb[0::2, 1::2, 1], rgb[1::2, 0::2, 1]
    np.testing.assert_allclose(one.clean[0].numpy(), mosaic, atol=2e-6)
    stream = np.random.RandomState(1)
    values, shot, read = one.clean.numpy().astype(np.float64), float(noise.shot), float(noise.read)
    noisy = stream.poisson(values / shot) * shot + stream.normal(0, read**0.5, values.shape)
    np.testing.assert_allclose(one.raw.mosaic.numpy(), noisy.clip(max=1), atol=1e-6)
    assert one.raw.mosaic.min() < 0


def test_a_perfect_model_is_perfect_and_rows_are_written(photos, tmp_path):
    def perfect(raw, rendering):
        number = next(i for i in range(3) if torch.equal(raw.mosaic, scenes[i].raw.mosaic))
        return truth(scenes[number], rendering)

    scenes = [scene(photos / f"{i}.png", i, Noise(1e-5, 8e-7)) for i in range(3)]
    calls = []
    rows = list(
        evaluate({"input": isp_alone}, photos, [0.002], [0.0, 0.5], 2, lambda: calls.append(1))
    )
    assert [(r.noise_level, r.tone, r.n) for r in rows] == [
        (k, a, 2) for k in (0.002, 1e-5, 1e-4) for a in (0.0, 0.5)
    ]
    assert len(calls) == 12 and rows[2].psnr > rows[0].psnr
    assert score(perfect(scenes[2].raw, Rendering()), truth(scenes[2], Rendering())).ssim == 1.0
    write_rows(tmp_path / "rows.json", rows, {"limit": 2})
    written = json.loads((tmp_path / "rows.json").read_text())
    assert set(written) == {"settings", "rows"} and written["settings"]["limit"] == 2
    assert {"model", "noise_level", "tone", "psnr", "ssim", "seconds", "n"} <= set(
        written["rows"][0]
    )


def test_scores_hang_on_all_photographs_however_many_are_judged(photos):
    settings = settings_of([2e-4], [0.0])
    paths = synthetic_benchmark(photos, settings).files
    assert len(paths) > 1 and synthetic_benchmark(photos, settings, 1).files == paths


def test_truth_is_the_rendered_clean_mosaic(photos):
    one = scene(photos / "0.png", 0, law_noise(0.002))
    torch.testing.assert_close(
        truth(one, Rendering(1.0, 0.5)), render(one.clean, one.raw.camera, Rendering(1.0, 0.5))
    )


def test_the_truth_in_colour_is_the_photograph_where_nothing_clips(photos):
    one = scene(photos / "0.png", 0, law_noise(0.002))
    developed, in_colour = truth(one, Rendering()), truth_in_colour(one, Rendering())
    assert developed.shape == in_colour.shape
    mosaic = mosaic_of(one.colour / one.raw.camera.white_balance[:, None, None])
    torch.testing.assert_close(mosaic, one.clean)
    grey = one._replace(colour=torch.full_like(one.colour, 0.18))
    expected = 1.099 * 0.18**0.45 - 0.099
    torch.testing.assert_close(
        truth_in_colour(grey, Rendering()), torch.full_like(in_colour, expected)
    )


def test_the_readme_and_the_card_tell_the_scores_that_were_measured():
    report = json.loads((ROOT / "benchmarks/results/synthetic_kodak24.json").read_text())
    assert "/" not in report["settings"]["photos"]
    pages = [(ROOT / name).read_text() for name in ("README.md", "src/pellucid/weights/default.md")]
    rows = [Row(**row) for row in report["rows"]]
    for before, after in zip(rows[::2], rows[1::2], strict=True):
        cells = [f"{after.noise_level:g}", f"{after.read:.2g}", f"{after.tone:g}"]
        cells += [f"{row.psnr_colour:.2f} dB" for row in (before, after)]
        cells += [f"{after.psnr_colour - before.psnr_colour:+.2f} dB"]
        cells += [f"{row.psnr:.2f} dB / {row.ssim:.3f}" for row in (before, after)]
        line = f"| {' | '.join(cells)} | {after.psnr - before.psnr:+.2f} dB |\n"
        assert line in pages[1] and (line in pages[0]) == (after.tone == 0.5), line
