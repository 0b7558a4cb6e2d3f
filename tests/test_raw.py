"""Records hold float32 and keep their types in batches; a camera's smallest gain is 1."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import default_collate

from pellucid.bayer import Padding
from pellucid.color import cam_to_srgb
from pellucid.raw import Camera, Noise, RawImage, SensorFrame

XYZ_TO_CAM = [[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]
GAINS = [2.0, 1.0, 1.5]


class Item(NamedTuple):
    mosaic: Tensor
    camera: Camera
    noise: Noise


@pytest.mark.parametrize(
    "make", [list, np.array, torch.tensor, lambda v: np.array(v, dtype=np.float32)]
)
def test_constructors_make_float32(make):
    camera = Camera(make(GAINS), make(np.eye(3).tolist()), make(XYZ_TO_CAM))
    noise = Noise(make(GAINS), make(GAINS))
    assert {value.dtype for value in (*camera, *noise)} == {torch.float32}
    assert {value.dtype for value in Camera.of(make(XYZ_TO_CAM), make(GAINS))} == {torch.float32}


@pytest.mark.parametrize("number", [1e-3, np.float64(1e-3), 1])
def test_numbers_become_float32_scalars(number):
    noise = Noise(number, number)
    assert [(value.dtype, value.shape) for value in noise] == [(torch.float32, ())] * 2
    assert noise.shot.item() == pytest.approx(float(number))


def test_tensors_keep_their_precision():
    """Gradients are checked in float64, and nothing is copied."""
    shot = torch.tensor(1e-3, dtype=torch.float64)
    assert Noise(shot, shot).shot is shot


def test_records_survive_a_batch():
    items = [
        Item(
            torch.full((1, 2, 2), float(n)),
            Camera.of(XYZ_TO_CAM, GAINS),
            Noise(n * 1e-3, [1e-6] * 3),
        )
        for n in range(3)
    ]
    batch = default_collate(items)
    assert (type(batch), type(batch.camera), type(batch.noise)) == (Item, Camera, Noise)
    assert batch.camera.white_balance.shape == (3, 3)
    assert batch.camera.cam_to_srgb.shape == batch.camera.xyz_to_cam.shape == (3, 3, 3)
    assert batch.noise.read.shape == (3, 3)
    assert torch.equal(batch.noise.shot, torch.tensor([0.0, 1e-3, 2e-3]))
    assert {value.dtype for value in (*batch.camera, *batch.noise)} == {torch.float32}
    for n, item in enumerate(items):
        assert all(torch.equal(b[n], i) for b, i in zip(batch.camera, item.camera, strict=True))


def test_camera_of_normalises_gains_of_any_scale():
    gains = torch.tensor([[2048.0, 1024, 1536], [0.9, 1.8, 0.6], [1, 1, 1]])
    camera = Camera.of(torch.tensor(XYZ_TO_CAM), gains)
    assert torch.allclose(camera.white_balance.amin(-1), torch.ones(3))
    expected = torch.tensor([[2, 1, 1.5], [1.5, 3, 1], [1, 1, 1]])
    assert torch.allclose(camera.white_balance, expected)
    assert torch.equal(camera.cam_to_srgb, cam_to_srgb(torch.tensor(XYZ_TO_CAM)))


def test_trim_leaves_the_visible_part():
    camera = Camera.of(XYZ_TO_CAM, GAINS)
    picture = torch.arange(3 * 6 * 8.0).reshape(3, 6, 8)
    frame = SensorFrame(
        np.zeros((9, 9), np.uint16), 1, 1, 5, 6, "BGGR", Padding(1, 1, 1, 0), (0, 0, 0, 0), 1023
    )
    assert RawImage(picture[:1], camera).trim(picture) is picture
    trimmed = RawImage(picture[:1], camera, source=frame).trim(picture)
    assert torch.equal(trimmed, picture[:, 1:, 1:7])
