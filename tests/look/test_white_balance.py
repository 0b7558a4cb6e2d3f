import pytest
import torch

from pellucid import Camera, unrender
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.demo import sample
from pellucid.look.white_balance import balanced, daylight_gains

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))


def test_camera_is_as_it_was():
    assert balanced(CAMERA, torch.rand(1, 8, 8), "camera") is CAMERA


def test_daylight_makes_d65_grey():
    grey = (CAMERA.xyz_to_cam @ torch.tensor([0.9505, 1.0, 1.089])) * daylight_gains(CAMERA)
    assert grey.tolist() == pytest.approx([1, 1, 1], rel=1e-3)


def test_gains_are_scaled_to_one():
    assert balanced(CAMERA, torch.rand(1, 8, 8), (4, 2, 3)).white_balance.tolist() == [2, 1, 1.5]


def test_auto_follows_the_light():
    """Another light changes the gains by as much; the photograph's own are near."""
    mosaic = unrender(sample()[:, :512, :512], CAMERA)
    first = balanced(CAMERA, mosaic, "auto").white_balance
    redder = mosaic.clone()
    redder[:, ::2, ::2] *= 0.5
    second = balanced(CAMERA, redder, "auto").white_balance
    ratio = (second / first) / (second / first)[1]
    assert ratio.tolist() == pytest.approx([2, 1, 1], rel=0.15)


def test_auto_of_a_flat_picture_is_grey():
    flat = unrender(torch.full((3, 64, 64), 0.5), CAMERA)
    gains = balanced(CAMERA, flat, "auto").white_balance
    assert gains.tolist() == pytest.approx([2, 1, 1.6], rel=1e-3)
