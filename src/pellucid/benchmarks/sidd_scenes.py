"""SIDD's scene instances: whose phone each image is of, and how its Bayer cells lie."""

import re
from pathlib import Path

from pellucid.bayer import Phase
from pellucid.errors import FileError, PellucidError

PHASES_OF: dict[str, Phase] = {
    "IP": "RGGB",
    "S6": "GRBG",
    "GP": "BGGR",
    "N6": "BGGR",
    "G4": "BGGR",
}
"""iPhone 7, Galaxy S6 Edge, Google Pixel, Nexus 6, LG G4."""
# Names of folders in SIDD_Benchmark_Data, in their order.
SCENES: tuple[str, ...] = tuple(
    """
0009_001_S6_00800_00350_3200_L 0021_001_GP_10000_05000_5500_N 0024_001_N6_03200_01500_5500_N
0026_001_G4_00400_00160_5500_L 0031_001_IP_01600_02000_3200_N 0037_002_GP_06400_03200_3200_L
0041_002_IP_01600_04000_5500_L 0046_002_G4_00400_00350_3200_L 0049_002_N6_00800_00800_5500_L
0053_002_S6_03200_02000_5500_N 0056_003_N6_03200_04000_5500_N 0058_003_G4_00400_00500_5500_L
0061_003_S6_00800_00500_4400_L 0067_003_GP_01600_01500_3200_L 0071_003_IP_02000_04000_5500_L
0074_004_N6_00400_00040_3200_L 0079_004_G4_00800_00160_3200_N 0082_004_S6_03200_00500_4400_L
0085_004_GP_06400_02000_4400_N 0093_004_IP_01250_00250_3200_L 0095_005_N6_00400_00200_3200_L
0100_005_G4_00800_00400_3200_N 0103_005_S6_01600_00800_4400_L 0109_005_GP_10000_08000_4400_N
0112_005_IP_01000_07500_5500_L 0119_006_N6_00400_00100_3200_L 0124_006_G4_00800_00350_3200_N
0128_006_S6_03200_01600_4400_L 0131_006_GP_01600_01250_4400_N 0141_006_IP_01600_01620_3200_L
0143_007_N6_00800_00800_4400_N 0148_007_G4_00400_00400_4400_L 0153_007_S6_03200_03200_5500_L
0158_007_GP_03200_03200_5500_N 0162_007_IP_01600_01600_3200_L 0171_008_N6_03200_01600_4400_L
0174_008_G4_00800_00800_4400_N 0176_008_S6_00400_00100_5500_L 0183_008_GP_06400_06400_5500_N
0187_008_IP_01600_01600_3200_L
""".split()
)

_NAME = re.compile(r"\d{4}_\d{3}_([A-Z0-9]{2})_")


def scenes_of(listed: Path | None) -> list[str]:
    """The scene of each image: a list's lines, or the benchmark's own."""
    if listed is None:
        return list(SCENES)
    try:
        names = [line.strip() for line in listed.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise FileError.from_os(listed, error) from error
    for name in names:
        phase_of(name)
    return names


def phase_of(scene: str) -> Phase:
    """The phase of the phone that a scene names."""
    found = _NAME.match(scene)
    if found is None or found[1] not in PHASES_OF:
        raise PellucidError(
            f"{scene} names no phone of SIDD; expected 0001_001_S6_..., with one of "
            f"{', '.join(PHASES_OF)}"
        )
    return PHASES_OF[found[1]]
