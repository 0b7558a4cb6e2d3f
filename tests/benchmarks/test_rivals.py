"""The rivals are told the noise in their own units, and colours come back where they were."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import rivals
import torch

from pellucid.errors import PellucidError


class Untouched:
    """A stand-in for OpenCV that keeps what it is told."""

    def fastNlMeansDenoisingColored(self, pixels, into, luma, colour):  # noqa: N802
        self.pixels, self.told = pixels, (luma, colour)
        return pixels

    def fastNlMeansDenoising(self, pixels, strengths):  # noqa: N802
        self.pixels, self.told = pixels, tuple(strengths)
        return pixels


def picture(seed=0):
    return (
        torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(seed)).mul(255).round() / 255
    )


def test_non_local_means_gets_bytes_blue_first_and_its_strength_in_levels(monkeypatch):
    cv2, clean = Untouched(), picture()
    monkeypatch.setattr(rivals, "opencv", lambda: cv2)
    assert torch.equal(rivals.nlm(clean, 10 / 255), clean)
    assert cv2.told == pytest.approx((10 * rivals.LUMA, 10 * rivals.COLOUR))
    assert cv2.pixels.dtype == np.uint8
    np.testing.assert_array_equal(cv2.pixels[..., 0], (clean[2] * 255).round().numpy())


def test_planes_keep_their_distances_and_come_back(monkeypatch):
    """Orthonormal components stay so only if all are scaled alike."""
    cv2, planes = Untouched(), np.random.default_rng(0).normal(size=(4, 16, 16)).cumsum(0)
    monkeypatch.setattr(rivals, "opencv", lambda: cv2)
    back = rivals.nlm_planes(planes, np.full(4, 0.5), strength=2)
    span = (planes.max((1, 2)) - planes.min((1, 2))).max()
    np.testing.assert_allclose(back, planes, atol=span / 255)
    assert cv2.told == pytest.approx((255 * 2 * 0.5 / span,))
    assert cv2.pixels.shape == (16, 16, 4)


def test_wavelets_of_an_untouched_picture_are_that_picture_whatever_the_shift(monkeypatch):
    told = []

    def untouched(pixels, sigma, **how):
        told.append((sigma, how))
        return pixels

    stand_in = SimpleNamespace(restoration=SimpleNamespace(denoise_wavelet=untouched))
    monkeypatch.setattr(rivals, "scikit_image", lambda: stand_in)
    assert torch.equal(rivals.wavelets(picture(), 0.1), picture())
    planes = np.random.default_rng(0).normal(size=(4, 16, 16))
    np.testing.assert_allclose(rivals.wavelet_planes(planes, np.arange(4)), planes, atol=1e-12)
    assert told[0] == (0.1, {"rescale_sigma": True, "convert2ycbcr": True, "channel_axis": -1})
    assert [sigma for sigma, _ in told[16:]] == [n for n in range(4) for _ in range(16)]


@pytest.mark.parametrize("name", ["cv2", "pywt"])
def test_what_is_missing_is_said(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PellucidError, match=r"not installed; expected pip install"):
        {"cv2": rivals.opencv, "pywt": rivals.scikit_image}[name]()


@pytest.mark.parametrize(("name", "package"), [("nlm", "cv2"), ("wavelets", "pywt")])
def test_both_remove_noise(name, package):
    pytest.importorskip(package, reason="only with the extra `bench`")
    ramp = torch.linspace(0.2, 0.8, 64).expand(3, 64, 64)
    noise = 0.1 * torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
    restored = getattr(rivals, name)((ramp + noise).clamp(0, 1), 0.1)
    assert restored.shape == ramp.shape and restored.dtype == torch.float32
    assert (restored - ramp).std() < 0.5 * noise.std()
    planes = noise.numpy().astype(float).repeat(2, 0)[:4] * 10 + ramp[:1].numpy() * 20
    filtered = {"nlm": rivals.nlm_planes, "wavelets": rivals.wavelet_planes}[name]
    left = filtered(planes, np.ones(4)) - ramp[:1].numpy() * 20
    assert left.std() < 0.5


def test_strengths_are_chosen_by_a_table_with_one_choice(monkeypatch, tmp_path, capsys):
    from PIL import Image

    monkeypatch.setattr(rivals, "opencv", Untouched)
    photo = Image.fromarray((picture().permute(1, 2, 0).numpy() * 255).astype("uint8"))
    (tmp_path / "photos").mkdir()
    photo.resize((160, 140)).save(tmp_path / "photos" / "a.png")
    monkeypatch.setattr(sys, "argv", ["rivals.py", "--photos", str(tmp_path / "photos")])
    rivals.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line[0] == "*"] == [
        ["*", "nlm"],
        ["*", "gat_nlm"],
    ]
    assert len(lines) > 10 and all("dB" in line for line in lines)
