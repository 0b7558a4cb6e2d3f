import json

import torch

from pellucid import Restorer, read_picture, read_raw
from pellucid.demo import SHOT, run_demo, sample, side_by_side


def test_the_sample_picture_is_whole():
    picture = sample()
    assert picture.shape == (3, 992, 1760) and picture.std() > 0.1


def test_side_by_side_takes_its_halves_from_left_and_right():
    both = side_by_side(torch.zeros(3, 4, 10), torch.full((3, 4, 10), 0.5))
    assert both[0, 0].tolist() == [0, 0, 0, 0, 1, 1, 0.5, 0.5, 0.5, 0.5]


def test_the_demo_gains_six_decibels_with_the_shipped_weights(tmp_path):
    scores = run_demo(tmp_path, Restorer.load("default"), lambda done, total: None)
    assert scores.psnr_restored >= scores.psnr_noisy + 6
    assert json.loads((tmp_path / "demo.json").read_text()) == vars(scores)
    raw = read_raw(tmp_path / "noisy.dng")
    assert raw.noise is not None and abs(raw.noise.shot.item() - SHOT) < 1e-6
    for name in ("noisy.png", "restored.png", "comparison.png"):
        assert read_picture(tmp_path / name).shape == (3, 992, 1760)
