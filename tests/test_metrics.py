"""Metrics against independent implementations, and on pictures whose answer is known."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from skimage.color import deltaE_ciede2000, rgb2lab, rgb2ycbcr
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from pellucid.data.degradations import eight_bits
from pellucid.errors import FileError, PellucidError
from pellucid.metrics import MEASURES, Needs, Protocol, luma, measures_of, psnr
from pellucid.metrics.color_difference import ciede2000, lab_difference
from pellucid.metrics.edge_rise import edge_rise
from pellucid.metrics.flat_noise import flat_noise
from pellucid.metrics.registration import sampled, shifted, warped
from pellucid.metrics.seams import seam_score
from pellucid.metrics.similarity import ms_ssim, ssim


def smooth(height: int, width: int, seed: int = 0, cells: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, cells, cells, generator=generator)
    return F.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)[0]


def noisy(clean: torch.Tensor, sigma: float = 0.05, seed: int = 1) -> torch.Tensor:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return (clean + sigma * noise).clamp(0, 1)


# -- fidelity --------------------------------------------------------------------------------------


def test_ssim_agrees_with_scikit_image():
    clean = smooth(40, 50)
    pair = noisy(clean), clean
    a, b = (p.double().numpy() for p in pair)
    same = {"data_range": 1, "channel_axis": 0}
    gaussian = {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5}
    expected = structural_similarity(a, b, **same, **gaussian)
    assert ssim(*pair) == pytest.approx(expected, abs=1e-9)
    assert ssim(*pair, "uniform") == pytest.approx(structural_similarity(a, b, **same), abs=1e-9)


@pytest.mark.parametrize("window", ["padded", "volume"])
def test_matlabs_windows_repeat_the_edges(window):
    """SSIM written out again with SciPy's filter; `volume` blurs across colours too."""
    clean = smooth(24, 20)
    a, b = noisy(clean).double().numpy(), clean.double().numpy()

    def mean(p):
        sigma = 1.5 if window == "volume" else (0, 1.5, 1.5)
        return gaussian_filter(
            p, sigma, mode="nearest", radius=5 if window == "volume" else (0, 5, 5)
        )

    c1, c2 = 1e-4, 9e-4
    m, n = mean(a), mean(b)
    top = (2 * m * n + c1) * (2 * (mean(a * b) - m * n) + c2)
    bottom = (m * m + n * n + c1) * (mean(a * a) - m * m + mean(b * b) - n * n + c2)
    got = ssim(torch.from_numpy(a), torch.from_numpy(b), window)
    assert got == pytest.approx((top / bottom).mean(), abs=1e-9)


@pytest.mark.parametrize("shape", [(40, 52), (11, 12)])
def test_ssim_of_mirrored_edges_is_that_of_torchmetrics(shape):
    clean = smooth(*shape)
    pair = noisy(clean, 0.1), clean
    theirs = structural_similarity_index_measure(pair[0][None], pair[1][None], data_range=1.0)
    assert ssim(*pair, "mirrored") == pytest.approx(theirs.item(), abs=2e-6)


def test_ms_ssim_agrees_with_torchmetrics_and_needs_176_pixels():
    clean = smooth(192, 200)
    pair = noisy(clean, 0.1), clean
    expected = multiscale_structural_similarity_index_measure(
        pair[0][None], pair[1][None], data_range=1.0, normalize=None
    )
    # Theirs mirrors the borders.
    assert ms_ssim(*pair) == pytest.approx(expected.item(), abs=5e-3)
    assert ms_ssim(clean, clean) == pytest.approx(1)
    assert math.isnan(ms_ssim(clean[:, :175], clean[:, :175]))


def test_luma_is_matlabs():
    picture = smooth(9, 11)
    expected = rgb2ycbcr(picture.double().numpy(), channel_axis=0)[0]
    np.testing.assert_allclose(luma(picture)[0].numpy() * 255, expected, atol=1e-9)
    assert (luma(picture, rounded=True) * 255).frac().abs().max() < 1e-9


def test_ciede2000_agrees_with_scikit_image():
    clean = smooth(20, 30)
    other = noisy(clean, 0.2)
    a, b = (rgb2lab(p.double().numpy(), channel_axis=0) for p in (clean, other))
    expected = deltaE_ciede2000(a, b, channel_axis=0)
    assert ciede2000(other, clean) == pytest.approx(expected.mean(), abs=2e-3)
    got = lab_difference(torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-9)
    assert ciede2000(clean, clean) == 0


def test_ciede2000_of_the_papers_pairs():
    """Sharma et al. 2005, table 1, pairs 1, 7, 16, 17 and 25."""
    one = [
        [50, 2.6772, -79.7751],
        [50, 0, 0],
        [50, 2.5, 0],
        [50, 2.5, 0],
        [60.2574, -34.0099, 36.2677],
    ]
    other = [
        [50, 0, -82.7485],
        [50, -1, 2],
        [50, 0, -2.5],
        [73, 25, -18],
        [60.4626, -34.1751, 39.4387],
    ]
    pair = (torch.tensor(each, dtype=torch.float64).T[:, :, None] for each in (one, other))
    expected = [2.0425, 2.3669, 4.3065, 27.1492, 1.2644]
    np.testing.assert_allclose(lab_difference(*pair)[:, 0].numpy(), expected, atol=6e-5)


