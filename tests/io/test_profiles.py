"""Pictures in other colours than sRGB carry a profile that leads back to the sRGB picture."""

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from pellucid.color import PRIMARIES, SRGB_TO_XYZ, primaries_to_xyz, to_profile
from pellucid.errors import FileError
from pellucid.io import check_output, write_picture
from pellucid.io.profiles import icc_profile, srgb_profile

PROFILES = ["display-p3", "rec2020", "linear"]


def picture():
    """Every kind of colour (3, 40, 60), black and white among them."""
    generator = torch.Generator().manual_seed(3)
    colours = torch.rand(3, 40, 60, generator=generator)
    colours[:, 0] = torch.linspace(0, 1, 60)
    return colours


def back(pixels, profile):
    """sRGB in [0, 1] of 16-bit pixels, by LittleCMS, without its coarse tables for 16 bits."""
    exact = imagecodecs.CMS.FLAGS.NOOPTIMIZE
    srgb = imagecodecs.cms_transform(
        pixels, profile, srgb_profile(), colorspace="rgb", outcolorspace="rgb", flags=exact
    )
    return torch.from_numpy(srgb.astype(np.float32) / 65535).permute(2, 0, 1)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_colour_manager_gives_the_srgb_picture_back(tmp_path, profile):
    write_picture(tmp_path / "a.tif", picture(), profile=profile)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        pixels, embedded = page.asarray(), page.iccprofile
    assert embedded == icc_profile(profile)
    assert (pixels / 65535 - picture().permute(1, 2, 0).numpy()).__abs__().max() > 0.04
    assert (back(pixels, embedded) - picture()).abs().max() < 1 / 255


@pytest.mark.parametrize("profile", ["display-p3", "rec2020"])
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_eight_bits_carry_it_too(tmp_path, profile, ending):
    path = tmp_path / f"a{ending}"
    grey = torch.linspace(0.1, 0.9, 64).expand(3, 64, 64)
    write_picture(path, grey, profile=profile)
    with Image.open(path) as image:
        source = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        srgb = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(srgb) / 255 - grey.permute(1, 2, 0).numpy()).max() < 2.5 / 255


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_have_names_and_are_not_taken_for_srgb(profile):
    read = ImageCms.ImageCmsProfile(BytesIO(icc_profile(profile)))
    description = ImageCms.getProfileDescription(read)
    assert description.strip() and "srgb" not in description.lower()
    assert read.profile.xcolor_space.strip() == "RGB"
    white = read.profile.media_white_point[0]
    assert white == pytest.approx((0.9642, 1, 0.8249), abs=1e-4)


def test_primaries_make_the_known_matrix():
    ours = primaries_to_xyz(PRIMARIES["srgb"]).float()
    assert torch.allclose(ours, torch.tensor(SRGB_TO_XYZ["D65"]), atol=3e-4)


@pytest.mark.parametrize("profile", PROFILES)
def test_white_black_and_greys_stay(profile):
    ends = torch.tensor([0.0, 1.0])[:, None].expand(3, 2, 1)
    assert torch.allclose(to_profile(ends, profile), ends, atol=1e-5)
    grey = to_profile(torch.full((3, 1, 1), 0.4), profile)
    assert (grey - grey[0]).abs().max() < 1e-6


def test_a_wide_profile_holds_colours_that_srgb_does_not(tmp_path):
    vivid = torch.tensor([-0.3, 0.95, 0.2])[:, None, None].expand(3, 4, 4)
    wide, clipped = (to_profile(v, "rec2020")[:, 0, 0] for v in (vivid, vivid.clamp(0, 1)))
    assert (wide >= 0).all() and (wide <= 1).all()
    assert (wide - clipped).abs().max() > 0.04


def test_srgb_files_stay_byte_for_byte(tmp_path):
    for name in ("a.png", "a.tif", "a.jpg"):
        write_picture(tmp_path / name, picture())
        plain = (tmp_path / name).read_bytes()
        write_picture(tmp_path / name, picture(), profile="srgb")
        assert (tmp_path / name).read_bytes() == plain
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == srgb_profile()


@pytest.mark.parametrize("name, bits", [("a.jpg", None), ("a.png", 8)])
def test_linear_light_needs_sixteen_bits(tmp_path, name, bits):
    with pytest.raises(FileError, match="too coarse"):
        check_output(tmp_path / name, bits, "linear")
    write_picture(tmp_path / "b.png", picture(), profile="linear")
    assert (tmp_path / "b.png").read_bytes()[24] == 16
