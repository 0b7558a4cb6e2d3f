"""`--profile`: colours outside sRGB are in the file, those inside are the same ones."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from pellucid import Noise, write_mosaic
from pellucid.bayer import mosaic_of
from pellucid.color import PRIMARIES, PROFILE_CURVES, apply_matrix, decode, primaries_to_xyz
from pellucid.io.profiles import icc_profile

from .conftest import CAMERA, FIELDS

MODEL = "--model net.safetensors"


@pytest.fixture
def vivid(folder: Path) -> Path:
    """A DNG of a grey ramp, and of a green that sRGB cannot hold."""
    light = torch.tensor([-0.12, 0.5, 0.02])[:, None, None].expand(3, 48, 64).clone()
    light[:, :24] = torch.linspace(0.02, 0.8, 64)
    mosaic = mosaic_of(apply_matrix(light, torch.inverse(CAMERA.cam_to_srgb)))
    write_mosaic(folder / "vivid.dng", mosaic, CAMERA, Noise(1e-6, 1e-9), FIELDS)
    return folder


def light_of(path: Path, profile: str) -> torch.Tensor:
    """Linear sRGB (3, H, W) of a TIFF of 16 bits, and its profile checked."""
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].iccprofile == icc_profile(profile)
        pixels = torch.from_numpy(file.asarray().astype(np.float32) / 65535).permute(2, 0, 1)
    theirs, ours = (primaries_to_xyz(PRIMARIES[name]) for name in (profile, "srgb"))
    matrix = (torch.inverse(ours) @ theirs).float()
    return apply_matrix(decode(pixels, PROFILE_CURVES[profile]), matrix)


@pytest.mark.parametrize("command", [f"restore vivid.dng {MODEL}", "develop vivid.dng"])
@pytest.mark.parametrize("profile", ["display-p3", "rec2020"])
def test_a_wide_file_holds_more_and_the_same_inside(vivid, pellucid, command, profile):
    for name in ("srgb", profile):
        assert pellucid(f"{command} -o {name}.tif --profile {name}").code == 0
    plain, wide = (light_of(vivid / f"{name}.tif", name) for name in ("srgb", profile))
    inside = (plain > 1e-3).all(0) & (wide > 1e-3).all(0)
    assert inside[:20].all() and not inside[28:].any()
    torch.testing.assert_close(wide[:, inside], plain[:, inside], atol=2e-4, rtol=0)
    assert wide[0, 28:, 4:-4].max() < -0.02 and plain[0, 28:].min() >= 0


def test_strength_jpeg_and_the_folder_form_take_it_too(vivid, pellucid):
    run = pellucid(f"restore vivid.dng -o v.jpg --profile display-p3 --strength 0.5 {MODEL}")
    assert run.code == 0
    with Image.open(vivid / "v.jpg") as image:
        assert image.info["icc_profile"] == icc_profile("display-p3")
    many = pellucid(f"restore vivid.dng -o clean {MODEL} --format tif --profile rec2020")
    assert many.code == 0
    light_of(vivid / "clean" / "vivid.tif", "rec2020")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-o v.jpg --profile linear", "too coarse for linear light; expected .png or .tif of 16"),
        ("a.dng -o clean --format jpg --profile linear", "too coarse for linear light"),
        ("-o v.png --bits 8 --profile linear", "too coarse for linear light"),
        ("-o v.dng --profile display-p3", "the camera's own colours; expected no --profile"),
        ("-o v.png --profile prophoto", "invalid choice: 'prophoto'"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_before_any_work(vivid, pellucid, arguments, expected):
    run = pellucid(f"restore vivid.dng {arguments} {MODEL}")
    assert run.code == 2 and len(run.err) == 1 and expected in run.err[0]
    assert run.out == [] and not list(vivid.glob("v.*"))


def test_linear_light_has_sixteen_bits(vivid, pellucid):
    assert pellucid(f"restore vivid.dng -o v.png --profile linear {MODEL}").code == 0
    assert (vivid / "v.png").read_bytes()[24] == 16
