"""Curves invert each other, their slopes are autograd's, and matrices keep grey, as dcraw's do."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pellucid.color import (
    SRGB_TO_XYZ,
    apply_matrix,
    cam_to_srgb,
    decode,
    encode,
    encode_slope,
    normalise_rows,
)

TRANSFERS = ("rec709", "gamma2.2", "srgb", "linear")
# ColorMatrix2 of a Sony A7R and of a Nexus 6P (DND's info.mat).
XYZ_TO_CAM = torch.tensor(
    [
        [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
    ],
    dtype=torch.float64,
)


def light(low=0.0, high=1.0, n=2001):
    return torch.linspace(low, high, n, dtype=torch.float64)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_decode_inverts_encode(transfer):
    linear = light(1e-8)
    back = decode(encode(linear, transfer), transfer)
    assert torch.allclose(back, linear, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_encode_inverts_decode(transfer):
    display = light(1e-3)
    # The published Rec.709 constants leave a gap of 2.5e-4 between line and curve, sRGB's of 3e-8.
    tolerance = {"rec709": 2.6e-4, "srgb": 1e-6}.get(transfer, 1e-12)
    assert (encode(decode(display, transfer), transfer) - display).abs().max() <= tolerance


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_curves_are_monotone_and_keep_black_and_white(transfer):
    linear = light(-0.5, 1.5)
    assert (encode(linear, transfer).diff() >= 0).all()
    ends = encode(torch.tensor([0.0, 1.0], dtype=torch.float64), transfer)
    # gamma2.2 is cut at 1e-8, as DualDn's, and so never quite black.
    assert ends[0] == pytest.approx(2.31e-4 if transfer == "gamma2.2" else 0, abs=1e-6)
    assert ends[1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("transfer", "linear", "display"),
    [
        ("rec709", 0.01, 0.045),
        ("rec709", 0.18, 0.409008),
        ("srgb", 0.18, 0.461356),
        ("srgb", 0.002, 0.02584),
        ("gamma2.2", 0.18, 0.458656),
    ],
)
def test_curves_at_known_points(transfer, linear, display):
    assert encode(torch.tensor(linear), transfer).item() == pytest.approx(display, abs=2e-6)


@pytest.mark.parametrize("transfer", TRANSFERS)
@settings(deadline=None, max_examples=50)
@given(value=st.floats(-0.2, 1.5))
@example(value=0.018)  # the knees themselves
@example(value=0.0031308)
def test_slope_is_autograds(transfer, value):
    linear = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(encode(linear, transfer), linear)
    # Below 1e-8 gamma2.2 is cut: encode passes no gradient there, encode_slope the limit.
    if not (transfer == "gamma2.2" and value <= 1e-8):
        assert encode_slope(linear.detach(), transfer).item() == pytest.approx(
            slope.item(), rel=1e-9
        )
    assert torch.isfinite(slope)


@pytest.mark.parametrize("transfer", TRANSFERS)
@pytest.mark.parametrize("curve", [encode, decode])
def test_gradcheck_of_curves(curve, transfer):
    # Both sides of every knee, none on it.
    x = torch.tensor([0.001, 0.01, 0.03, 0.07, 0.2, 0.9, 1.2], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda v: curve(v, transfer), x.requires_grad_())


@pytest.mark.parametrize(("transfer", "knee"), [("rec709", 0.081), ("srgb", 0.04045)])
def test_decode_has_a_slope_on_its_knee(transfer, knee):
    display = torch.tensor(knee, requires_grad=True)
    (slope,) = torch.autograd.grad(decode(display, transfer), display)
    expected = 1 / encode_slope(decode(display.detach(), transfer) + 1e-4, transfer)
    assert slope.item() == pytest.approx(expected.item(), rel=0.05)


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_gradients_are_finite_where_powers_are_not(transfer):
    for curve in (encode, decode):
        x = torch.tensor([-1.0, -1e-9, 0.0, 1e-12], requires_grad=True)
        (gradient,) = torch.autograd.grad(curve(x, transfer).sum(), x)
        assert torch.isfinite(gradient).all()


def test_gradcheck_of_matrices():
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(2, 3, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    matrix = XYZ_TO_CAM.clone().requires_grad_()
    assert torch.autograd.gradcheck(apply_matrix, (picture, matrix))
    assert torch.autograd.gradcheck(cam_to_srgb, matrix)


def test_apply_matrix_is_a_product_at_every_pixel():
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    result = apply_matrix(picture, XYZ_TO_CAM)
    for b in range(2):
        singly = apply_matrix(picture[b], XYZ_TO_CAM[b])
        assert torch.allclose(result[b], singly, rtol=0, atol=1e-14)
        expected = XYZ_TO_CAM[b] @ picture[b, :, 3, 1]
        assert torch.allclose(result[b, :, 3, 1], expected, rtol=0, atol=1e-14)


def test_matrices_keep_grey():
    matrix = cam_to_srgb(XYZ_TO_CAM)
    assert torch.allclose(matrix.sum(-1), torch.ones(2, 3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert torch.allclose(normalise_rows(XYZ_TO_CAM).sum(-1), torch.ones(2, 3).double())


@pytest.mark.parametrize("camera", [0, 1])
def test_cam_to_srgb_is_dcraws(camera):
    """dcraw's cam_xyz_coeff: cam_rgb = cam_xyz @ xyz_rgb, each row divided by its sum, inverted."""
    xyz_rgb = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    cam_rgb = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            cam_rgb[i, j] = sum(XYZ_TO_CAM[camera, i, k].item() * xyz_rgb[k, j] for k in range(3))
        cam_rgb[i] /= cam_rgb[i].sum()
    expected = np.linalg.solve(cam_rgb, np.eye(3))
    # dcraw rounds the sRGB primaries to six digits, and to other ones in the fifth.
    assert np.abs(cam_to_srgb(XYZ_TO_CAM)[camera].numpy() - expected).max() < 2e-4


@pytest.mark.parametrize(
    ("illuminant", "x", "y"), [("D65", 0.3127, 0.3290), ("D50", 0.3457, 0.3585)]
)
def test_whites_of_the_srgb_matrices(illuminant, x, y):
    white = torch.tensor(SRGB_TO_XYZ[illuminant]).sum(-1)
    assert (white / white.sum()).tolist()[:2] == pytest.approx([x, y], abs=2e-4)
