"""What a written picture says of its shot, whatever it was made of and in whatever format."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from pellucid.choices import OutputProfile
from pellucid.io import DngFields, read_picture, read_raw, write_dng, write_picture
from pellucid.io.tiff_writer import Entry, Field, Order, Tree, text, write_tree
from pellucid.raw import RawImage

NAMES = ("y.jpg", "y.png", "y.tif")
DAY = "2020:02:29 12:34:56"


def block(order: Order) -> bytes:
    """EXIF as a camera writes it, of a picture that lies on its side."""
    shot = [
        Field(33434, "rational", [1 / 250]),
        Field(33437, "rational", [2.8]),
        Field(34855, "short", [800]),
        text(36867, DAY),
        Field(37500, "undefined", b"Maker note"),
        Field(40961, "short", [65535]),
        Field(40962, "long", [9999]),
        text(42036, "A lens"),
    ]
    place = [text(1, "N"), Field(2, "rational", [48, 7, 30.5])]
    main = [
        text(271, "Maker"),
        text(272, "Model"),
        Field(274, "short", [6]),
        text(306, DAY),
        Field(700, "byte", b"<x:xmpmeta tiff:Orientation='6'/>"),
    ]
    file = BytesIO()
    write_tree(file, Tree(main, below={34665: [Tree(shot)], 34853: [Tree(place)]}), order)
    return file.getvalue()


def written(path: Path, exif: bytes) -> Path:
    """A small picture with EXIF, in the format that the ending says."""
    picture = Image.fromarray(np.full((6, 8, 3), 99, np.uint8))
    picture.save(path, exif=b"Exif\0\0" + exif if path.suffix == ".jpg" else exif)
    return path


def facts(path: Path) -> tuple[Image.Exif, dict, dict]:
    """The first directory, EXIF and GPS."""
    with Image.open(path) as picture:
        exif = picture.getexif()
        return exif, exif.get_ifd(34665), exif.get_ifd(34853)


def check(path: Path, width: int, height: int) -> None:
    exif, shot, place = facts(path)
    assert (exif[271], exif[272], exif[274], exif[305]) == ("Maker", "Model", 1, "Pellucid")
    assert exif[306] == DAY and 700 not in exif
    assert (shot[34855], shot[36867], shot[42036]) == (800, DAY, "A lens")
    assert float(shot[33434]) == pytest.approx(1 / 250) and float(shot[33437]) == 2.8
    assert (shot[40961], shot[40962], shot[40963]) == (1, width, height)
    assert 37500 not in shot
    assert place[1] == "N" and tuple(map(float, place[2])) == (48, 7, 30.5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", ["x.jpg", "x.png", "x.tif"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_of_a_picture(tmp_path: Path, name: str, source: str, order: Order) -> None:
    path = written(tmp_path / source, block(order))
    picture = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(0))
    write_picture(tmp_path / name, picture, source=path)
    check(tmp_path / name, 6, 8)
    if name != "y.jpg":
        torch.testing.assert_close(read_picture(tmp_path / name), picture, atol=0.5 / 255, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_of_a_raw(tmp_path: Path, name: str, rich, rich_dng) -> None:
    exif = {
        36867: text(36867, DAY),
        34855: Field(34855, "short", [800]),
        42036: text(42036, "A lens"),
    }
    exif[33434] = Field(33434, "rational", [1 / 250])
    first = {271: text(271, "Maker"), 272: text(272, "Model"), 306: text(306, DAY)}
    sensor = np.full((40, 48), 500, np.uint16)
    raw = read_raw(
        rich_dng(tmp_path / "x.dng", rich(sensor, orientation=6, exif=exif, first=first))
    )
    write_picture(tmp_path / name, torch.zeros(3, *raw.mosaic.shape[1:]), raw)
    exif, shot, _ = facts(tmp_path / name)
    assert read_picture(tmp_path / name).shape == (3, 48, 40)
    assert (exif[272], shot[36867], shot[42036]) == ("Model", DAY, "A lens")
    assert (float(shot[33437]), float(shot[37386]), 37500 in shot) == (2.8, 35, False)


@pytest.mark.parametrize("name", NAMES)
def test_of_a_raw_whose_file_is_gone_or_never_was(tmp_path: Path, name: str) -> None:
    fields = DngFields(make="Maker", model="Model", iso=800, exposure_time=1 / 250)
    write_dng(tmp_path / "x.dng", np.zeros((24, 32), np.uint16), fields)
    raw = read_raw(tmp_path / "x.dng")
    (tmp_path / "x.dng").unlink()
    alone = RawImage(
        raw.mosaic, raw.camera, make="Maker", model="Model", iso=800, exposure_time=0.004
    )
    for one in (raw, alone):
        write_picture(tmp_path / name, torch.zeros(3, 24, 32), one)
        exif, shot, _ = facts(tmp_path / name)
        assert (exif[271], exif[272], shot[34855]) == ("Maker", "Model", 800)
        assert shot[33434] == IFDRational(1, 250)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", ["srgb", "display-p3"])
def test_colours_are_named_rightly(tmp_path: Path, name: str, profile: OutputProfile) -> None:
    path = written(tmp_path / "x.jpg", block("<"))
    write_picture(tmp_path / name, torch.zeros(3, 8, 6), profile=profile, source=path)
    assert facts(tmp_path / name)[1][40961] == (1 if profile == "srgb" else 65535)


@pytest.mark.parametrize("name", NAMES)
def test_more_than_a_jpeg_holds_is_left_out(tmp_path: Path, name: str) -> None:
    entries = [Entry(50000 + code, 7, 900, bytes(900)) for code in range(100)]
    file = BytesIO()
    main = Tree([text(271, "Maker")], below={34665: [Tree([text(36867, DAY), *entries])]})
    write_tree(file, main, "<")
    path = written(tmp_path / "x.png", file.getvalue())
    write_picture(tmp_path / name, torch.zeros(3, 8, 6), source=path)
    assert facts(tmp_path / name)[1][36867] == DAY


@pytest.mark.parametrize("name", NAMES)
def test_damaged_exif_costs_no_picture(tmp_path: Path, name: str) -> None:
    whole = block(">")
    stream = np.random.default_rng(0)
    for _ in range(30):
        damaged = bytearray(whole)
        for at in stream.integers(8, len(whole), 12):
            damaged[at] = stream.integers(256)
        path = written(tmp_path / "x.png", bytes(damaged))
        write_picture(tmp_path / name, torch.zeros(3, 8, 6), source=path)
        assert read_picture(tmp_path / name).shape == (3, 8, 6)
