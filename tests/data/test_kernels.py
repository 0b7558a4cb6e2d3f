import numpy as np
import pytest
import torch
from PIL import Image

from pellucid import FileError
from pellucid.data.kernels import CameraShake, KernelFolder, LinearMotion, drawn, read_kernels


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kernels", [CameraShake(), LinearMotion(), CameraShake(extent=(1.0, 2.0))])
def test_kernels_are_positive_sum_to_one_and_are_centred(kernels):
    for seed in range(30):
        kernel = kernels.kernel(of_seed(seed))
        side = kernel.shape[0]
        assert kernel.shape == (side, side) and side % 2 == 1
        assert kernel.min() >= 0 and kernel.sum().item() == pytest.approx(1, abs=1e-5)
        place = torch.arange(side) - side // 2
        assert abs((kernel.sum(0) * place).sum()) < 0.02
        assert abs((kernel.sum(1) * place).sum()) < 0.02


def extent(kernel):
    seen = kernel > 1e-3 * kernel.max()
    return max(int(seen.any(axis).sum()) for axis in (0, 1))


def test_paths_are_as_wide_as_asked():
    for seed in range(20):
        assert 15 <= extent(CameraShake((14.0, 14.0), width=(0.3, 0.3)).kernel(of_seed(seed))) <= 19


def test_straight_motion_has_its_length_and_angle():
    kernel = LinearMotion((20.0, 20.0), (30.0, 30.0)).kernel(of_seed(0))
    y, x = (torch.arange(kernel.shape[0]) - kernel.shape[0] // 2.0).expand(2, -1)
    xx, yy, xy = (
        (kernel * moment).sum() for moment in (x[None] ** 2, y[:, None] ** 2, x[None] * y[:, None])
    )
    assert torch.rad2deg(0.5 * torch.atan2(2 * xy, xx - yy)).item() == pytest.approx(30, abs=1)
    assert (xx + yy).item() == pytest.approx(20**2 / 12, rel=0.05)


def test_no_motion_is_no_blur():
    assert torch.equal(LinearMotion((0.0, 0.0)).kernel(of_seed(0)), torch.ones(1, 1))


def test_a_still_hand_moves_straight_and_a_shaky_one_does_not():
    def crookedness(pushes):
        shake = CameraShake(pushes=(pushes, pushes), pull=(0.0, 0.0), jerks=(0.0, 0.0))
        ways = [shake.path(of_seed(seed)) for seed in range(20)]
        return sum(
            (way.diff(dim=1).norm(dim=0).sum() / (way[:, -1] - way[:, 0]).norm()).item()
            for way in ways
        )

    assert crookedness(0.0) == pytest.approx(20, rel=1e-4)
    assert crookedness(1.0) > 22


def test_jerks_turn_the_path_round():
    shake = CameraShake(pushes=(0.0, 0.0), pull=(0.0, 0.0), jerks=(3.0, 3.0))
    turns = [
        (torch.cosine_similarity(steps[:, 1:], steps[:, :-1], dim=0) < -0.8).sum().item()
        for steps in (shake.path(of_seed(seed)).diff(dim=1) for seed in range(60))
    ]
    assert sum(turns) / 60 == pytest.approx(3, abs=4 * (3 / 60) ** 0.5)


def test_measured_kernels_are_read_and_centred(tmp_path):
    pixels = np.zeros((6, 9), np.uint8)
    pixels[1, 2:7] = (10, 20, 30, 20, 10)
    Image.fromarray(pixels).save(tmp_path / "kernel1.png")
    Image.fromarray(pixels).save(tmp_path / "im1.png")
    kernels = KernelFolder(tmp_path)
    kernel = kernels.kernel(of_seed(0))
    assert kernel.shape == (5, 5) and kernels.reach == 2
    torch.testing.assert_close(kernel[2] * 9, torch.tensor([1.0, 2, 3, 2, 1]))


def test_a_folder_without_kernels_is_refused(tmp_path):
    Image.new("L", (5, 5)).save(tmp_path / "im1.png")
    with pytest.raises(FileError, match="holds no kernels; expected pictures named kernel"):
        read_kernels(tmp_path)
    with pytest.raises(FileError, match="is black; expected a kernel"):
        read_kernels(tmp_path, ("im1.png",))


def test_a_path_is_drawn_about_its_middle():
    kernel = drawn(torch.tensor([5.0, 5.0]), torch.tensor([1.0, 3.0]))
    assert torch.equal(kernel, torch.tensor([[0, 0, 0], [0.5, 0, 0.5], [0, 0, 0]]))
