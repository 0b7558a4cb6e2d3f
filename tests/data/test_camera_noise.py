import pytest
import torch
import torch.nn.functional as F

from pellucid.data.camera_noise import CameraNoise, jpeg, sharpened, smoothed
from pellucid.noise_laws import BoxLaw

SILENT = BoxLaw((1e-12, 1e-12), (1e-12, 1e-12))
PLAIN = {"luma": (0.0, 0.0), "chroma": (0.0, 0.0), "sharpening": (0.0, 0.0), "jpeg": None}


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def smooth():
    coarse = 0.2 + 0.5 * torch.rand(1, 3, 4, 4, generator=of_seed(0))
    return F.interpolate(coarse, (64, 64), mode="bicubic", align_corners=True)[0].clamp(0, 1)


def rms(difference):
    return difference.square().mean().sqrt().item()


@pytest.mark.parametrize("seed", range(4))
def test_without_noise_every_camera_gives_the_picture_back(smooth, seed):
    back = CameraNoise(SILENT, **PLAIN)(smooth, of_seed(seed))
    assert rms(back - smooth) < 0.01


def test_exposure_and_colours_stay(smooth):
    light = BoxLaw((1e-3, 1e-3), (1e-6, 1e-6))
    noisy = torch.stack([CameraNoise(light)(smooth, of_seed(seed)) for seed in range(20)])
    assert rms(noisy[0] - smooth) > 0.02
    torch.testing.assert_close(noisy.mean((0, 2, 3)), smooth.mean((1, 2)), atol=0.02, rtol=0)


def test_more_noise_in_the_raw_is_more_in_the_picture(smooth):
    levels = [
        rms(CameraNoise(BoxLaw((k, k), (1e-9, 1e-9)), **PLAIN)(smooth, of_seed(3)) - smooth)
        for k in (1e-4, 1e-3, 1e-2)
    ]
    assert levels[1] > 2 * levels[0] and levels[2] > 2 * levels[1]


def test_rows_share_an_offset(smooth):
    law = BoxLaw((1e-9, 1e-9), (1e-4, 1e-4))
    striped, white = (
        CameraNoise(law, **PLAIN, row=(row, row))(smooth, of_seed(1)) - smooth for row in (2.0, 0.0)
    )
    ratio = striped.mean(-1).var() / striped.mean(-2).var()
    assert ratio > 5 > 3 * white.mean(-1).var() / white.mean(-2).var()


def test_the_cameras_own_denoiser_leaves_coarse_colours_and_the_edges(smooth):
    law = BoxLaw((5e-3, 5e-3), (1e-9, 1e-9))
    soft = {**PLAIN, "chroma": (2.0, 2.0)}
    colours = []
    for options in (PLAIN, soft):
        noise = CameraNoise(law, **options)(smooth, of_seed(1)) - smooth
        colour = noise - noise.mean(0)
        colours.append((colour[..., 2:] * colour[..., :-2]).mean() / colour.square().mean())
    assert colours[0] < 0.3 and colours[1] > 0.7
    edge = torch.zeros(3, 32, 32)
    edge[:, :, 16:] = 0.8
    plain, softer = (CameraNoise(SILENT, **o)(edge, of_seed(1)) for o in (PLAIN, soft))
    torch.testing.assert_close(plain, softer, atol=1e-4, rtol=0)


def test_smoothing_keeps_grey_noise_grey():
    noise = torch.randn(1, 20, 20, generator=of_seed(0)).expand(3, -1, -1)
    torch.testing.assert_close(smoothed(noise, 0.0, 3.0), noise)
    assert smoothed(noise, 1.0, 0.0).var() < 0.2 * noise.var()


def test_sharpening_steepens_edges_and_keeps_flat_parts():
    edge = torch.full((3, 8, 8), 0.3)
    edge[:, :, 4:] = 0.6
    sharp = sharpened(edge, 1.0)
    assert sharp[0, 4, 4] > 0.65 and sharp[0, 4, 3] < 0.25
    torch.testing.assert_close(sharp[..., [0, 1, 6, 7]], edge[..., [0, 1, 6, 7]])
    assert torch.equal(sharpened(edge, 0.0), edge)


def test_jpeg_loses_with_quality_and_with_halved_colours():
    picture = torch.rand(3, 33, 21, generator=of_seed(0))
    best, worse, halved = (
        rms(jpeg(picture, *how) - picture) for how in ((100, False), (60, False), (100, True))
    )
    assert best < 0.01 < 0.05 < worse and halved > 0.05
    assert jpeg(picture, 100, False).shape == picture.shape


def test_pictures_come_out_of_a_file(smooth):
    levels = 255 * CameraNoise()(smooth, of_seed(0))
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
