"""Reading raw photographs: black, white, phase, colour and noise are settled here."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import pad
from pellucid.errors import FileError
from pellucid.io.bad_pixels import bad_pixels, mended
from pellucid.io.camera_colour import camera_of
from pellucid.io.camera_name import camera_name
from pellucid.io.dng_fields import Area
from pellucid.io.jpeg_xl import decode_jpeg_xl, is_jpeg_xl
from pellucid.io.lens_shading import Frame, kept_corrections, shading_of
from pellucid.io.libraw import Decoded, decode
from pellucid.io.linear_images import (
    filters_of,
    grey_camera,
    kind_remark,
    linear_image,
    mosaic_of_linear,
    moved,
    seen_mosaic,
)
from pellucid.io.map_polynomial import map_values
from pellucid.io.noise_profile import noise_of
from pellucid.io.sensor_frames import active_area, sensor_frame
from pellucid.io.stored_pixels import is_lossy_jpeg, unmapped
from pellucid.io.tiff_tags import TiffTags, read_tags
from pellucid.raw import Camera, LinearImage, RawImage, SensorFrame

RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw "
    ".orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""The usual endings of raw files, in lower case."""


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
    """A raw as linear light in [0, 1], RGGB with even sides, with its camera and noise.

    What is no Bayer mosaic has its pixels in `linear` as well. Raises FileError, one line, where
    the file is missing, cut off or damaged, or has other colours than R, G, B.
    """
    path = Path(path)
    facts = _facts(path)
    tags = facts.tags
    decoded = _decoded(path, tags)
    source, remarks = sensor_frame(path, decoded, tags)
    light = _bayer(source, decoded, tags) if decoded.is_bayer else _linear(source, decoded, tags)
    exposure = (tags.numbers(50730, 1) or (0.0,))[0]
    return RawImage(
        mosaic=light.mosaic,
        camera=light.camera,
        noise=noise_of(tags, float(light.mosaic.mean())),
        exposure=2.0 ** min(max(exposure, -10.0), 10.0),
        make=facts.make,
        model=facts.model,
        iso=_iso(decoded, tags),
        exposure_time=_exposure_time(decoded, tags),
        source=source,
        path=path,
        remarks=(*remarks, *light.remarks, *_kept(tags, decoded)),
        linear=light.linear,
        gain=_gain(source, decoded, tags),
    )


def read_bayer(path: str | Path) -> RawImage:
    """A raw that is a Bayer mosaic, for what learns from sensors; raises FileError as well."""
    raw = read_raw(path)
    if raw.linear is not None:
        raise FileError.of(
            path, "its pixels form another kind of mosaic, or none; expected a Bayer mosaic"
        )
    return raw


class _Light(NamedTuple):
    """The pixels in the networks' terms, with what is known of their colour."""

    mosaic: Tensor
    linear: LinearImage | None
    camera: Camera
    remarks: tuple[str, ...]


def _decoded(path: Path, tags: TiffTags) -> Decoded:
    filters = filters_of(tags)
    if is_jpeg_xl(tags):
        return decode_jpeg_xl(path, tags, filters)
    decoded = decode(path, filters)
    if is_lossy_jpeg(tags):
        decoded = unmapped(path, decoded, tags)
    if not tags.is_dng or not filters or decoded.is_bayer:
        return decoded
    top, left, *_ = tags.numbers(50829, 4) or (0.0, 0.0)
    shift = (decoded.top - int(top), decoded.left - int(left))
    return replace(decoded, pattern=moved(filters, *shift)) if decoded.pattern else decoded


def _bayer(source: SensorFrame, decoded: Decoded, tags: TiffTags) -> _Light:
    mosaic = mosaic_of_source(source)
    bad = _bad(source, tags)
    if bad is not None:
        mosaic = mosaic_of_source(replace(source, sensor=bad))
    return _Light(mosaic, None, *camera_of(decoded, tags, mosaic))


