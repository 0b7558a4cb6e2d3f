"""One file of a batch: how it is to be restored, and doing so."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import Tensor

from pellucid.calibration.known_noise import (
    KnownNoise,
    darktable_database,
    parse_noise,
    profile_folder,
    settle_noise,
)
from pellucid.choices import OutputProfile, Precision, Preset, Stars
from pellucid.color import WIDE
from pellucid.control import Kept, Strength
from pellucid.errors import FileError
from pellucid.importers import PublishedOptions
from pellucid.io import (
    PICTURE_SUFFIXES,
    Bits,
    Cleaning,
    check_bits,
    check_output,
    read_picture,
    read_raw,
    write_clean_dng,
    write_picture,
)
from pellucid.io.embedded import read_embedded
from pellucid.io.replacing import check_folder
from pellucid.isp import Rendering
from pellucid.look.white_balance import WhiteBalance, with_balance
from pellucid.networks.dual_domain import Restored
from pellucid.passes import TILE, Progress
from pellucid.raw import Noise, RawImage
from pellucid.restore import Restorer

DNG = ".dng"
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Settings:
    """How files are restored."""

    model: str = "default"
    published: PublishedOptions = field(default_factory=PublishedOptions)
    noise: str | None = None
    """Of all files, as `parse_noise` takes it; of each its own where None."""
    exposure: float = 0.0
    """Stops on top of the file's own."""
    tone: float = 0.0
    white_balance: WhiteBalance = "camera"
    reference: str | None = None
    """A picture whose colours are taken, or `embedded`."""
    strength: Strength = Strength()
    stars: Stars = "auto"
    """Whether points that stand out of the noise stay as they are."""
    preset: Preset = "normal"
    ending: str = ".png"
    """Of the results."""
    linear: bool = False
    """DNGs with three colours at each pixel in place of a mosaic."""
    bits: Bits | None = None
    profile: OutputProfile = "srgb"
    tile: int = TILE
    device: str = "cpu"
    precision: Precision = "auto"

    def load(self) -> Restorer:
        """The restorer of these settings."""
        return Restorer.load(
            self.model,
            self.tile,
            self.device,
            self.published,
            self.preset,
            self.precision,
            self.stars,
            wide=self.profile in WIDE,
        )

    def decisive(self, weights_sha256: str) -> dict[str, object]:
        """All that a result depends on beside its input, as JSON gives it back."""
        said: dict[str, object] = {"weights_sha256": weights_sha256, **asdict(self)}
        # Weights are told by their bytes, wherever they lie and whatever computes with them.
        del said["model"], said["device"]
        if isinstance(self.white_balance, tuple):
            said["white_balance"] = list(self.white_balance)
        for name in ("noise", "reference"):
            value = getattr(self, name)
            if value is not None and Path(value).is_file():
                said[name] = _checksum([Path(value)])
        if self.noise is None:
            folder = profile_folder()
            said["calibrations"] = _checksum(sorted(p for p in folder.glob("*") if p.is_file()))
            database = darktable_database()
            said["darktable"] = _checksum([] if database is None else [database])
        return said


def _checksum(paths: list[Path]) -> str | None:
    """Of files; None where there are none."""
    try:
        parts = [os.fsencode(path.name) + b"\0" + path.read_bytes() for path in paths]
    except OSError as error:
        raise FileError.from_os(error.filename, error) from error
    return hashlib.sha256(b"\0".join(parts)).hexdigest() if parts else None


def read_photo(path: Path) -> RawImage | Tensor:
    """A raw, or the finished picture (3, H, W) that the ending promises; raises FileError."""
    return read_picture(path) if path.suffix.lower() in PICTURE_SUFFIXES else read_raw(path)


