"""Noise from tags: pairs per colour, and Apple's signal-to-noise ratio."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.io.noise_profile import apple_noise, apple_snr, noise_of, noise_of_pairs
from pellucid.io.tiff_tags import TiffTags


def maker_note(code: int, above: int, below: int) -> bytes:
    head = b"Apple iOS\0\0\1MM" + struct.pack(">H", 1)
    return (
        head + struct.pack(">HHII", code, 10, 1, 32) + bytes(4) + struct.pack(">ii", above, below)
    )


def test_four_pairs_stand_in_the_order_of_the_sites() -> None:
    noise = noise_of_pairs([(1.0, 0.1), (2.0, 0.2), (3.0, 0.3), (5.0, 0.5)], (1, 2, 0, 1))
    assert noise is not None
    assert noise.shot.tolist() == [3, 3, 2]
    assert noise.read.tolist() == pytest.approx([0.3, 0.3, 0.2])


def test_two_or_five_pairs_say_nothing() -> None:
    assert noise_of_pairs([(1.0, 0.1)] * 2, (0, 1, 1, 2)) is None
    assert noise_of_pairs([(1.0, 0.1)] * 5, (0, 1, 1, 2)) is None
    assert noise_of_pairs([(1.0, 0.1)] * 4, None) is None


@pytest.mark.parametrize(
    "profile", [(), (-1e-3, 1e-6), (0.0, 0.0), (math.nan, 1e-6), (1e-3, math.inf), "text", None]
)
def test_invalid_profiles_are_left_out(profile: object) -> None:
    assert noise_of(TiffTags({51041: profile}), 0.2) is None


def test_apple_shot_noise_gives_the_ratio_back() -> None:
    noise = apple_noise(0.2, 30.0)
    assert noise is not None
    variance = float(noise.shot) * 0.2
    assert 10 * math.log10(0.2**2 / variance) == pytest.approx(30, abs=1e-4)
    assert 0 < float(noise.read) < float(noise.shot)


@pytest.mark.parametrize(
    ("mean", "snr"),
    [(0.2, None), (-0.1, 30.0), (math.nan, 30.0), (0.2, math.nan), (0.2, -90.0), (0.2, 9e9)],
)
def test_apple_values_that_mean_nothing(mean: float, snr: float | None) -> None:
    assert apple_noise(mean, snr) is None


def test_apple_maker_note() -> None:
    assert apple_snr(maker_note(0x27, 300, 10)) == 30
    assert apple_snr(maker_note(0x27, 300, 0)) is None
    assert apple_snr(maker_note(0x28, 300, 10)) is None
    assert apple_snr(maker_note(0x27, 300, 10)[:30]) is None
    assert apple_snr(b"Nikon\0\2") is None and apple_snr(None) is None
    tags = TiffTags(exif={"MakerNote": maker_note(0x27, 300, 10)})
    assert noise_of(tags, 0.2) == apple_noise(0.2, 30.0)


@given(st.binary(max_size=60))
def test_any_maker_note_is_survived(data: bytes) -> None:
    apple_snr(b"Apple iOS\0\0\1MM" + data)
