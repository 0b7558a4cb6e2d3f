"""The ISP agrees with DualDn's (golden), passes gradcheck, keeps grey and white, and inverts."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.bayer import PHASES, mosaic_of, pad, rggb_padding, unpad
from pellucid.color import apply_matrix, encode
from pellucid.demosaic import _demosaic, _prefer_column, demosaic
from pellucid.errors import ConfigError
from pellucid.isp import (
    KNEE,
    ISPConfig,
    Rendering,
    finish,
    matrix_to_srgb,
    render,
    roll_highlights,
    to_linear,
    tone_curve,
    tone_slope,
    unbalance,
    unrender,
    untone_curve,
    white_balance,
)
from pellucid.raw import Camera

GOLDEN = Path(__file__).parent / "golden" / "dualdn_isp.npz"
METHODS = {"nearest": "nearest", "bilinear": "bilinear", "malvar2004": "Malvar", "ahd": "AHD"}
STAGE, GRADIENT = 1e-5, 1e-4

XYZ_TO_CAM = torch.tensor(
    [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]]
)
CAMERA = Camera.of(XYZ_TO_CAM, torch.tensor([2.4, 1.0, 1.7]))


def double(record):
    return type(record)(*(value.double() for value in record))


def random(*shape, seed=0, low=0.0, high=1.0):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)


# -- the published arithmetic ---------------------------------------------------------------------


@cache
def arrays():
    with np.load(GOLDEN) as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


def golden_camera():
    """The two cameras of the golden images, with four gains; `cam_to_srgb` is not used."""
    red, green, blue, green_too = arrays()["wb_matrix"].reshape(2, 4).unbind(-1)
    gains = torch.stack([red, green, green_too, blue], -1)
    return Camera(
        gains / gains.amin(-1, keepdim=True),
        torch.full((2, 3, 3), torch.nan),
        torch.inverse(arrays()["rgb_xyz_matrix"][:, 0]),
    )


def halves(whole):
    """What is stored of RGGB results: the first image's left half and the second's right."""
    return torch.stack([whole[0, ..., :48], whole[1, ..., 48:]])


def corners(whole):
    """What is stored of the other phases: a corner of each image."""
    return torch.stack([whole[0, ..., :32, :48], whole[1, ..., 32:, 48:]])


def within(picture, border):
    return picture[..., border : picture.shape[-2] - border, border : picture.shape[-1] - border]


def check_stage(result, expected, excluded=False):
    off = (result - expected).abs() / expected.abs().clamp(min=1)
    assert off.masked_fill(torch.as_tensor(excluded), 0).max() <= STAGE


def check_gradient(result, expected, excluded=False):
    off = (result - expected).abs() / expected.abs().max()
    assert off.masked_fill(torch.as_tensor(excluded), 0).max() <= GRADIENT


@pytest.mark.parametrize("phase", PHASES)
def test_golden_white_balance(phase):
    normal = arrays()[f"{phase}/normal"]
    padding = rggb_padding(phase, *normal.shape[-2:])
    balanced = white_balance(pad(normal, padding), golden_camera().white_balance).clamp(1e-8, 1)
    check_stage(unpad(balanced, padding), arrays()[f"{phase}/white_balance"])


def flips(phase):
    """Where our `ahd` chooses the other direction than DualDn did, for the stored part."""
    mosaic = arrays()[f"{phase}/white_balance"]
    padding = rggb_padding(phase, *mosaic.shape[-2:])
    bilinear = _demosaic(pad(mosaic, padding), "bilinear", None)
    ours = unpad(_prefer_column(bilinear, arrays()["rgb_xyz_matrix"][:, 0]), padding)
    ours = halves(ours) if phase == "RGGB" else ours
    published = np.unpackbits(arrays()[f"{phase}/AHD_choose_col"].numpy(), axis=-1).astype(bool)
    return ours != torch.from_numpy(published)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("phase", PHASES)
def test_golden_demosaic(phase, method):
    """RGGB to the very border; other phases, which we pad by a mirrored line, 4 px off it."""
    mosaic = arrays()[f"{phase}/white_balance"]
    padding = rggb_padding(phase, *mosaic.shape[-2:])
    matrix = arrays()["rgb_xyz_matrix"][:, 0]
    result = unpad(demosaic(pad(mosaic, padding), method, matrix, "published"), padding)
    expected = arrays()[f"{phase}/demosaic_{METHODS[method]}"]
    border = 0 if phase == "RGGB" else 4
    flipped = within(flips(phase), border) if method == "ahd" else torch.tensor(False)
    assert flipped.sum() <= 10
    result = halves(result) if phase == "RGGB" else result
    check_stage(within(result, border), within(expected, border), flipped)


@pytest.mark.parametrize("method", METHODS)
def test_golden_borders_of_a_flat_field(method):
    flat = torch.full((1, 1, 16, 16), 0.5)
    result = demosaic(flat, method, torch.eye(3), "published")
    check_stage(result, arrays()[f"flat0.5/demosaic_{METHODS[method]}"])


@pytest.mark.parametrize("illuminant", ["D65", "D50"])
def test_golden_matrix(illuminant):
    config = ISPConfig.dualdn(transfer="linear", illuminant=illuminant)
    result = finish(arrays()["sampled/demosaic_AHD"], golden_camera(), Rendering(), config)
    check_stage(result, arrays()[f"sampled/rgb_to_srgb_{illuminant}"])


@pytest.mark.parametrize(("transfer", "name"), [("rec709", "Rec709"), ("gamma2.2", "2.2")])
def test_golden_transfer(transfer, name):
    result = encode(arrays()["sampled/rgb_to_srgb_D65"], transfer)
    check_stage(result, arrays()[f"sampled/gamma_{name}_D65"])


@pytest.mark.parametrize(
    ("tone", "name"), [(0.0, "0"), (0.5, "0.5"), (1.0, "1"), ([0.3, -0.6], "Tensor0.3_-0.6")]
)
def test_golden_tone(tone, name):
    result = tone_curve(arrays()["sampled/gamma_Rec709_D65"], torch.tensor(tone))
    check_stage(result, arrays()[f"sampled/tone_mapping_a{name}_Rec709_D65"])


def golden_gradient(phase, config, tone):
    """d <cotangent, picture> / d normal through the whole pipeline."""
    normal = arrays()[f"{phase}/normal"].clone().requires_grad_()
    padding = rggb_padding(phase, *normal.shape[-2:])
    picture = unpad(
        render(pad(normal, padding), golden_camera(), Rendering(1.0, tone), config), padding
    )
    whole = arrays()["cotangent_srgb"]
    cotangent = whole if phase == "RGGB" else corners(whole)
    (gradient,) = torch.autograd.grad((picture * cotangent).sum(), normal)
    return halves(gradient) if phase == "RGGB" else gradient


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("phase", PHASES)
def test_golden_gradients(phase, method):
    """A gradient gathers results up to 2 px away, and `ahd`'s differ up to 3 px off the border."""
    gradient = golden_gradient(phase, ISPConfig.dualdn(method), 0.5)
    expected = arrays()[f"{phase}/grad_normal_{METHODS[method]}_Rec709_a0.5"]
    border = 0 if phase == "RGGB" else 5 if method == "ahd" else 4
    near_flip = torch.tensor(False)
    if method == "ahd":
        near_flip = within(F.max_pool2d(flips(phase).float(), 5, 1, 2) > 0, border)
    check_gradient(within(gradient, border), within(expected, border), near_flip)


