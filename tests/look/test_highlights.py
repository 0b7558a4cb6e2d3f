"""Clipped light is rebuilt in its own colour, and goes to white without magenta or dips."""

import pytest
import torch

from pellucid import Camera, ISPConfig, Noise, Rendering
from pellucid.bayer import mosaic_of
from pellucid.color import apply_matrix, decode
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.isp import render
from pellucid.look.highlights import lift_highlights, saturation
from pellucid.noise_map import propagated_map

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
REBUILT = ISPConfig(highlights="rebuilt")
COLOURS = {
    "red": (0.9, 0.12, 0.08),
    "orange": (0.9, 0.4, 0.08),
    "leaf": (0.45, 0.9, 0.12),
    "cyan": (0.12, 0.75, 0.9),
    "blue": (0.12, 0.25, 0.9),
    "magenta": (0.85, 0.15, 0.8),
    "grey": (0.9, 0.9, 0.9),
}


def sensed(light):
    """Mosaic (1, H, W) of linear sRGB (3, H, W), without the sensor's limit."""
    linear = apply_matrix(light, torch.inverse(CAMERA.cam_to_srgb))
    return mosaic_of(linear / CAMERA.white_balance[:, None, None])


def lamp(colour, side=96):
    """A soft light (3, side, side) whose middle clips."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    return torch.tensor(colour)[:, None, None] * (0.25 + 6 * torch.exp(-(x**2 + y**2) / 0.12))


def ramp(colour):
    levels = 0.2 * 2 ** torch.linspace(0, 5, 480)
    return torch.tensor(colour)[:, None, None] * levels.expand(24, -1)


def rebuilt(mosaic, exposure=1.0):
    lift = lift_highlights(mosaic, CAMERA)
    return render(mosaic if lift is None else mosaic + lift, CAMERA, Rendering(exposure), REBUILT)


def luminance(srgb):
    return torch.einsum("c,chw->hw", torch.tensor([0.2126, 0.7152, 0.0722]), decode(srgb, "rec709"))


@pytest.mark.parametrize("name", COLOURS)
def test_what_clipped_comes_back_in_its_own_colour(name):
    truth = sensed(lamp(COLOURS[name]))
    mosaic = truth.clamp(max=1)
    lost = mosaic == 1
    lift = lift_highlights(mosaic, CAMERA)
    both = torch.stack([mosaic + lift, mosaic])
    # Where nothing is left to tell how bright it is, only the colour is known.
    told = lost & (-torch.nn.functional.max_pool2d(-truth[None], 5, 1, 2)[0] < 0.9)
    if told.sum() > 50:
        error = ((both - truth) / truth).abs()[:, told].median(1).values
        assert error[0] < 0.08 and error[0] < 0.3 * error[1]


@pytest.mark.parametrize("name", COLOURS)
def test_a_brightening_colour_never_darkens(name):
    picture = rebuilt(sensed(ramp(COLOURS[name])).clamp(max=1))
    line = luminance(picture)[8:-8]
    assert line[:, -1].min() > 0.9 and line[:, 0].max() < 0.3
    assert (line.cummax(-1).values - line).max() < 2e-3


@pytest.mark.parametrize("exposure", [1.0, 0.25])
def test_a_clipped_grey_stays_grey(exposure):
    for light in (lamp(COLOURS["grey"]), ramp(COLOURS["grey"])):
        picture = rebuilt(sensed(light).clamp(max=1), exposure)
        assert (picture.amax(0) - picture.amin(0)).max() < 0.02


def test_grey_beside_magenta_does_not_become_magenta():
    """The surroundings are of another colour, which the site contradicts."""
    light = torch.cat([lamp(COLOURS["magenta"], 64), lamp(COLOURS["grey"], 64)], -1)
    picture = rebuilt(sensed(light).clamp(max=1))[..., 72:]
    assert (picture[[0, 2]].amin(0) - picture[1]).max() < 0.02


def test_everything_clipped_is_white():
    assert (rebuilt(torch.ones(1, 24, 24)) - 1).abs().max() < 1e-5


def test_what_does_not_clip_is_left_alone():
    mosaic = sensed(lamp(COLOURS["orange"])).clamp(max=1)
    lift = lift_highlights(mosaic, CAMERA)
    assert lift.min() == 0 and (lift > 0).any()
    assert (lift[mosaic < 0.94] == 0).all()
    assert lift_highlights(sensed(lamp(COLOURS["orange"])) / 10, CAMERA) is None


def test_dark_pixels_far_from_clipping_are_rendered_as_before():
    mosaic = sensed(lamp((0.5, 0.45, 0.4))).clamp(max=1)
    before, after = render(mosaic, CAMERA), rebuilt(mosaic)
    calm = (before.amax(0) < 0.9) & (after.amax(0) < 0.9)
    near = torch.nn.functional.max_pool2d((mosaic > 0.9)[None].float(), 9, 1, 4)[0, 0] > 0
    calm &= ~near
    assert calm.sum() > 1000
    assert torch.equal(before[:, calm], after[:, calm])


def test_blocks_leave_no_seams(monkeypatch):
    mosaic = sensed(lamp(COLOURS["orange"], 128)).clamp(max=1)
    whole = lift_highlights(mosaic, CAMERA)
    monkeypatch.setattr("pellucid.look.highlights._BLOCK", 32)
    assert torch.allclose(lift_highlights(mosaic, CAMERA), whole, atol=1e-5)


def test_a_sensor_that_stops_below_white_is_found():
    mosaic = sensed(lamp(COLOURS["grey"]))
    assert saturation(mosaic.clamp(max=1)) == 1
    assert saturation(mosaic.clamp(max=0.94)) == pytest.approx(0.93, abs=0.01)
    assert saturation(mosaic / mosaic.max() * 0.9) == 1


def test_the_noise_map_is_that_of_the_picture():
    """Exact below the knee; above it the brightest channel's noise is left out of the others."""
    noise, generator = Noise(0, 1e-6), torch.Generator().manual_seed(1)
    for exposure in (0.5, 2.0):
        mosaic = sensed(torch.tensor([0.7, 0.5, 0.3])[:, None, None].expand(3, 200, 200))
        noisy = mosaic + 1e-3 * torch.randn(mosaic.shape, generator=generator)
        pictures = [render(m, CAMERA, Rendering(exposure), REBUILT) for m in (noisy, mosaic)]
        told = propagated_map(mosaic, noise, CAMERA, Rendering(exposure), REBUILT).mean((1, 2))
        found = (pictures[0] - pictures[1]).std((1, 2))
        assert torch.allclose(told[1:], found[1:], rtol=0.4 if exposure > 1 else 0.1)


def test_a_bright_thing_of_one_colour_is_not_taken_for_the_limit():
    """White paper at 0.8: green piles up there, red and blue lie far below."""
    paper = torch.linspace(0.1, 0.8, 96).expand(3, 96, 96).clone()
    paper[:, 40:] = 0.8
    mosaic = sensed(paper)
    assert saturation(mosaic) == 1 and lift_highlights(mosaic, CAMERA) is None


def test_what_is_left_of_noise_makes_no_dark_specks():
    """Sites that denoising left a little below the limit are lifted like those around them."""
    truth = sensed(lamp(COLOURS["blue"]))
    mosaic, spread = truth.clamp(max=1), 0.03
    lost = mosaic == 1
    speck = torch.zeros_like(lost)
    speck[:, 45:52:2, 44:53:2] = True
    dented = torch.where(speck & lost, 1 - 0.7 * spread, mosaic)
    assert (dented != mosaic).sum() > 5
    whole, rough, told = (
        m + lift_highlights(m, CAMERA, s) for m, s in ((mosaic, 0), (dented, 0), (dented, spread))
    )
    errors = [float((got - whole)[dented != mosaic].abs().max()) for got in (rough, told)]
    assert errors[1] < 0.1 and errors[0] > 2 * errors[1]
