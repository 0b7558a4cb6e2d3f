"""Reading raw photographs: black, white, phase, colour and noise are settled here."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import PHASES, pad, rggb_padding
from pellucid.errors import FileError
from pellucid.io.camera_colour import camera_of
from pellucid.io.camera_name import camera_name
from pellucid.io.libraw import Decoded, decode, not_bayer
from pellucid.io.noise_profile import noise_of
from pellucid.io.orientation import is_orientation, orientation_of_flip
from pellucid.io.tiff_tags import TiffTags, read_tags
from pellucid.raw import RawImage, SensorFrame

RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw "
    ".orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""The usual endings of raw files, in lower case."""

Black = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is read beside the pixels."""

    tags: TiffTags
    make: str
    model: str


def is_raw(path: str | Path) -> bool:
    """Whether a file's name ends like a raw file's."""
    return Path(path).suffix.lower() in RAW_SUFFIXES


def read_raw(path: str | Path) -> RawImage:
    """A Bayer raw as linear light in [0, 1], RGGB with even sides, with its camera and noise.

    Raises FileError, one line, where the file is missing, cut off, damaged or no Bayer mosaic.
    """
    path = Path(path)
    facts = _facts(path)
    decoded = decode(path)
    source = _source(path, decoded, facts.tags)
    mosaic = mosaic_of_source(source)
    camera, remarks = camera_of(decoded, facts.tags, mosaic)
    exposure = (facts.tags.numbers(50730, 1) or (0.0,))[0]
    return RawImage(
        mosaic=mosaic,
        camera=camera,
        noise=noise_of(facts.tags, float(mosaic.mean())),
        exposure=2.0 ** min(max(exposure, -10.0), 10.0),
        make=facts.make,
        model=facts.model,
        iso=_iso(decoded, facts.tags),
        exposure_time=_exposure_time(decoded, facts.tags),
        source=source,
        path=path,
        remarks=remarks,
    )


def mosaic_of_source(source: SensorFrame) -> Tensor:
    """RGGB mosaic (1, H, W) of a sensor frame: (raw - black) / (white - black), nothing clipped."""
    rows = slice(source.top, source.top + source.height)
    columns = slice(source.left, source.left + source.width)
    visible = source.sensor[rows, columns].astype(np.float32)
    for site, black in enumerate(source.black):
        part = visible[site // 2 :: 2, site % 2 :: 2]
        part -= np.float32(black)
        part /= np.float32(source.white - black)
    return pad(torch.from_numpy(visible)[None], source.padding)


def _facts(path: Path) -> _Facts:
    """Tags and names, after the checks that need no decoding."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise FileError.of(path, "the file is empty; expected a raw photograph")
            tags = read_tags(file)
            _check_whole(path, tags)
            return _Facts(tags, *camera_name(file, tags))
    except OSError as error:
        raise FileError.from_os(path, error) from error


def _check_whole(path: Path, tags: TiffTags) -> None:
    if tags.missing_bytes:
        raise FileError.of(
            path, f"its pixel data is cut off: {tags.missing_bytes} bytes are missing at the end"
        )
    if tags.is_dng and tags.numbers(262, 1) == (34892.0,):
        raise not_bayer(path, "already have three colours each (a linear DNG)")


def _source(path: Path, decoded: Decoded, tags: TiffTags) -> SensorFrame:
    phase = PHASES[decoded.sites.index(0)]
    black = _black(decoded, tags)
    _check_numbers(path, decoded, black)
    return SensorFrame(
        sensor=decoded.sensor,
        top=decoded.top,
        left=decoded.left,
        height=decoded.height,
        width=decoded.width,
        phase=phase,
        padding=rggb_padding(phase, decoded.height, decoded.width),
        black=black,
        white=decoded.white,
        orientation=_orientation(decoded, tags),
        linearization=_linearization(tags),
        tags=tags.tags if tags.is_dng else {},
    )


def _linearization(tags: TiffTags) -> npt.NDArray[np.uint16] | None:
    table = tags.numbers(50712)
    return None if table is None else np.clip(table, 0, 65535).astype(np.uint16)


def _check_numbers(path: Path, decoded: Decoded, black: Black) -> None:
    sides = (decoded.top + decoded.height, decoded.left + decoded.width)
    if min(decoded.height, decoded.width) < 2 or any(
        a > b for a, b in zip(sides, decoded.sensor.shape, strict=True)
    ):
        raise FileError.of(
            path, f"its visible area of {decoded.height}x{decoded.width} pixels makes no sense"
        )
    if not max(black) < decoded.white:
        raise FileError.of(
            path, f"its white level {decoded.white:g} is not above its black level {max(black):g}"
        )


def _black(decoded: Decoded, tags: TiffTags) -> Black:
    """Black of the visible sites.

    LibRaw starts an odd ActiveArea one site later but leaves the levels where they were, so that a
    DNG's own tags say better which level belongs where; LibRaw says which levels there are.
    """
    said = _four([decoded.black[colour] for colour in decoded.sites])
    levels, repeat = tags.numbers(50714), tags.numbers(50713, 2) or (1.0, 1.0)
    if not tags.is_dng or levels is None or repeat != (2.0, 2.0) or len(levels) != 4:
        return said
    top, left, *_ = tags.numbers(50829, 4) or (0.0, 0.0)
    rolled = np.roll(
        np.reshape(levels, (2, 2)), (int(top) - decoded.top, int(left) - decoded.left), (0, 1)
    )
    if not np.allclose(np.sort(rolled, axis=None), sorted(said), atol=1):
        return said
    return _four(rolled.ravel().tolist())


def _four(values: Sequence[float]) -> Black:
    first, second, third, fourth = values
    return first, second, third, fourth


def _orientation(decoded: Decoded, tags: TiffTags) -> int:
    """A DNG's own tag; LibRaw's flip elsewhere, because it knows the makers' notes."""
    if not tags.is_dng:
        return orientation_of_flip(decoded.flip)
    value = tags.tags.get(274)
    return value if is_orientation(value) else 1


def _iso(decoded: Decoded, tags: TiffTags) -> float | None:
    """ISO; what 16 bits cannot hold stands in RecommendedExposureIndex (EXIF 2.3)."""
    large = tags.exif_number("RecommendedExposureIndex") if decoded.iso >= 65535 else None
    return large or _positive(decoded.iso) or tags.exif_number("ISOSpeedRatings")


def _exposure_time(decoded: Decoded, tags: TiffTags) -> float | None:
    """Seconds; LibRaw's number is only taken where there is no EXIF, because it says 1 for none."""
    return tags.exif_number("ExposureTime") if tags.exif else _positive(decoded.exposure_time)


def _positive(value: float) -> float | None:
    return value if 0 < value < float("inf") else None