def test_golden_gradient_of_gamma():
    gradient = golden_gradient("RGGB", ISPConfig.dualdn(transfer="gamma2.2"), 0.0)
    near_flip = F.max_pool2d(flips("RGGB").float(), 5, 1, 2) > 0
    check_gradient(gradient, arrays()["RGGB/grad_normal_AHD_2.2_a0"], near_flip)


# -- gradients ------------------------------------------------------------------------------------


def picture(*shape):
    """Values on both sides of the curves' knees; KNEE, 0 and 1 are further than gradcheck steps."""
    return random(*shape, seed=4, low=0.002, high=0.93)


STAGES = {
    "white_balance 3 gains": (white_balance, (picture(2, 1, 4, 6), random(2, 3, low=1, high=2))),
    "white_balance 4 gains": (white_balance, (picture(2, 1, 4, 6), random(4, low=1, high=2))),
    "roll_highlights": (roll_highlights, (random(2, 3, 2, 3, low=KNEE + 0.002, high=0.998),)),
    "roll_highlights below and above": (roll_highlights, (random(1, 3, 2, 3) * 2.2,)),
    "apply_matrix": (apply_matrix, (picture(2, 3, 2, 3), random(2, 3, 3))),
    "tone_curve": (tone_curve, (picture(2, 3, 2, 3), random(2))),
    "untone_curve": (untone_curve, (picture(2, 3, 2, 3), random(2))),
    "unbalance": (unbalance, (picture(2, 3, 2, 3), random(2, 3, low=1.1, high=2))),
}


