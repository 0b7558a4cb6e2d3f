"""Inputs at which benchmarks/fuzz.py found faults: each is refused in one line, in silence."""

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pellucid.errors import FileError
from pellucid.io import read_picture


def retagged(path: Path, code: int, form: str, place: int, value: int) -> Path:
    """The file with a part of a tag's entry replaced."""
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    entries = range(first + 2, first + 2 + 12 * count, 12)
    at = next(at for at in entries if struct.unpack_from("<H", data, at)[0] == code)
    struct.pack_into(form, data, at + place, value)
    path.write_bytes(data)
    return path


def refused(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileError) as caught:
        read_picture(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("place", "value"), [(0, 330), (2, 12)], ids=["left out", "as a double"])
def test_tiles_without_a_length(
    tmp_path: Path, place: int, value: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path, tile_length = tmp_path / "x.tif", 323
    tifffile.imwrite(path, np.zeros((64, 96, 3), np.uint16), photometric="rgb", tile=(32, 32))
    assert read_picture(path).shape == (3, 64, 96)
    refused(retagged(path, tile_length, "<H", place, value), capfd)


def test_what_libtiff_prints_is_held_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.tif"
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, compression="tiff_lzw")
    data = path.read_bytes()
    (first,) = struct.unpack_from("<I", data, 4)
    start = 8 if first > 1000 else first + 1000
    path.write_bytes(data[:start] + b"\xff" * 400 + data[start + 400 :])
    refused(path, capfd)
