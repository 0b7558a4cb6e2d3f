import pytest
import torch
import torch.nn.functional as F

from pellucid.data.synthesis import generator_of
from pellucid.demo import sample
from pellucid.errors import PellucidError
from pellucid.look.align import apply_grid
from pellucid.look.reference import fit_reference, noise_level, undo_clipping
from pellucid.look.registration import find_place, shrink, warp

AFFINE = torch.tensor([[0.98, 0.0, 0.004], [0.0, 0.98, -0.003]])


@pytest.fixture(scope="module")
def picture():
    return shrink(sample(), *(side // 2 for side in sample().shape[-2:]))[
        :, :256, :384
    ].contiguous()


def other_look(picture):
    grey = picture.mean(0, keepdim=True)
    vivid = (grey + 1.3 * (picture - grey)).clamp(0, 1) ** 0.7
    return vivid + 0.3 * (vivid**2 * (3 - 2 * vivid) - vivid)


def jpeg_of(picture, look=other_look):
    seen, _ = warp(look(picture), AFFINE, *picture.shape[-2:], "bicubic")
    return F.interpolate(seen[None], scale_factor=0.5, mode="area")[0].clamp(0, 1)


def rms(difference):
    return float(difference.square().mean().sqrt())


def test_scale_and_crop_are_found_under_another_look(picture):
    place = find_place(picture, jpeg_of(picture))
    whole = torch.cat([AFFINE, torch.tensor([[0.0, 0.0, 1.0]])])
    corners = torch.tensor([[-1, 1, -1, 1], [-1, -1, 1, 1], [1, 1, 1, 1]], dtype=torch.float32)
    error = (place.affine - whole.inverse()[:2]) @ corners
    assert (error * torch.tensor([[192.0], [128.0]])).norm(dim=0).max() < 0.4  # pixels
    assert place.score > 0.6


def test_a_narrower_picture_of_the_middle_is_found(picture):
    """16:9 of 3:2, as cameras crop it."""
    place = find_place(picture, other_look(picture)[:, 20:236])
    torch.testing.assert_close(place.affine[0], torch.tensor([1.0, 0.0, 0.0]), atol=4e-3, rtol=0)
    expected = torch.tensor([0.0, 256 / 216, 0.0])
    torch.testing.assert_close(place.affine[1], expected, atol=4e-3, rtol=0)


def test_alignment_brings_the_look(picture):
    aligned = apply_grid(fit_reference(picture, [jpeg_of(picture)]), picture)
    before, after = (rms(each - other_look(picture)) for each in (picture, aligned.clamp(0, 1)))
    assert after < 0.3 * before


def test_noise_of_the_reference_does_not_come_through(picture):
    jpeg = jpeg_of(picture)
    noise = torch.randn(jpeg.shape, generator=generator_of(1)) * 10 / 255
    clean, noisy = (
        apply_grid(fit_reference(picture, [each]), picture).clamp(0, 1)
        for each in (jpeg, (jpeg + noise).clamp(0, 1))
    )
    assert 0 < float((clean - noisy).std()) < 1 / 255


def test_the_turn_that_fits_is_taken(picture):
    jpeg = jpeg_of(picture)
    turned = apply_grid(fit_reference(picture, [jpeg.flip((1, 2)), jpeg]), picture)
    assert torch.equal(turned, apply_grid(fit_reference(picture, [jpeg]), picture))


def test_another_scene_is_refused(picture):
    with pytest.raises(PellucidError, match="does not show the same scene"):
        fit_reference(picture, [picture.flip((1, 2)).mT.contiguous()])


@pytest.mark.parametrize("shape", [(64, 96), (2, 300), (300, 2), (1, 300), (2, 2), (1, 1)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, float("nan")])
def test_what_shows_nothing_is_refused(picture, shape, value):
    plain = torch.full((3, *shape), value)
    with pytest.raises(PellucidError, match="does not show the same scene"):
        fit_reference(picture, [plain, plain.flip(1)])
    with pytest.raises(PellucidError, match="does not show the same scene"):
        fit_reference(plain, [picture])


def test_clipped_noise_gets_its_mean_back():
    white = torch.cat([torch.ones(3, 64, 64), torch.full((3, 64, 64), 0.5)], dim=2)
    noisy = (white + torch.randn(white.shape, generator=generator_of(0)) * 0.04).clamp(0, 1)
    assert noise_level(noisy) == pytest.approx(0.04, rel=0.15)
    assert noisy[..., 4:60].mean() == pytest.approx(1 - 0.04 * 0.399, abs=2e-3)
    assert undo_clipping(noisy)[..., 4:60].mean() == pytest.approx(1, abs=6e-3)
    dark = undo_clipping(1 - noisy)[..., 4:60].mean()
    assert dark == pytest.approx(0, abs=6e-3)
