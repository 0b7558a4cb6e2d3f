"""The risk without a truth: it differs between networks as the true error does."""

import pytest
import torch
import torch.nn.functional as F

from pellucid import Camera, DualDomainConfig, Noise, Rendering, UNetConfig, unrender
from pellucid.adapt.noise_texture import NoiseTexture, calm, clips, smooth
from pellucid.adapt.recorrupted import (
    ADDED,
    NoisyPicture,
    NoisyRaw,
    grain_like,
    picture_risk,
    raw_grain,
    raw_risk,
)
from pellucid.adapt.training import SETTINGS, AdaptRaws
from pellucid.bayer import pack
from pellucid.checkpoint import save_network
from pellucid.data.synthesis import generator_of

CAMERA = Camera.of(torch.tensor([[0.5, 0, 0], [-0.6, 1.3, 0.3], [-0.1, 0.2, 0.7]]), torch.ones(3))
CLEAN = F.interpolate(
    0.2 + 0.5 * torch.rand(8, 3, 8, 8, generator=generator_of(1)), size=96, mode="bicubic"
).clamp(0.1, 0.8)


def batched(camera: Camera) -> Camera:
    return Camera(*(value.expand(8, *value.shape) for value in camera))


def rows_of_noise(generator: torch.Generator) -> torch.Tensor:
    """White noise (40, 4, 48, 48) of deviation 1, and rows of deviation 1/2."""
    white = torch.randn(40, 4, 48, 48, generator=generator)
    return white + 0.5 * torch.randn(40, 4, 48, 1, generator=generator)


def test_a_texture_is_as_strong_as_its_patches_and_keeps_their_rows():
    texture = NoiseTexture(rows_of_noise(generator_of(2)))
    drawn = torch.stack([texture.sample(generator_of(3, n)) for n in range(40)])
    assert abs(texture.level - 1.25**0.5) < 0.02
    assert abs(drawn.std().item() - texture.level) < 0.02
    # Of row means: 1/4 of the rows, and 1/48 of the white noise.
    assert abs(drawn.mean(-1).var().item() - 0.25 - 1 / 48) < 0.03


def test_flat_patches_are_found_and_what_they_show_is_left_out():
    noise = 0.01 * rows_of_noise(generator_of(4))
    slope = torch.linspace(0.2, 0.7, 48)
    busy = 0.2 + 0.5 * torch.rand(20, 4, 48, 48, generator=generator_of(5)).round()
    patches = torch.cat([busy, noise[:20] + slope])
    found = calm(patches, torch.full_like(patches, 0.01)).best(8).noise
    assert found.square().mean().sqrt().item() < 1.25
    assert (smooth(noise + slope) - slope).abs().mean() < 0.005


def test_patches_that_clip_come_last_however_calm():
    """A white sky has lost its noise, and is the calmest there is."""
    noise = 0.01 * rows_of_noise(generator_of(4))
    patches = torch.cat([(noise[:20] + 0.999).clamp(max=1), (noise[20:30] - 0.01).clamp(min=0)])
    patches = torch.cat([patches, noise[30:] + 0.5])
    found = calm(patches, torch.full_like(patches, 0.01)).best(10).noise
    assert abs(found.square().mean().item() - 1.25) < 0.05
    # Raws keep what lies below black: in the dark they lose no noise.
    assert not clips(noise - 0.005).any()


def test_the_risk_of_pictures_differs_as_their_error_does():
    generator, sigma = generator_of(6), 0.08
    noisy, grain = (sigma * torch.randn(CLEAN.shape, generator=generator) for _ in range(2))
    noisy = CLEAN + noisy

    def blurred(size: int):
        return lambda x: F.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)

    nets = [blurred(size) for size in (1, 3, 5, 21)]
    risks = [picture_risk(net, NoisyPicture(noisy, grain)).mean().item() for net in nets]
    errors = [(net(noisy + ADDED * grain) - CLEAN).square().mean().item() for net in nets]
    for risk, error in zip(risks[1:], errors[1:], strict=True):
        assert abs((risk - risks[0]) - (error - errors[0])) < 0.02 * max(errors)
    assert sorted(range(4), key=risks.__getitem__) == sorted(range(4), key=errors.__getitem__)