@pytest.mark.parametrize("stage", STAGES)
def test_gradcheck(stage):
    function, inputs = STAGES[stage]
    assert torch.autograd.gradcheck(function, [x.clone().requires_grad_() for x in inputs])


@pytest.mark.parametrize("transfer", ["rec709", "srgb", "gamma2.2", "linear"])
def test_gradcheck_of_encode(transfer):
    assert torch.autograd.gradcheck(
        lambda x: encode(x, transfer), picture(1, 3, 3, 4).requires_grad_()
    )


CONFIGS = {
    "default": ISPConfig(),
    "ahd": ISPConfig(demosaic="ahd"),
    "gamma2.2": ISPConfig(transfer="gamma2.2"),
    "dualdn": ISPConfig.dualdn(),
    "dualdn malvar2004, D50": ISPConfig.dualdn("malvar2004", "gamma2.2", "D50"),
}


@pytest.mark.parametrize("config", CONFIGS)
def test_gradcheck_of_finish(config):
    camera = double(CAMERA)
    linear = 0.35 + 0.1 * random(1, 3, 3, 4)
    exposure, tone = (torch.tensor([v], dtype=torch.float64) for v in (1.3, 0.4))

    def stage(linear, exposure, tone, matrix, xyz_to_cam):
        camera_of = camera._replace(cam_to_srgb=matrix, xyz_to_cam=xyz_to_cam)
        return finish(linear, camera_of, Rendering(exposure, tone), CONFIGS[config])

    inputs = (linear, exposure, tone, camera.cam_to_srgb.clone(), camera.xyz_to_cam.clone())
    assert torch.autograd.gradcheck(stage, [x.requires_grad_() for x in inputs])


@pytest.mark.parametrize("config", CONFIGS)
def test_gradcheck_of_render(config):
    camera, rendering = double(CAMERA), double(Rendering(1.2, 0.5))
    mosaic = random(1, 6, 8, seed=5, low=0.1, high=0.25).requires_grad_()

    def stage(mosaic, gains):
        return render(mosaic, camera._replace(white_balance=gains), rendering, CONFIGS[config])

    assert torch.autograd.gradcheck(stage, (mosaic, camera.white_balance.clone().requires_grad_()))


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("level", [-0.01, 0.0, 1e-8, KNEE, 1.0, 1.2])
def test_gradients_are_finite_at_every_kink(config, level):
    mosaic = torch.full((1, 8, 8), level, requires_grad=True)
    (gradient,) = torch.autograd.grad(render(mosaic, CAMERA, None, CONFIGS[config]).sum(), mosaic)
    assert torch.isfinite(gradient).all()


@settings(deadline=None, max_examples=50)
@given(display=st.floats(0, 1), tone=st.floats(0, 1))
def test_tone_slope_is_autograds(display, tone):
    x = torch.full((1, 1, 1), display, dtype=torch.float64, requires_grad=True)
    a = torch.tensor(tone, dtype=torch.float64)
    (slope,) = torch.autograd.grad(tone_curve(x, a), x)
    assert tone_slope(x, a).item() == pytest.approx(slope.item(), abs=1e-12)


# -- grey, white and highlights -------------------------------------------------------------------


@pytest.mark.parametrize("config", CONFIGS)
@settings(deadline=None, max_examples=10)
@given(level=st.floats(0.001, 1), exposure=st.floats(0.3, 2), tone=st.floats(0, 1))
def test_balanced_grey_stays_grey(config, level, exposure, tone):
    grey = torch.full((3, 12, 14), level, dtype=torch.float64)
    camera = double(CAMERA)
    mosaic = mosaic_of(grey / camera.white_balance[:, None, None])
    rendering = double(Rendering(exposure, tone))
    # DualDn's borders darken, each colour differently.
    result = within(
        render(mosaic, camera, rendering, CONFIGS[config]), 4 if "dualdn" in config else 0
    )
    # At 1e-7 the float32 constants of the matrices show.
    assert (result.amax((-3, -2, -1)) - result.amin((-3, -2, -1))).abs() < 1e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tone", [0.0, 0.7])