def test_a_protocol_clips_rounds_and_cuts():
    truth = eight_bits(smooth(20, 24))
    output = truth + 0.3 / 255
    output[0, 0, 0] = 9.0
    assert psnr(*Protocol(border=1).compared(output, truth)[:2]) == math.inf
    assert Protocol(rounded=False, border=1).compared(output, truth).restored.shape == (3, 18, 22)
    assert "rounded to 8 bits" in Protocol().words() and "not rounded" in Protocol(False).words()


# -- alignment -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("down", "across"), [(0, 0), (3, -2), (-1.25, 4.5)])
def test_a_shift_is_found(down, across):
    scene = smooth(96, 96, cells=12).double()
    move = torch.eye(3, dtype=torch.float64)
    move[1, 2], move[0, 2] = down, across
    moved, _ = sampled(scene, move)
    restored, truth, mask = shifted(moved, scene, 15)
    assert restored.shape == truth.shape == (3, 66, 66) and mask is None
    whole = down == int(down) and across == int(across)
    assert psnr(restored, truth) > (200 if whole else 38)
    assert psnr(restored, truth) > psnr(moved[:, 15:-15, 15:-15], truth) + 8 or not (down or across)


def test_a_shift_needs_a_border():
    with pytest.raises(PellucidError, match="the border is 5; expected 6 or more"):
        Protocol(alignment="shift", border=5).compared(smooth(40, 40), smooth(40, 40))


def test_a_homography_and_a_change_of_brightness_are_undone():
    scene = smooth(120, 130, cells=24).double()
    warp = torch.tensor(
        [[1.01, 0.004, 2.0], [-0.003, 0.995, -1.5], [2e-5, -1e-5, 1]], dtype=torch.float64
    )
    moved, _ = sampled(scene, warp)
    restored, truth, mask = warped(moved, scene)
    assert mask is not None and 0.9 < mask.mean() < 1
    # As published, the brightness is settled before the warp, on pictures that do not match yet.
    scaled = restored * (restored * truth).sum() / restored.square().sum()
    assert psnr(moved, scene) < 15 < 32 < psnr(scaled, truth, mask)
    dimmed = warped(0.9 * scene, scene)
    assert psnr(dimmed.restored, dimmed.truth) > 100


def test_masked_scores_are_those_of_the_inside():
    truth = smooth(60, 60)
    output, mask = noisy(truth), torch.zeros(60, 60)
    mask[10:40, 10:50] = 1
    inside = output[:, 10:40, 10:50], truth[:, 10:40, 10:50]
    assert psnr(output, truth, mask) == pytest.approx(psnr(*inside))
    assert ssim(output, truth, mask=torch.ones(60, 60)) == pytest.approx(ssim(output, truth))


# -- without a truth -------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_noise_in_flat_areas_is_measured(sigma):
    clean = smooth(160, 160, cells=4) * 0.5 + 0.25
    noise = sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    assert flat_noise(clean + noise, clean) == pytest.approx(255 * sigma, rel=0.05)
    assert flat_noise(clean, clean) < 0.3


def step_edge(sigma: float) -> torch.Tensor:
    """A slanted edge whose line spread is a Gaussian."""
    y, x = torch.meshgrid(torch.arange(120.0), torch.arange(120.0), indexing="ij")
    apart = ((x - 60) + 0.2 * (y - 60)) / math.hypot(1, 0.2)
    return (0.2 + 0.6 * torch.special.ndtr(apart / sigma)).expand(3, -1, -1)


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0])
def test_the_rise_of_an_edge(sigma):
    """A Gaussian's 10-90 % distance is 2.563 sigma."""
    edge = step_edge(sigma)
    assert edge_rise(edge, edge) == pytest.approx(2.563 * sigma, rel=0.09)
    assert math.isnan(edge_rise(torch.full((3, 80, 80), 0.5), torch.full((3, 80, 80), 0.5)))


def test_seams_are_seen_where_tiles_meet():
    change = 0.02 * torch.randn(3, 90, 100, generator=torch.Generator().manual_seed(0))
    assert seam_score(change, 50) == pytest.approx(1, abs=0.25)
    stepped = change.clone()
    stepped[:, :, 50:] += 0.1
    assert seam_score(stepped, 50) > 1.7
    assert math.isnan(seam_score(change, 100))


# -- by name ---------------------------------------------------------------------------------------


def test_measures_that_need_files_say_so(tmp_path):
    for name, backbone in (("lpips", "AlexNet"), ("dists", "VGG16")):
        with pytest.raises(PellucidError, match=f"{name} needs weights.*{backbone}"):
            measures_of([name])
    bad = tmp_path / "weights.pth"
    bad.write_text("none")
    with pytest.raises(FileError, match="holds no weights"):
        measures_of(["lpips"], Needs(lpips=(str(bad),)))
    with pytest.raises(FileError, match="holds no model of NIQE"):
        measures_of(["niqe"], Needs(niqe=str(bad)))


def test_every_measure_ranks_a_noisy_picture_below_the_truth():
    clean = smooth(192, 192, cells=60)
    for measure in (*MEASURES.values(), *measures_of(["niqe"])):
        if measure.name == "edges":
            continue
        worse, better = (
            measure.of(Protocol().compared(output, clean, clean))
            for output in (noisy(clean, 0.2), noisy(clean, 0.02))
        )
        assert (better > worse) == measure.higher, measure.name