def restore_photo(
    photo: RawImage | Tensor,
    output: Path,
    restorer: Restorer,
    settings: Settings,
    say: Say,
    progress: Progress | None = None,
    source: Path | None = None,
) -> KnownNoise | None:
    """Restore and write one photograph; of a raw, say and return the noise it was taken to have.

    `source` is the file of a finished picture, whose EXIF the result has.
    """
    if isinstance(photo, Tensor):
        bits, profile = settings.bits, settings.profile
        picture = cleaned(photo, restorer, settings, progress)
        write_picture(output, picture, bits=bits, profile=profile, source=source)
        return None
    photo = with_balance(photo, settings.white_balance)
    known = settle_noise(photo, parse_noise(settings.noise))
    name = photo.path.name if photo.path else "raw"
    for remark in photo.remarks:
        say(f"{name}: {remark}")
    say(f"{name}: {describe(known.noise)}, {known.origin}")
    reference = None if photo.path is None else reference_of(settings.reference, photo.path)
    given = photo, known.noise, look_of(photo, settings), progress, reference
    if settings.strength.full:
        whole = blended = restorer(*given)
    else:
        kept = restorer.keep(*given)
        whole, blended = kept.restored, kept.at(settings.strength)
    # A DNG's mosaic is blended with the file's own integers.
    write_result(output, photo, Restored(whole.mosaic, blended.srgb), known, settings)
    return known


def cleaned(
    picture: Tensor, restorer: Restorer, settings: Settings, progress: Progress | None
) -> Tensor:
    """A finished picture (3, H, W) without noise, or with as much of it as is wanted."""
    restored = restorer.restore_picture(picture, progress)
    taken = picture - restored
    return Kept(Restored(picture, restored), picture * 0, taken).at(settings.strength).srgb


def write_result(
    output: Path, raw: RawImage, restored: Restored, known: KnownNoise, settings: Settings
) -> None:
    """Write what the ending names: a picture, or a DNG that takes the raw's place."""
    if output.suffix.lower() != DNG:
        picture = restored.srgb
        write_picture(output, picture, raw, bits=settings.bits, profile=settings.profile)
        return
    how = f"{settings.model}, {describe(known.noise)}, {known.origin}"
    cleaning = Cleaning(settings.strength.luma, known.noise, how, settings.linear)
    write_clean_dng(output, raw, restored.mosaic, restored.srgb, cleaning)


def check_result(path: Path, settings: Settings) -> None:
    """Raise FileError where a result could not be written, before any long work."""
    if path.suffix.lower() != DNG:
        check_output(path, settings.bits, settings.profile)
    else:
        check_folder(path)
    check_kind(path, settings)


def check_kind(path: Path, settings: Settings) -> None:
    """Raise FileError where the ending does not fit what else is wanted."""
    if path.suffix.lower() != DNG:
        check_bits(path, settings.bits, settings.profile)
        if settings.linear:
            raise FileError.of(path, "--linear is for DNGs; expected -o OUT.dng, or --format dng")
        return
    if settings.bits is not None:
        raise FileError.of(path, "a DNG has the bits of its raw; expected no --bits")
    if settings.profile != "srgb":
        raise FileError.of(path, "a DNG has the camera's own colours; expected no --profile")
    if settings.strength.luma != settings.strength.chroma:
        raise FileError.of(path, "a mosaic has no chroma; expected --strength alone")


def reference_of(said: str | None, source: Path) -> Tensor | None:
    """The reference (3, h, w) of one raw file: none, a picture, or the preview inside."""
    if said is None:
        return None
    return read_embedded(source) if said == "embedded" else read_picture(said)


def look_of(raw: RawImage, settings: Settings) -> Rendering:
    """The file's own exposure plus what was asked for, and the tone."""
    return Rendering(raw.exposure * 2.0**settings.exposure, settings.tone)


def describe(noise: Noise) -> str:
    """Noise levels as a phrase."""
    shot, read = (
        ", ".join(f"{value:.2g}" for value in level.flatten().tolist()) for level in noise
    )
    return f"noise shot {shot}, read {read}"
