"""Blown highlights are rebuilt on the whole photograph, and wide colours are kept beside it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pellucid import (
    Camera,
    DualDomainConfig,
    ISPConfig,
    Noise,
    RawImage,
    Rendering,
    Restorer,
    UNetConfig,
    develop,
    render,
)
from pellucid.bayer import mosaic_of
from pellucid.color import apply_matrix
from pellucid.control import Strength
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.developing import Shot, for_light
from pellucid.look.highlights import lift_highlights
from pellucid.noise_map import propagated_map

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
REBUILT = ISPConfig(highlights="rebuilt")
NOISE = Noise(1e-5, 1e-6)
SPREAD = 1.1e-5**0.5
"""Of the noise at white."""
DARK = Rendering(0.25)


def sensed(light):
    """Mosaic (1, H, W) of linear sRGB (3, H, W), without the sensor's limit."""
    linear = apply_matrix(light, torch.inverse(CAMERA.cam_to_srgb))
    return mosaic_of(linear / CAMERA.white_balance[:, None, None])


def lamps(side=96):
    """Soft lights (3, side, 2 side), cyan and orange, whose middles clip in one or two colours."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    glow = 0.25 + 3 * torch.exp(-(x**2 + y**2) / 0.12)
    colours = torch.tensor([[0.12, 0.75, 0.9], [0.9, 0.4, 0.08]])
    return torch.cat([colour[:, None, None] * glow for colour in colours], -1)


def blown():
    return RawImage(sensed(lamps()).clamp(max=1), CAMERA, NOISE)


def restorer(raw=False, isp=None, **given):
    """A network for pictures that changes nothing, behind one of raws that does."""
    torch.manual_seed(0)
    small = UNetConfig(widths=(4, 6))
    config = DualDomainConfig(
        small if raw else None, UNetConfig(shuffle=2, widths=(4, 6)), isp or ISPConfig()
    )
    net = config.build()
    if raw:
        torch.nn.init.normal_(net.raw_net.body.head.weight, std=0.1)
    return Restorer(net, **given)


def test_what_clipped_is_nearer_to_the_truth_and_the_mosaic_stays():
    photo = blown()
    truth = render(sensed(lamps()), CAMERA, DARK, REBUILT)
    restored = restorer()(photo, rendering=DARK)
    rolled = restorer(highlights="roll")(photo, rendering=DARK).srgb
    errors = [(picture - truth).square().mean() for picture in (restored.srgb, rolled)]
    assert errors[0] < 0.1 * errors[1]
    assert torch.equal(restored.mosaic, photo.mosaic)
    assert torch.equal(restored.srgb, develop(photo, DARK))


def test_who_asks_for_rolled_highlights_gets_them():
    photo = blown()
    expected = render(photo.mosaic, CAMERA)
    assert (develop(photo) - expected).abs().max() > 0.1
    torch.testing.assert_close(develop(photo, config=ISPConfig()), expected, atol=1e-6, rtol=0)
    rolled = restorer(highlights="roll")(photo).srgb
    torch.testing.assert_close(rolled, expected, atol=1e-6, rtol=0)


def test_published_pipelines_stay_as_they_are():
    photo, isp = blown(), ISPConfig.dualdn("malvar2004")
    expected = develop(photo, config=isp)
    assert torch.equal(restorer(isp=isp)(photo).srgb, expected)
    whole, inside = render(photo.mosaic, CAMERA, None, isp), np.s_[:, 4:-4, 4:-4]
    torch.testing.assert_close(expected[inside], whole[inside], atol=1e-5, rtol=0)


def test_what_arrives_with_all_its_colours_is_rolled():
    shot = Shot(torch.zeros(3, 8, 8), CAMERA, NOISE, Rendering(), linear=True)
    assert for_light(shot, REBUILT) == ISPConfig()
    assert for_light(shot._replace(linear=False), REBUILT) == REBUILT


def test_tiles_see_the_same_light():
    whole, tiled = (restorer(raw=True, tile=tile)(blown()).srgb for tile in (1024, 48))
    assert (whole - develop(blown())).abs().max() > 0.01, "the network must do something"
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_the_noise_map_is_that_of_the_light_that_is_developed():
    photo, one = blown(), restorer()
    one.net.denoise_srgb = lambda srgb, std: std
    told = one(photo).srgb
    light = photo.mosaic + lift_highlights(photo.mosaic, CAMERA, SPREAD)
    given = NOISE, CAMERA, Rendering()
    expected = propagated_map(light, *given, REBUILT)
    assert (propagated_map(photo.mosaic, *given, ISPConfig()) - expected).abs().max() > 1e-3
    inside = (slice(None), slice(8, -8), slice(8, -8))
    torch.testing.assert_close(told[inside], expected[inside], atol=1e-6, rtol=1e-4)


def test_without_strength_the_noisy_picture_comes_back():
    photo = blown()
    kept = restorer(raw=True).keep(photo)
    assert (kept.restored.srgb - develop(photo)).abs().max() > 0.01
    assert torch.equal(kept.at(Strength()).srgb, restorer(raw=True)(photo).srgb)
    noisy, expected = kept.at(Strength(0, 0)), develop(photo)
    torch.testing.assert_close(noisy.mosaic, photo.mosaic)
    lifts = [lift_highlights(m, CAMERA, SPREAD) for m in (photo.mosaic, kept.restored.mosaic)]
    calm = F.max_pool2d((lifts[0] + lifts[1])[None], 9, 1, 4)[0, 0] == 0
    assert 0.5 < calm.float().mean() < 0.95
    got = noisy.srgb.clamp(0, 1)
    torch.testing.assert_close(got[:, calm], expected[:, calm], atol=2e-5, rtol=0)
    assert (got - expected).abs().mean() < 0.01


@pytest.mark.parametrize("tone", [0.0, 0.5])
def test_colours_outside_srgb_stay_beside_those_inside(tone):
    light = lamps() * torch.tensor([1.0, 1.0, 0.2])[:, None, None] - 0.02
    photo, look = RawImage(sensed(light) * 0.25, CAMERA, NOISE), Rendering(1.0, tone)
    plain, wide = (restorer(raw=True, wide=wide)(photo, rendering=look).srgb for wide in (0, 1))
    outside = wide < 0
    assert outside.float().mean() > 0.05 and outside.any(0).float().mean() < 0.9
    assert torch.equal(wide[~outside], plain.clamp(0, 1)[~outside])
    assert wide.min() < -0.05 and plain.clamp(0, 1)[outside].max() < 0.05


def test_curves_mirrored_at_black_are_those_of_the_picture_inside():
    mosaic, look = sensed(lamps() - 0.1) * 0.25, Rendering(1.0, 0.5)
    inside, wide = (
        render(mosaic, CAMERA, look, ISPConfig(highlights="rebuilt", gamut=gamut))
        for gamut in ("clamp", "wide")
    )
    assert (wide < -0.1).any()
    assert torch.equal(wide.clamp(min=0), inside)
