import pytest
import torch

from pellucid import Camera, Noise, PellucidError, RawImage, Restorer, develop, unrender
from pellucid.control import Strength
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.demo import sample
from pellucid.look.reference import shrink
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))
NOISE = Noise(5e-3, 1e-5)


def photo(srgb):
    clean = unrender(srgb, CAMERA)
    return RawImage(add_noise(clean, NOISE, generator=generator_of(1)), CAMERA, NOISE)


@pytest.fixture(scope="module")
def flat():
    """A grey wedge of eight steps."""
    steps = torch.linspace(0.05, 0.85, 8).repeat_interleave(32)
    return photo(steps.expand(3, 128, -1).contiguous())


@pytest.fixture(scope="module")
def kept(flat):
    return Restorer.load().keep(flat)


def spread(picture):
    """Mean standard deviation within the inner parts of the steps."""
    return float(picture.unflatten(-1, (8, 32))[:, 8:-8, :, 8:24].std((1, 3)).mean())


def ycc(picture):
    red, green, blue = picture
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    return grey[None], torch.stack([blue - grey, red - grey])


def test_full_strength_is_the_restoration(flat, kept):
    plain = Restorer.load()(flat)
    both = kept.at(Strength())
    assert torch.equal(both.srgb, plain.srgb)
    assert torch.equal(both.mosaic, plain.mosaic)


def test_no_strength_is_the_noisy_photograph(flat, kept):
    none = kept.at(Strength(0, 0))
    torch.testing.assert_close(none.mosaic, flat.mosaic)
    torch.testing.assert_close(none.srgb.clamp(0, 1), develop(flat), atol=1e-5, rtol=0)


def test_half_strength_removes_half_the_noise(kept):
    none, half, full = (kept.at(Strength(s, s)) for s in (0, 0.5, 1))
    greens = [each.mosaic[:, ::2, 1::2].repeat_interleave(2, -1) for each in (none, half, full)]
    for pictures in (greens, [each.srgb for each in (none, half, full)]):
        noise = [spread(picture) for picture in pictures]
        assert noise[2] < 0.25 * noise[0]
        removed = (noise[0] - noise[1]) / (noise[0] - noise[2])
        assert removed == pytest.approx(0.5, rel=0.1)


def test_luma_and_chroma_act_apart(kept):
    none = [spread(part) for part in ycc(kept.at(Strength(0, 0)).srgb)]
    full = [spread(part) for part in ycc(kept.at(Strength()).srgb)]
    luma = [spread(part) for part in ycc(kept.at(Strength(1, 0)).srgb)]
    chroma = [spread(part) for part in ycc(kept.at(Strength(0, 1)).srgb)]
    assert luma == pytest.approx([full[0], none[1]], rel=1e-3)
    assert chroma == pytest.approx([none[0], full[1]], rel=1e-3)


def test_flat_areas_keep_their_level(kept):
    truth = torch.linspace(0.05, 0.85, 8)
    restored = kept.at(Strength()).srgb.unflatten(-1, (8, 32))[:, 16:-16, :, 8:24]
    assert (restored.mean((1, 3)) - truth).abs().max() < 0.01


def test_kept_with_a_reference_is_aligned():
    picture = shrink(sample(), *(side // 4 for side in sample().shape[-2:]))
    raw, jpeg = photo(picture[:, :128, :192]), picture[:, :128, :192] ** 0.6
    restorer = Restorer.load()
    kept = restorer.keep(raw, reference=jpeg)
    assert torch.equal(kept.restored.srgb, restorer(raw, reference=jpeg).srgb)
    near = (kept.at(Strength(0, 0)).srgb.mean((1, 2)) - jpeg.mean((1, 2))).abs().max()
    far = (restorer.keep(raw).at(Strength(0, 0)).srgb.mean((1, 2)) - jpeg.mean((1, 2))).abs().max()
    assert near < 0.25 * far


@pytest.mark.parametrize("preset", ["fast", "best"])
def test_presets_restore(flat, preset):
    noisy = Restorer.load().keep(flat).at(Strength(0, 0)).srgb
    assert spread(Restorer.load(preset=preset)(flat).srgb) < 0.3 * spread(noisy)


def test_the_best_preset_knows_where_red_was_sampled_in_mirrored_pictures():
    """Green sites that were taken for red ones cost 2.3 dB."""
    truth, noise = sample()[:, 300:428, 400:560], Noise(2e-4, 1e-8)
    noisy = add_noise(unrender(truth, CAMERA), noise, generator=generator_of(5)).clamp(max=1)
    raw = RawImage(noisy, CAMERA, noise)
    normal, best = (
        (Restorer.load(preset=preset, highlights="roll")(raw).srgb - truth).square().mean().item()
        for preset in ("normal", "best")
    )
    assert best < normal, best / normal


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_strengths_out_of_range_are_refused(value):
    with pytest.raises(PellucidError, match="expected 0 to 1"):
        Strength(value)
