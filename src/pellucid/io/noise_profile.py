"""What a raw file says of its noise: DNG's NoiseProfile, or Apple's signal-to-noise ratio."""

import math
import struct

import torch

from pellucid.io.tiff_tags import TiffTags
from pellucid.raw import Noise

_MOST_SHOT = 1.0  # a variance as large as full scale; anything above is no noise profile


def noise_of(tags: TiffTags, mean: float) -> Noise | None:
    """Noise from NoiseProfile (tag 51041), else from Apple's maker note; None without either.

    `mean` is the normalised mosaic's mean signal.
    """
    profile = tags.numbers(51041) or ()
    pairs = list(zip(profile[::2], profile[1::2], strict=False))
    if pairs and all(_is_noise(*pair) for pair in pairs):
        return noise_of_pairs(pairs, tags.numbers(33422, 4))
    return apple_noise(mean, apple_snr(tags.exif.get("MakerNote")))


def noise_of_pairs(
    pairs: list[tuple[float, float]], pattern: tuple[float, ...] | None
) -> Noise | None:
    """Noise of one pair for all, three for R, G, B, or four for the sites in reading order.

    `pattern` is the CFAPattern, 0, 1, 2 for R, G, B. The DNG specification knows one pair or one
    per colour; some cameras write one per site, of which the two greens are averaged here.
    """
    match len(pairs):
        case 1:
            return Noise(*pairs[0])
        case 3:
            values = torch.tensor(pairs)
        case 4 if pattern is not None and sorted(pattern) == [0, 1, 1, 2]:
            of_colour = torch.tensor(pattern) == torch.arange(3)[:, None]
            values = torch.stack([torch.tensor(pairs)[sites].mean(0) for sites in of_colour])
        case _:
            return None
    return Noise(values[:, 0], values[:, 1])


def _is_noise(shot: float, read: float) -> bool:
    return 0 <= shot <= _MOST_SHOT and 0 <= read <= 1 and shot + read > 0


def apple_noise(mean: float, snr: float | None) -> Noise | None:
    """Noise of a signal-to-noise ratio in dB at the mean signal, as DualDn reads iPhone raws.

    SNR = 10 log10(mean^2 / variance) and variance = shot * mean give shot = mean / 10^(SNR/10).
    DualDn multiplies raw and shot by a digital gain as well; here the raw keeps its scale, and so
    does the shot. The read variance is the median of DualDn's law.
    """
    if snr is None or not (-50 < snr < 200 and 0 < mean < 10):  # NaN fails both
        return None
    shot = mean / 10 ** (snr / 10)
    return (
        Noise(shot, math.exp(2.5407 * math.log(shot) + 1.2182)) if 0 < shot <= _MOST_SHOT else None
    )


def apple_snr(maker_note: object) -> float | None:
    """SignalToNoiseRatio (tag 0x27, signed rational) of an Apple maker note in dB, or None."""
    if not isinstance(maker_note, bytes) or not maker_note.startswith(b"Apple iOS\0"):
        return None
    try:
        (count,) = struct.unpack_from(">H", maker_note, 14)
        for entry in range(16, 16 + 12 * count, 12):
            code, kind, _, offset = struct.unpack_from(">HHII", maker_note, entry)
            if (code, kind) == (0x27, 10):
                above, below = struct.unpack_from(">ii", maker_note, offset)
                return above / below if below else None
    except struct.error:
        return None
    return None
