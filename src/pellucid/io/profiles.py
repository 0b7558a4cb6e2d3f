"""ICC profiles: those that written pictures carry, and conversion to sRGB."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
from functools import cache
from io import BytesIO

from PIL import Image, ImageCms

from pellucid.choices import OutputProfile
from pellucid.color import PRIMARIES, PROFILE_CURVES, Transfer
from pellucid.io.icc import matrix_profile

_NAMES: dict[OutputProfile, str] = {
    "display-p3": "Display P3",
    "rec2020": "Rec. 2020",
    "linear": "Linear Rec. 709",
}
_CURVES: dict[Transfer, tuple[float, ...]] = {
    "srgb": (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "rec709": (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081),
    "linear": (1.0,),
}


@cache
def icc_profile(profile: OutputProfile) -> bytes:
    """The ICC profile that a picture of these colours carries."""
    if profile == "srgb":
        return srgb_profile()
    return matrix_profile(_NAMES[profile], PRIMARIES[profile], _CURVES[PROFILE_CURVES[profile]])


@cache
def srgb_profile() -> bytes:
    """LittleCMS's sRGB profile, with a fixed date so that equal pictures make equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # creation date (ICC.1:2010, 7.2.8)
    profile[84:100] = bytes(16)  # the profile's checksum, which 0 leaves open
    return bytes(profile)


def to_srgb(picture: Image.Image) -> Image.Image:
    """An 8-bit RGB picture in sRGB; unchanged where its profile is sRGB, missing or unusable."""
    embedded = picture.info.get("icc_profile")
    plain = picture.convert("RGB")
    if not embedded:
        return plain
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(embedded))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return plain
        target = ImageCms.ImageCmsProfile(BytesIO(srgb_profile()))
        start = picture if picture.mode in ("RGB", "L", "CMYK") else plain
        converted = ImageCms.profileToProfile(start, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile that does not fit its picture
        return plain
    return converted or plain
