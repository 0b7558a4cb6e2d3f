"""What a DNG says about its integers, for the writer."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pellucid.bayer import Phase

X_TRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
"""The filters of Fujifilm's X-Trans sensors."""
QUAD_BAYER = ("RRGG", "RRGG", "GGBB", "GGBB")
"""A Bayer pattern of which each filter lies over two by two pixels."""

_SRGB_CAMERA = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)


class Area(NamedTuple):
    """Rows top to bottom and columns left to right, ends excluded, as DNG's ActiveArea has them."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class DngFields:
    """What a DNG says about its integers."""

    phase: Phase = "RGGB"
    """Phase of the active area."""
    black: tuple[float, ...] = (1024.0,)
    """One level, or four for the active area's sites (0,0), (0,1), (1,0), (1,1)."""
    white: int = 16383
    xyz_to_cam: tuple[tuple[float, ...], ...] = _SRGB_CAMERA
    """ColorMatrix1, for the light that `illuminant` names."""
    illuminant: int = 21
    """EXIF LightSource; 21 is D65."""
    as_shot_neutral: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Camera RGB of a grey under the light of the photograph: 1 / white balance."""
    noise: tuple[tuple[float, float], ...] | None = None
    """NoiseProfile: one (shot, read) for all, three for R, G, B, or four for the CFA's sites."""
    baseline_exposure: float | None = None
    """Stops."""
    orientation: int = 1
    active_area: Area | None = None
    default_crop: Area | None = None
    """Within the active area."""
    make: str = ""
    model: str = ""
    iso: float | None = None
    exposure_time: float | None = None
    """Seconds."""
    date_time: datetime | None = None
    software: str = "Pellucid"
    linearization: tuple[int, ...] = ()
    """LinearizationTable: what each integer of the file stands for."""
    opcode_lists: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """OpcodeList1, 2 and 3, empty where there is none."""
    pattern: tuple[str, ...] | None = None
    """Rows of the active area's filters where they are no Bayer's, such as `X_TRANS`; () for none,
    as of a monochrome sensor and of pixels that have all three colours."""
