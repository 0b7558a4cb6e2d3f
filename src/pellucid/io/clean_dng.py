"""A clean DNG: a restored mosaic in its source's own frame, with everything the source said."""

from dataclasses import dataclass
from hashlib import md5
from importlib.metadata import version
from pathlib import Path

from torch import Tensor

from pellucid.io.clean_pixels import linear_pixels, mosaic_pixels, original_pixels
from pellucid.io.dng import noise_pairs
from pellucid.io.dng_levels import without
from pellucid.io.dng_source import camera_fields, default_crop, exif_fields
from pellucid.io.dng_tags import OF_ORIGINAL, OF_PREVIEW, OF_RAW, POINTERS, STRUCTURE
from pellucid.io.left_noise import left_noise
from pellucid.io.linear_images import mosaic_of_linear
from pellucid.io.preview import preview, preview_facts, thumbnail
from pellucid.io.raw_origin import Origin, read_origin
from pellucid.io.replacing import check_folder, replacing
from pellucid.io.tiff_writer import Entry, Field, Tree, write_tree
from pellucid.io.xmp import mark_denoised
from pellucid.raw import Noise, RawImage, SensorFrame

_NEAREST_NOTE = 8
_FARTHEST_NOTE = 1 << 16  # a maker note beyond would cost more padding than it is worth


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How a raw was cleaned, and how it is to be written."""

    strength: float = 1.0
    """From 0, the original integers, to 1, the restored ones; blended in raw."""
    noise: Noise | None = None
    """What the restoration took the raw's noise to be; the file's own where None."""
    how: str = ""
    """The model and the noise level, for the XMP packet."""
    linear: bool = False
    """Three colours per pixel (LinearRaw) instead of a mosaic."""


def write_clean_dng(
    path: str | Path,
    raw: RawImage,
    restored: Tensor,
    srgb: Tensor,
    cleaning: Cleaning = Cleaning(),  # noqa: B008
) -> None:
    """Write the restored mosaic (1, H, W) of a raw as a DNG that takes the raw's place.

    Of a linear image, `restored` are its pixels and the DNG is a linear one.

    `srgb` (3, H, W) is the picture for the preview; both are in the frame of `raw.mosaic`. At
    strength 0 a DNG's integers are the original ones. Raises FileError, also where the file
    that `raw` was read from is gone.
    """
    source, file = _check(raw, restored, srgb, cleaning)
    check_folder(path)
    origin = read_origin(file, pixels=not cleaning.strength)
    pixels = _pixels(raw, source, restored, origin, cleaning)
    tree = _tree(raw, source, srgb, origin, pixels, cleaning)
    with replacing(path) as out:
        write_tree(out, tree, origin.order)


def _check(
    raw: RawImage, restored: Tensor, srgb: Tensor, cleaning: Cleaning
) -> tuple[SensorFrame, Path]:
    if raw.source is None or raw.path is None:
        raise ValueError("raw has no source; expected one from read_raw (or use write_mosaic)")
    if restored.shape != raw.light.shape or srgb.shape != (3, *raw.mosaic.shape[1:]):
        raise ValueError(
            f"got a mosaic {tuple(restored.shape)} and a picture {tuple(srgb.shape)}; expected "
            f"both in the frame of the raw's {tuple(raw.light.shape)}"
        )
    if not 0 <= cleaning.strength <= 1:
        raise ValueError(f"strength is {cleaning.strength:g}; expected 0 to 1")
    return raw.source, raw.path


def _pixels(
    raw: RawImage, source: SensorFrame, restored: Tensor, origin: Origin, cleaning: Cleaning
) -> Tree:
    """The directory of the raw pixels."""
    copied = None if cleaning.strength else origin.photograph
    if cleaning.linear or (raw.linear is not None and copied is None):
        tree = linear_pixels(raw, source, restored, origin, cleaning.strength)
    elif copied is not None:
        return original_pixels(source, origin, copied)
    else:
        tree = mosaic_pixels(raw, source, restored, origin, cleaning.strength)
    noise = _noise(raw, restored, origin, cleaning)
    return Tree([*tree.entries, *noise], tree.blocks, tree.tiled)


def _noise(
    raw: RawImage, restored: Tensor, origin: Origin, cleaning: Cleaning
) -> list[Field | Entry]:
    """NoiseProfile of what is left, and the share of noise reduction that was done."""
    known = cleaning.noise or raw.noise
    if not cleaning.strength:
        kept = origin.photograph.entries.get(51041) if origin.photograph else None
        return [kept._replace(at=None)] if kept else []
    done: list[Field | Entry] = [Field(50935, "rational", [cleaning.strength])]
    if known is None:
        return done
    left = noise_pairs(left_noise(raw, mosaic_of_linear(restored), known, cleaning.strength))
    return [*done, Field(51041, "double", [value for pair in left for value in pair])]


def _tree(
    raw: RawImage,
    source: SensorFrame,
    srgb: Tensor,
    origin: Origin,
    pixels: Tree,
    cleaning: Cleaning,
) -> Tree:
    """The whole file: thumbnail and facts, then the raw, a preview and what else there was."""
    crop = default_crop(raw, source, origin)
    shown = raw.trim(srgb)[:, crop.top : crop.bottom, crop.left : crop.right]
    structure, thumb = thumbnail(shown)
    facts = _facts(raw, source, origin, pixels, cleaning)
    masks = [Tree(without(one.entries, {273, 279, 324, 325, *POINTERS}), blocks, 324 in one.entries)
             for one, blocks in origin.masks]  # fmt: skip
    below = {330: [pixels, preview(shown, list(preview_facts(version("pellucid")))), *masks]}
    exif = _exif(raw, origin)
    if exif is not None:
        below[34665] = [exif]
    if origin.gps is not None:
        below[34853] = [Tree(without(origin.gps.entries, POINTERS))]
    return Tree([*structure, *facts], [thumb], below=below)


def _facts(
    raw: RawImage, source: SensorFrame, origin: Origin, pixels: Tree, cleaning: Cleaning
) -> list[Field | Entry]:
    """Camera, colour and words, for the first directory."""
    fields = {field.code: field for field in camera_fields(raw, source, origin)}
    changed = cleaning.strength > 0 or cleaning.linear
    if changed:
        fields = {code: field for code, field in fields.items() if code not in OF_ORIGINAL}
        digest = md5(b"".join(pixels.blocks), usedforsecurity=False).digest()
        fields[50781] = Field(50781, "byte", digest)  # RawDataUniqueID
    if cleaning.strength > 0:
        packet = origin.first.entries.get(700) if origin.first else None
        words = mark_denoised(
            packet.data if packet else b"", cleaning.strength, cleaning.how, version("pellucid")
        )
        fields[700] = Field(700, "byte", words)
    fields[274] = Field(274, "short", [source.orientation])
    return [field for code, field in fields.items() if code not in STRUCTURE | OF_RAW | OF_PREVIEW]


def _exif(raw: RawImage, origin: Origin) -> Tree | None:
    """EXIF as in the source, the maker's note where it stood, so that places in it stay true."""
    if origin.exif is None:
        return None if origin.is_dng else Tree(exif_fields(raw))
    entries = without(origin.exif.entries, POINTERS | {37500})
    note = origin.exif.entries.get(37500)
    if note is not None:
        stays = note.at is not None and _NEAREST_NOTE <= note.at <= _FARTHEST_NOTE
        entries.append(note if stays else note._replace(at=None))
    if origin.interop is None:
        return Tree(entries)
    return Tree(entries, below={40965: [Tree(without(origin.interop.entries, POINTERS))]})