def _linear(source: SensorFrame, decoded: Decoded, tags: TiffTags) -> _Light:
    visible = _visible(source)
    colours = np.array(decoded.black[:3] if visible.ndim == 3 else decoded.black[0])
    visible -= colours.astype(np.float32)
    visible /= (source.white - colours).astype(np.float32)
    if tags.is_dng:
        top, left, *_ = _active(source, tags)
        map_values(visible, tags, source.top - top, source.left - left)
    samples = visible.shape[2] if visible.ndim == 3 else 1
    said = (kind_remark(decoded.pattern, samples),)
    if decoded.pattern or samples == 3:
        camera, remarks = camera_of(decoded, tags, seen_mosaic(visible, decoded.pattern))
    else:
        camera, remarks = grey_camera(), ()
    image = linear_image(visible, decoded.pattern, source, camera)
    return _Light(mosaic_of_linear(image.light), image, camera, (*said, *remarks))


def _visible(source: SensorFrame) -> npt.NDArray[np.float32]:
    """The visible area's integers, less what single rows and columns have above black."""
    rows = slice(source.top, source.top + source.height)
    columns = slice(source.left, source.left + source.width)
    visible = source.sensor[rows, columns].astype(np.float32)
    for deltas in source.deltas:
        visible -= deltas if visible.ndim == 2 else deltas[..., None]
    return visible


def _active(source: SensorFrame, tags: TiffTags) -> Area:
    return active_area(tags, *source.sensor.shape[:2])


def _gain(source: SensorFrame, decoded: Decoded, tags: TiffTags) -> Tensor | None:
    """Lens shading in the raw's frame."""
    if not tags.is_dng:
        return None
    top, left, bottom, right = _active(source, tags)
    samples = 3 if decoded.pattern or source.sensor.ndim == 3 else 1
    gains = shading_of(
        tags,
        Frame(
            source.height,
            source.width,
            source.top - top,
            source.left - left,
            (bottom - top, right - left),
            "bayer" if decoded.is_bayer else "pattern" if decoded.pattern else "linear",
            1 if decoded.is_bayer else samples,
            source.phase,
        ),
    )
    return None if gains is None else pad(torch.from_numpy(gains), source.padding)


def _bad(source: SensorFrame, tags: TiffTags) -> npt.NDArray[np.uint16] | None:
    """The sensor with the pixels mended that a DNG lists as bad; None where it lists none."""
    if not tags.is_dng:
        return None
    bad = bad_pixels(tags, source, *_active(source, tags)[:2])
    if bad is None:
        return None
    sensor = mended(source.sensor.astype(np.float32), bad, 2)
    return np.clip(np.rint(sensor), 0, 65535).astype(np.uint16)


def _kept(tags: TiffTags, decoded: Decoded) -> tuple[str, ...]:
    names = kept_corrections(tags, mapped=not decoded.is_bayer) if tags.is_dng else ()
    return (f"Kept for DNG out, not applied: {', '.join(names)}.",) if names else ()


def mosaic_of_source(source: SensorFrame) -> Tensor:
    """RGGB mosaic (1, H, W) of a sensor frame: (raw - black) / (white - black), nothing clipped."""
    visible = _visible(source)
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


def _iso(decoded: Decoded, tags: TiffTags) -> float | None:
    """ISO; what 16 bits cannot hold stands in RecommendedExposureIndex (EXIF 2.3)."""
    large = tags.exif_number("RecommendedExposureIndex") if decoded.iso >= 65535 else None
    return large or _positive(decoded.iso) or tags.exif_number("ISOSpeedRatings")


def _exposure_time(decoded: Decoded, tags: TiffTags) -> float | None:
    """Seconds; LibRaw's number is only taken where there is no EXIF, because it says 1 for none."""
    return tags.exif_number("ExposureTime") if tags.exif else _positive(decoded.exposure_time)


def _positive(value: float) -> float | None:
    return value if 0 < value < float("inf") else None
