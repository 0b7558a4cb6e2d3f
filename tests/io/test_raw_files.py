"""Raw files that are missing, damaged or of another kind: one line each, nothing on stderr."""

import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
import torch

from pellucid.errors import FileError
from pellucid.io import DngFields, is_raw, read_raw, write_dng
from pellucid.io.libraw import _complaints  # pyright: ignore[reportPrivateUsage]


def dng(path: Path, **fields: object) -> Path:
    sensor = np.random.default_rng(0).integers(0, 65536, (48, 64), dtype=np.uint16)
    write_dng(path, sensor, DngFields(**fields))  # pyright: ignore[reportArgumentType]
    return path


def patched(path: Path, code: int, value: int) -> Path:
    """The file with a short tag's value replaced."""
    data = bytearray(path.read_bytes())
    (count,) = struct.unpack_from("<H", data, 8)
    for entry in range(10, 10 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] == code:
            struct.pack_into("<I", data, entry + 8, value)
    path.write_bytes(data)
    return path


def refused(path: Path, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileError, match=words) as caught:
        read_raw(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.999])
def test_cut_off(tmp_path: Path, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    path = dng(tmp_path / "x.dng")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, "cut off|no raw file, or a damaged one", capfd)


@pytest.mark.parametrize(
    "words", ["Unexpected end of file", "data corrupted at 1234", "Corrupt JPEG data"]
)
def test_damage_that_libraw_only_mentions(
    tmp_path: Path,
    words: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def grumble(path: str) -> rawpy.RawPy:
        os.write(2, f"{path}: {words}\n".encode())
        return imread(path)

    imread = rawpy.imread
    monkeypatch.setattr(rawpy, "imread", grumble)
    refused(dng(tmp_path / "x.dng"), f"LibRaw: {words}", capfd)


def test_no_file_and_no_raw(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.dng").touch()
    (tmp_path / "text.dng").write_text("not a photograph\n" * 100)
    refused(tmp_path / "empty.dng", "file is empty", capfd)
    refused(tmp_path / "text.dng", "no raw file, or a damaged one", capfd)
    refused(tmp_path, "is a directory", capfd)
    refused(tmp_path / "missing.dng", "no such file", capfd)


def test_white_below_black(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = patched(dng(tmp_path / "x.dng", black=(600.0,), white=700), 50717, 500)
    refused(path, "white level 500 is not above its black level 600", capfd)


def test_other_kinds_of_pixels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cmy = patched(dng(tmp_path / "cmy.dng"), 33422, int.from_bytes(bytes((3, 4, 5, 1)), "little"))
    refused(cmy, "expected R, G, B in a Bayer", capfd)
    scan = tmp_path / "scan.dng"
    tags = [(50706, "B", 4, bytes((1, 4, 0, 0)), True), (50717, "I", 3, (255,) * 3, True)]
    pixels = np.full((48, 64, 3), 40000, np.uint16)
    tifffile.imwrite(scan, pixels, photometric=34892, planarconfig=1, extratags=tags)
    refused(scan, "a film scan", capfd)


@pytest.mark.parametrize("neutral", [(1.0, 0.0, 1.0), (0.0, 0.0, 0.0)])
def test_invalid_white_balance_is_replaced_and_said(
    tmp_path: Path, neutral: tuple[float, float, float]
) -> None:
    raw = read_raw(dng(tmp_path / "x.dng", as_shot_neutral=neutral))
    assert raw.camera.white_balance.isfinite().all() and raw.camera.white_balance.min() == 1
    assert len(raw.remarks) == 1 and "white balance" in raw.remarks[0]


def test_matrix_of_zeros_is_replaced_and_said(tmp_path: Path) -> None:
    raw = read_raw(dng(tmp_path / "x.dng", xyz_to_cam=((0.0,) * 3,) * 3))
    torch.testing.assert_close(raw.camera.cam_to_srgb, torch.eye(3), atol=1e-5, rtol=0)
    assert any("colour matrix" in remark for remark in raw.remarks)


def test_what_others_write_to_stderr_meanwhile_is_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with _complaints() as complaints:
        os.write(2, b"x.dng: Unexpected end of file\nprogress 3/4\n")
        assert complaints == []
    assert complaints == ["Unexpected end of file"]
    assert capfd.readouterr().err == "progress 3/4\n"


def test_threads_may_read_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole, cut = dng(tmp_path / "whole.dng"), dng(tmp_path / "cut.dng")
    cut.write_bytes(cut.read_bytes()[:-2000])
    patched(cut, 279, 100)
    found: list[bool] = []

    def read(path: Path) -> None:
        try:
            read_raw(path)
            found.append(path == whole)
        except FileError:
            found.append(path == cut)

    threads = [threading.Thread(target=read, args=[path]) for path in [whole, cut] * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 16
    assert capfd.readouterr() == ("", "")


def test_raw_files_are_told_by_their_ending() -> None:
    assert is_raw("a/B.DNG") and is_raw(Path("x.cr3")) and not is_raw("x.png") and not is_raw("dng")
