"""Demosaicking agrees with colour-demosaicing, keeps flat fields flat and what was measured."""

import pytest
import torch
from colour_demosaicing import demosaicing_CFA_Bayer_bilinear, demosaicing_CFA_Bayer_Malvar2004

from pellucid.bayer import mosaic_of, pack
from pellucid.color import normalise_rows
from pellucid.demosaic import _green_weights, convolve, demosaic, linear_weights, polyphase

METHODS = ("nearest", "bilinear", "malvar2004", "ahd")
LINEAR = METHODS[:3]
XYZ_TO_CAM = torch.tensor(
    [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]]
)
CAM_TO_XYZ = torch.inverse(normalise_rows(XYZ_TO_CAM.double()))


def noise(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(
    ("method", "reference"),
    [
        ("bilinear", demosaicing_CFA_Bayer_bilinear),
        ("malvar2004", demosaicing_CFA_Bayer_Malvar2004),
    ],
)
def test_agrees_with_colour_demosaicing(method, reference):
    mosaic = noise(1, 20, 26)
    expected = torch.from_numpy(reference(mosaic[0].numpy(), "RGGB")).movedim(-1, 0)
    inside = (slice(None), slice(2, -2), slice(2, -2))
    result = demosaic(mosaic, method)
    assert (result - expected)[inside].abs().max() < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_flat_fields_stay_flat_to_the_border(method):
    """Each channel at its own level, so that no channel may leak into another either."""
    levels = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64)[:, None, None].expand(3, 12, 14)
    grey = torch.full((3, 12, 14), 0.3, dtype=torch.float64)
    for picture in (levels, grey):
        result = demosaic(mosaic_of(picture), method, CAM_TO_XYZ)
        assert (result - picture).abs().max() < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_published_borders_darken_or_wrap(method):
    """DualDn pads with zeros; only `nearest` wraps round."""
    flat = demosaic(torch.full((1, 12, 14), 0.5), method, border="published")
    assert (flat[:, 4:-4, 4:-4] - 0.5).abs().max() < 1e-6
    assert (flat.min() < 0.4) == (method != "nearest")


@pytest.mark.parametrize("method", ("bilinear", "malvar2004"))
def test_ramps_are_reproduced(method):
    """Symmetric weights that sum to 1 reproduce every plane."""
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(18.0), indexing="ij")
    ramp = (0.1 + 0.02 * x + 0.01 * y).double().expand(3, 16, 18)
    assert (demosaic(mosaic_of(ramp), method) - ramp)[:, 2:-2, 2:-2].abs().max() < 1e-6


@pytest.mark.parametrize("wide", [4, 8, 10])
def test_ahd_interpolates_along_edges(wide):
    """Greens are taken along a stripe, not across it, whichever way it runs."""
    row = (torch.arange(24) // wide % 2 * 0.8 + 0.1).double()
    for picture in (row.expand(3, 24, 24), row[:, None].expand(3, 24, 24)):
        mosaic = mosaic_of(picture)
        ours, bilinear = (
            (demosaic(mosaic, m, CAM_TO_XYZ)[1] - picture[1]).abs().mean()
            for m in ("ahd", "bilinear")
        )
        assert ours <= 0.3 * bilinear


@pytest.mark.parametrize("method", METHODS[1:])
def test_rows_and_columns_are_alike(method):
    """RGGB transposed is RGGB; `nearest`, which looks left first, is left out."""
    mosaic = noise(1, 12, 14)
    turned = demosaic(mosaic.mT, method, CAM_TO_XYZ).mT
    assert torch.allclose(turned, demosaic(mosaic, method, CAM_TO_XYZ), rtol=0, atol=1e-12)


@pytest.mark.parametrize("border", ["mirror", "published"])
@pytest.mark.parametrize("method", METHODS)
def test_batch_equals_singles(method, border):
    mosaic = noise(2, 3, 1, 12, 14).float()
    matrix = CAM_TO_XYZ.float()
    batch = demosaic(mosaic, method, matrix.expand(2, 3, 3, 3), border)
    assert batch.shape == (2, 3, 3, 12, 14)
    for i in range(2):
        for j in range(3):
            single = demosaic(mosaic[i, j], method, matrix, border)
            assert torch.allclose(batch[i, j], single, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_measured_samples_are_kept(method):
    mosaic = noise(1, 12, 14)
    result = demosaic(mosaic, method, CAM_TO_XYZ)
    measured, given = pack(mosaic_of(result)), pack(mosaic)
    kept = [torch.equal(measured[site], given[site]) for site in range(4)]
    # DualDn's smoothed colour differences alter the measured reds and blues, and so does ours.
    assert kept == ([False, True, True, False] if method == "ahd" else [True] * 4)


@pytest.mark.parametrize("method", LINEAR)
def test_a_colour_comes_from_its_own_sites(method):
    """Weights sum to 1 over the sites of the colour they make, and to 0 over the others."""
    weights = linear_weights(method).sum((-2, -1)).reshape(3, 4, 4)
    for colour, sites in enumerate(((0,), (1, 2), (3,))):
        own = weights[colour][:, sites].sum(-1)
        others = weights[colour].sum(-1) - own
        assert torch.allclose(own, torch.ones(4)) and torch.allclose(others, torch.zeros(4))


def test_polyphase_is_a_filter_over_the_mosaic():
    kernel, mosaic = noise(5, 5), noise(1, 1, 12, 14)
    whole = torch.nn.functional.conv2d(mosaic, kernel[None, None], padding=2)
    planes = convolve(pack(mosaic), torch.stack([polyphase(kernel, site) for site in range(4)]))
    assert torch.allclose(planes, pack(whole), rtol=0, atol=1e-6)


@pytest.mark.parametrize("border", ["mirror", "published"])
@pytest.mark.parametrize("method", METHODS)
def test_gradcheck(method, border):
    """On random mosaics no direction of ahd is within the step of gradcheck, 1e-6, of a tie."""
    mosaic = noise(2, 1, 6, 8, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: demosaic(m, method, CAM_TO_XYZ, border), mosaic)


@pytest.mark.parametrize("method", METHODS)
def test_training_after_inference(method):
    """Filters that are made and kept under inference_mode would be refused by autograd."""
    linear_weights.cache_clear()
    _green_weights.cache_clear()
    mosaic = noise(1, 6, 8)
    with torch.inference_mode():
        demosaic(mosaic, method, CAM_TO_XYZ)
    demosaic(mosaic.requires_grad_(), method, CAM_TO_XYZ).sum().backward()
    assert mosaic.grad is not None
