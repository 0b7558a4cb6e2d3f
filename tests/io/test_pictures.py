"""Pictures: what is written is read back, upright, with a profile and the facts of the shot."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from pellucid.errors import FileError
from pellucid.io import DngFields, check_output, read_picture, read_raw, write_dng, write_picture
from pellucid.raw import RawImage

some = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def smooth(height: int, width: int) -> Tensor:
    """A picture that JPEG keeps."""
    rows, columns = torch.linspace(0, 1, height), torch.linspace(0, 1, width)
    return torch.stack(
        [
            rows[:, None].expand(height, width),
            columns.expand(height, width),
            rows[:, None] * columns,
        ]
    )


def shot(path: Path, **fields: object) -> RawImage:
    facts = {"make": "Pellucid", "model": "Test 1", "iso": 800, "exposure_time": 1 / 250}
    sensor = np.zeros((41, 53), np.uint16)
    write_dng(path, sensor, DngFields(**{**facts, **fields}))  # pyright: ignore[reportArgumentType]
    return read_raw(path)


@given(
    st.sampled_from([("x.png", 8), ("x.png", 16), ("x.jpg", 8), ("x.tif", 8), ("x.TIFF", 16)]),
    st.integers(1, 40),
    st.integers(1, 40),
)
@some
def test_pictures_come_back(tmp_path: Path, kind: tuple[str, int], height: int, width: int) -> None:
    name, bits = kind
    picture = smooth(height, width)
    write_picture(tmp_path / name, picture, bits=bits)  # pyright: ignore[reportArgumentType]
    back = read_picture(tmp_path / name)
    assert back.dtype == torch.float32 and back.shape == picture.shape
    step = 12 / 255 if name == "x.jpg" else 0.51 / (2**bits - 1)
    assert (back - picture).abs().max() <= step
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("name", "bits"), [("x.png", 8), ("x.png", 16), ("x.jpg", 8), ("x.tif", 16)]
)
def test_profile_and_facts_ride_along(tmp_path: Path, name: str, bits: int) -> None:
    raw = shot(tmp_path / "x.dng", orientation=6)
    write_picture(tmp_path / name, smooth(41, 53), raw, bits=bits)  # pyright: ignore[reportArgumentType]
    with Image.open(tmp_path / name) as picture:
        picture.load()
        profile = ImageCms.getOpenProfile(BytesIO(picture.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        exif = picture.getexif()
        assert (exif[271], exif[272], exif[274]) == ("Pellucid", "Test 1", 1)
        facts = exif.get_ifd(34665)
        assert facts[34855] == 800 and float(facts[33434]) == pytest.approx(1 / 250)


def test_equal_pictures_make_equal_files(tmp_path: Path) -> None:
    for bits, name in ((8, "a.png"), (16, "b.png"), (8, "c.jpg")):
        write_picture(tmp_path / name, smooth(9, 9), bits=bits)  # pyright: ignore[reportArgumentType]
        first = (tmp_path / name).read_bytes()
        write_picture(tmp_path / name, smooth(9, 9), bits=bits)  # pyright: ignore[reportArgumentType]
        assert (tmp_path / name).read_bytes() == first


def test_sixteen_bits_are_sixteen(tmp_path: Path) -> None:
    picture = torch.linspace(0, 1, 3 * 64 * 64).reshape(3, 64, 64)
    for name in ("x.png", "x.tif"):
        write_picture(tmp_path / name, picture, bits=16)
        assert read_picture(tmp_path / name).unique().numel() > 10000
    assert tifffile.imread(tmp_path / "x.tif").dtype == np.uint16


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_agree_with_pillow(tmp_path: Path, orientation: int) -> None:
    raw = shot(tmp_path / "x.dng", orientation=orientation)
    picture = torch.rand(3, 41, 53, generator=torch.Generator().manual_seed(0))
    write_picture(tmp_path / "x.png", picture, raw)
    stored = Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy())
    stored.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), expected)
    exif = Image.Exif()
    exif[274] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    back = (read_picture(tmp_path / "turned.png") * 255).round().byte()
    np.testing.assert_array_equal(back.permute(1, 2, 0).numpy(), expected)
    tag = (274, "H", 1, orientation, True)
    deep = np.asarray(stored).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "turned.tif", deep, photometric="rgb", extratags=[tag])
    back = (read_picture(tmp_path / "turned.tif") * 255).round().byte()
    np.testing.assert_array_equal(back.permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("phase", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_padding_is_undone(tmp_path: Path, phase: str) -> None:
    raw = shot(tmp_path / "x.dng", phase=phase)
    assert raw.source is not None
    height, width = raw.mosaic.shape[-2:]
    framed = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    write_picture(tmp_path / "x.png", framed, raw)
    top, left = raw.source.padding.top, raw.source.padding.left
    expected = framed[:, top : top + 41, left : left + 53]
    assert (read_picture(tmp_path / "x.png") - expected).abs().max() <= 0.51 / 255


def test_values_outside_are_clipped(tmp_path: Path) -> None:
    picture = torch.tensor([-1.0, 0.5, 2.0, torch.nan]).expand(3, 2, 4)
    write_picture(tmp_path / "x.png", picture, bits=16)
    row = read_picture(tmp_path / "x.png")[0, 0].tolist()
    assert row == pytest.approx([0, 0.5, 1, 0], abs=1e-5)


def test_grey_palette_and_transparency_become_rgb(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(np.dstack([grey] * 4)).save(tmp_path / "rgba.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "grey16.png")
    tifffile.imwrite(tmp_path / "grey16.tif", grey.astype(np.uint16) * 257)
    expected = torch.from_numpy(grey).expand(3, 8, 8) / 255
    for name in ("grey.png", "palette.png", "rgba.png", "grey16.png", "grey16.tif"):
        torch.testing.assert_close(read_picture(tmp_path / name), expected)


def test_tiffs_of_more_than_8_bits(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    grey, light = pixels[..., 0], torch.from_numpy(pixels / 65535).permute(2, 0, 1).float()
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, pixels.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    torch.testing.assert_close(read_picture(path), light)
    tifffile.imwrite(path, grey, photometric="miniswhite")
    torch.testing.assert_close(read_picture(path), 1 - light[:1].expand(3, -1, -1))
    tifffile.imwrite(path, pixels >> 4, photometric="rgb", bitspersample=12)
    torch.testing.assert_close(read_picture(path), light, atol=1 / 4095, rtol=0)
    tifffile.imwrite(path, pixels.astype(np.uint32) << 16, photometric="rgb")
    torch.testing.assert_close(read_picture(path), light, atol=1 / 65535, rtol=0)
    odd = np.where(pixels == pixels.max(), np.nan, pixels / 65535).astype(np.float32)
    tifffile.imwrite(path, odd, photometric="rgb")
    torch.testing.assert_close(read_picture(path), torch.where(light == light.max(), 0, light))


@pytest.mark.parametrize("kind", ["cielab", "ycbcr", "separated", "cfa", 34892])
def test_colours_that_would_be_misread_are_refused(tmp_path: Path, kind: str | int) -> None:
    shape = (6, 8, 4) if kind == "separated" else (6, 8) if kind == "cfa" else (6, 8, 3)
    tifffile.imwrite(tmp_path / "x.tif", np.zeros(shape, np.uint16), photometric=kind)
    with pytest.raises(FileError, match="expected grey or RGB"):
        read_picture(tmp_path / "x.tif")


def test_a_raw_is_no_picture_whatever_its_name(tmp_path: Path) -> None:
    write_dng(tmp_path / "x.jpg", np.zeros((8, 8), np.uint16), DngFields())
    with pytest.raises(FileError, match="is a raw photograph"):
        read_picture(tmp_path / "x.jpg")


def test_other_profiles_are_converted(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    stored = Image.new("RGB", (4, 4), (200, 100, 50))
    stored.save(tmp_path / "odd.png", icc_profile=lab.tobytes())
    expected = torch.tensor([200, 100, 50]).div(255)[:, None, None].expand(3, 4, 4)
    torch.testing.assert_close(read_picture(tmp_path / "odd.png"), expected)  # it does not fit


def test_pictures_that_cannot_be_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "text.tif").write_bytes(b"II*\0 no picture")
    (tmp_path / "empty.png").touch()
    for name in ("a.jpg", "b.png", "c.tif"):
        write_picture(tmp_path / name, torch.rand(3, 64, 64))
        data = (tmp_path / name).read_bytes()
        (tmp_path / f"cut_{name}").write_bytes(data[: len(data) // 2])
    write_picture(tmp_path / "d.png", torch.rand(3, 64, 64), bits=16)
    data = (tmp_path / "d.png").read_bytes()
    (tmp_path / "cut_d.png").write_bytes(data[: len(data) // 2])
    names = [
        "text.jpg",
        "text.tif",
        "empty.png",
        "cut_a.jpg",
        "cut_b.png",
        "cut_c.tif",
        "cut_d.png",
    ]
    for path in [*(tmp_path / name for name in names), tmp_path, tmp_path / "missing.png"]:
        with pytest.raises(FileError) as caught:
            read_picture(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_outputs_are_checked_before_any_work(tmp_path: Path) -> None:
    check_output(tmp_path / "x.png", 16)
    with pytest.raises(FileError, match=r"unknown ending '\.gif'; expected one of \.png"):
        check_output(tmp_path / "x.gif")
    with pytest.raises(FileError, match="cannot hold 16 bits"):
        check_output(tmp_path / "x.jpg", 16)
    with pytest.raises(FileError, match="folder .* does not exist"):
        check_output(tmp_path / "missing" / "x.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FileError, match="is a directory"):
        write_picture(tmp_path / "folder.png", torch.zeros(3, 4, 4))


def test_a_picture_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        write_picture(tmp_path / "x.png", torch.zeros(1, 4, 4))


def test_raw_without_source_is_left_as_it_is(tmp_path: Path) -> None:
    raw = replace(shot(tmp_path / "x.dng", orientation=6), source=None)
    write_picture(tmp_path / "x.png", torch.zeros(3, 4, 6), raw)
    assert read_picture(tmp_path / "x.png").shape == (3, 4, 6)