def test_the_risk_of_raws_counts_errors_as_they_are_seen_and_has_a_gradient():
    torch.manual_seed(0)
    net = DualDomainConfig(UNetConfig(widths=(4, 6)), UNetConfig(shuffle=2, widths=(4, 6))).build()
    camera, rendering = batched(CAMERA), Rendering(torch.ones(8), torch.zeros(8))
    noise = Noise(torch.full((8, 3), 1e-4), torch.full((8, 3), 1e-6))
    mosaic, generator = unrender(CLEAN, camera), generator_of(7)
    shades = torch.tensor([[0.1, 0.5]]).expand(8, 2)
    first, grain = (
        raw_grain(torch.randn(8, 2, 4, 48, 48, generator=generator), shades, mosaic, noise)
        for _ in range(2)
    )
    raw = NoisyRaw(mosaic + first, camera, noise, rendering, noise, grain, shades)
    risk = raw_risk(net, raw, grain).mean()
    risk.backward()
    assert all(value.grad is not None for value in net.raw_net.body.head.parameters())
    # Too bright by 0.05, in display values, on pictures that clip nowhere.
    net.denoise_srgb = lambda srgb, std: srgb + 0.05
    rise = raw_risk(net, raw, grain).mean().item() - risk.item()
    assert abs(rise / 0.05**2 - 1) < 0.2


def test_the_risk_of_a_scene_in_all_colours_forgives_what_the_raw_does_not_tell():
    """A picture without the pipeline's demosaicking errors is as good as one that has them."""
    generator = generator_of(8)
    fine = (CLEAN + 0.04 * torch.randn(CLEAN.shape, generator=generator)).clamp(0.1, 0.7)
    camera, rendering = batched(CAMERA), Rendering(torch.ones(8), torch.zeros(8))
    noise = Noise(torch.full((8, 3), 1e-6), torch.full((8, 3), 1e-8))
    shades, grain = torch.tensor([[0.1, 0.5]]).expand(8, 2), torch.zeros(8, 1, 96, 96)
    raw = NoisyRaw(unrender(fine, camera), camera, noise, rendering, noise, grain, shades)
    risks = {}
    for truth in ("mosaic", "colour"):
        net = DualDomainConfig(None, UNetConfig(shuffle=2, widths=(4, 6)), truth=truth).build()
        for name, picture in (("scene", fine), ("developed", None)):
            net.denoise_srgb = lambda srgb, _, made=picture: srgb if made is None else made
            risks[truth, name] = raw_risk(net, raw, grain).mean().item()
    wrong = risks.pop(("mosaic", "scene"))
    assert wrong > 1e-3 and max(risks.values()) < 0.01 * wrong


@pytest.mark.parametrize(
    ("truth", "terms"), [("colour", "own"), ("colour", "pairs"), ("mosaic", "own")]
)
def test_files_alone_do_not_make_a_network_forget_how_to_mend(truth, terms, tmp_path):
    """Its second network is held still where no scene says what all colours are."""
    small = UNetConfig(widths=(4, 6))
    config = DualDomainConfig(small, UNetConfig(shuffle=2, widths=(4, 6)), truth=truth)
    save_network(config.build(), config, tmp_path / "w.safetensors")
    training = AdaptRaws(str(tmp_path / "w.safetensors"), SETTINGS, terms)
    still = (truth, terms) == ("colour", "own")
    assert all(w.requires_grad is not still for w in training.dual.srgb_net.parameters())
    assert all(w.requires_grad for w in training.dual.raw_net.parameters())


def test_added_noise_is_as_strong_as_a_guide_says():
    """On bright lines one pixel wide too, which a local mean would dim."""
    net = DualDomainConfig(UNetConfig(widths=(4, 6)), None).build()
    mosaic = torch.full((1, 1, 48, 48), 0.01)
    mosaic[..., ::8, :] = 0.8
    net.denoise_raw = lambda *_: mosaic
    noise = Noise(torch.full((1, 3), 1e-3), torch.full((1, 3), 1e-6))
    texture, shades = torch.ones(1, 1, 4, 24, 24), torch.ones(1, 1)
    told = Noise(noise.shot / 2, noise.read / 2)
    raw = NoisyRaw(mosaic, CAMERA, told, Rendering(), noise, texture, shades)
    expected = (1e-3 * mosaic + 1e-6).sqrt()
    torch.testing.assert_close(grain_like(net, raw), expected)
    net.raw_net = None
    assert grain_like(net, raw)[..., 8, :].max() < 0.6 * expected.max()


def test_each_shade_has_its_own_texture_and_all_its_noise():
    """Rows fade as it gets lighter: in between, half of the variance is of either texture."""
    noise, textures = Noise(1e-3, 1e-6), torch.randn(2, 4, 60, 60, generator=generator_of(8))
    for read_share, first in ((0.1, 1.0), (0.5, 0.5), (0.9, 0.0), (1.0, 0.0)):
        level = 1e-6 * (1 / read_share - 1) / 1e-3
        grain = raw_grain(
            textures, torch.tensor([0.1, 0.9]), torch.full((1, 120, 120), level), noise
        )
        drawn = pack(grain) / (1e-3 * level + 1e-6) ** 0.5
        expected = first**0.5 * textures[0] + (1 - first) ** 0.5 * textures[1]
        torch.testing.assert_close(drawn, expected, atol=1e-3, rtol=1e-3)