def test_a_clipped_grey_is_white(method, tone):
    """Gains (2.4, 1, 1.7) on a saturated sensor: magenta without the roll-off."""
    srgb = render(torch.ones(1, 12, 12), CAMERA, Rendering(1.0, tone), ISPConfig(demosaic=method))
    assert (srgb - 1).abs().max() < 1e-5


def test_highlights_reach_white_without_a_cast_on_the_way():
    """Brighter and brighter grey: every channel rises, and none leads by much."""
    levels = torch.linspace(0.3, 2.5, 100)
    grey = levels[:, None, None, None].expand(-1, 3, 12, 12)
    mosaic = mosaic_of(grey / CAMERA.white_balance[:, None, None]).clamp(max=1)
    linear = roll_highlights(to_linear(mosaic, CAMERA, ISPConfig()))[..., 6, 6]
    assert (linear.diff(dim=0) >= -1e-6).all()
    assert (linear.amax(-1) - linear.amin(-1)).max() < 1e-5
    assert (linear[levels > 1] > 1 - 1e-5).all()


def test_roll_off_has_slope_one_on_its_knee_and_none_at_white():
    x = torch.tensor([KNEE, 1.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(roll_highlights(x).sum(), x)
    assert slope.tolist() == [1, 0]


def test_a_pixel_that_is_no_number_keeps_no_other_from_being_rolled():
    linear = torch.full((3, 2, 2), 0.98)
    rolled = finish(linear, CAMERA, Rendering(), ISPConfig())
    linear[:, 0, 0] = torch.nan
    assert torch.equal(finish(linear, CAMERA, Rendering(), ISPConfig())[:, 1], rolled[:, 1])
    bright = apply_matrix(linear, CAMERA.cam_to_srgb)
    assert (encode(bright, "rec709") - rolled)[:, 1].abs().min() > 1e-4


def test_roll_off_is_monotone_smooth_and_leaves_the_rest_alone():
    x = torch.linspace(-0.2, 1.5, 100_001, dtype=torch.float64)
    y = roll_highlights(x)
    assert (y.diff() >= 0).all() and y.max() == 1 and (y[x >= 1] == 1).all()
    assert torch.equal(y[x < KNEE], x[x < KNEE])
    # The second derivative is bounded, so slopes of neighbours differ by little: no kink.
    slope = y.diff() / x.diff()
    assert slope.diff().abs().max() < 1e-2


@pytest.mark.parametrize("config", CONFIGS)
def test_batch_equals_singles(config):
    mosaic = random(2, 1, 12, 14).float()
    second = Camera.of(XYZ_TO_CAM.flip(0), torch.tensor([1.0, 1.3, 2.0]))
    cameras, renderings = (CAMERA, second), (Rendering(0.8, 0.1), Rendering(1.4, 0.9))
    stacked = Camera(*map(torch.stack, zip(*cameras, strict=True)))
    rendering = Rendering(*map(torch.stack, zip(*renderings, strict=True)))
    batch = render(mosaic, stacked, rendering, CONFIGS[config])
    for i in range(2):
        single = render(mosaic[i], cameras[i], renderings[i], CONFIGS[config])
        assert torch.allclose(batch[i], single, rtol=1e-5, atol=1e-5)


def test_render_is_finish_of_to_linear():
    mosaic, rendering, config = random(1, 8, 8).float(), Rendering(1.1, 0.2), ISPConfig()
    linear = to_linear(mosaic, CAMERA, config)
    finished = finish(linear, CAMERA, rendering, config)
    assert torch.equal(render(mosaic, CAMERA, rendering, config), finished)


def test_separate_matrices_keep_grey_and_differ_from_the_joint_one():
    separate, joint = (matrix_to_srgb(CAMERA, c) for c in (ISPConfig.dualdn(), ISPConfig()))
    assert torch.allclose(separate.sum(-1), torch.ones(3), atol=1e-5)
    assert torch.equal(joint, CAMERA.cam_to_srgb)
    assert (separate - joint).abs().max() > 1e-2


# -- the way back ---------------------------------------------------------------------------------


def smooth_picture():
    """A picture (3, 40, 48) of slow waves, which demosaicking restores closely."""
    y, x = torch.meshgrid(torch.arange(40).double(), torch.arange(48).double(), indexing="ij")
    waves = [
        torch.sin(2 * torch.pi * (y * v + x * u)) for v, u in ((0.005, 0.01), (0.01, 0), (0, 0.008))
    ]
    grey = 0.5 + 0.2 * waves[0]
    return torch.stack([grey + 0.03 * waves[1], grey, grey + 0.03 * waves[2]])


@settings(deadline=None, max_examples=30)
@given(display=st.floats(0, 1), tone=st.floats(0, 1))
def test_untone_inverts_tone(display, tone):
    x = torch.full((1, 1, 1), display, dtype=torch.float64)
    a = torch.tensor(tone, dtype=torch.float64)
    # At tone 1 the curve is flat at white, where its inverse loses half of the digits, twice.
    tolerance = 1e-9 if tone < 0.99 else 1e-3
    assert untone_curve(tone_curve(x, a), a).item() == pytest.approx(display, abs=tolerance)
    assert tone_curve(untone_curve(x, a), a).item() == pytest.approx(display, abs=1e-9)


@pytest.mark.parametrize("exposure", [0.8, 1.0, 1.6])
@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_unrender_then_render_gives_the_picture_back(exposure, tone):
    camera, rendering = double(CAMERA), double(Rendering(exposure, tone))
    srgb = smooth_picture()
    mosaic = unrender(srgb, camera, rendering)
    assert mosaic.shape == (1, 40, 48) and mosaic.min() >= 0 and mosaic.max() <= 1
    back = render(mosaic, camera, rendering)
    assert within(back - srgb, 2).abs().max() < 1e-3


@pytest.mark.parametrize("transfer", ["rec709", "srgb", "gamma2.2", "linear"])
def test_unrender_inverts_every_curve(transfer):
    camera = double(CAMERA)
    flat = torch.tensor([0.55, 0.5, 0.4], dtype=torch.float64)[:, None, None].expand(3, 8, 8)
    back = render(
        unrender(flat, camera, None, transfer), camera, None, ISPConfig(transfer=transfer)
    )
    assert (back - flat).abs().max() < 1e-6


def test_unrender_keeps_highlights_saturated_in_every_channel():
    """White over the gains would be less than white; a sensor saturates everywhere."""
    white = unrender(torch.ones(3, 8, 8), CAMERA)
    assert torch.allclose(white, torch.ones(1, 8, 8), atol=1e-5)
    grey = unrender(torch.full((3, 8, 8), 0.5), CAMERA)
    assert (grey[0, 1, 0] / grey[0, 0, 0]).item() == pytest.approx(2.4, rel=1e-4)
    assert (grey[0, 1, 0] / grey[0, 1, 1]).item() == pytest.approx(1.7, rel=1e-4)


def test_unrender_is_monotone_towards_white():
    levels = torch.linspace(0.5, 1, 60)[:, None, None, None].expand(-1, 3, 4, 4)
    assert (unrender(levels, CAMERA).diff(dim=0) >= -1e-6).all()


def test_unrender_of_a_batch_equals_singles():
    srgb = random(2, 3, 8, 10).float()
    rendering = Rendering(torch.tensor([0.9, 1.5]), torch.tensor([0.0, 0.8]))
    batch = unrender(srgb, CAMERA, rendering)
    for i in range(2):
        single = unrender(srgb[i], CAMERA, Rendering(rendering.exposure[i], rendering.tone[i]))
        assert torch.allclose(batch[i], single, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 5, 8), (3, 8, 5), (8, 8), (1, 8, 8)])
def test_what_is_no_photograph_of_even_sides_is_not_unrendered(shape):
    with pytest.raises(ValueError, match="^got a photograph of shape .*; expected .*sides even"):
        unrender(torch.rand(shape), CAMERA)


@pytest.mark.parametrize("said", [{"highlights": "foo"}, {"border": "foo"}, {"illuminant": "D5"}])
def test_a_choice_that_there_is_not_is_refused(said):
    (name,) = said
    with pytest.raises(ConfigError, match=f"^{name} is .*; expected one of "):
        ISPConfig(**said)
