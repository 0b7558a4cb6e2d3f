"""Clean DNGs: everything of the source but its noise is what readers find in them."""

import shutil
import struct
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rawpy
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pellucid.bayer import PHASES
from pellucid.errors import FileError
from pellucid.io import Area, read_raw
from pellucid.io.clean_dng import Cleaning, write_clean_dng
from pellucid.io.dng_check import check_dng
from pellucid.io.left_noise import left_noise
from pellucid.io.raw_origin import read_origin
from pellucid.io.tiff_writer import Entry, Field, Tree, text, write_tree
from pellucid.io.xmp import mark_denoised
from pellucid.noise import add_noise
from pellucid.raw import Noise, RawImage

some = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
KEPT = (271, 272, 305, 306, 315, 33432, 50707, 50708, 50721, 50722, 50723, 50727, 50728, 50730,
        50735, 50740, 50741, 50778, 50779, 50931, 50936, 50964, 50965)  # fmt: skip
KEPT_RAW = (33421, 33422, 50829, 50719, 50720, 51008, 51009, 51022)


@st.composite
def asked(draw: st.DrawFn) -> dict:
    """Arguments of a DNG: phase, areas, levels, depth, byte order, storage, orientation."""
    height, width = draw(st.integers(36, 61)), draw(st.integers(36, 61))
    bits = draw(st.sampled_from([10, 12, 14, 16]))
    edge = st.integers(0, 7)
    area = Area(draw(edge), draw(edge), height - draw(edge), width - draw(edge))
    crop = Area(draw(edge), draw(edge), *(side - 14 for side in (area[2], area[3])))
    white = draw(st.integers(3 << bits - 2, (1 << bits) - 1))
    level = st.integers(0, white // 4)
    jpeg = bits < 16 or draw(st.booleans())
    table = None
    if bits < 14 and draw(st.booleans()):
        table = np.linspace(0, 65535, 1 << bits).round().astype(np.uint16)
        white = int(table[white])
    seed = draw(st.integers(0, 99))
    return {
        "sensor": np.random.default_rng(seed).integers(0, 1 << bits, (height, width), np.uint16),
        "phase": draw(st.sampled_from(PHASES)),
        "black": draw(st.one_of(st.tuples(level), st.tuples(level, level, level, level))),
        "white": white,
        "bits": bits,
        "order": draw(st.sampled_from(["<", ">"])),
        "orientation": draw(st.integers(1, 8)),
        "area": draw(st.sampled_from([None, area])),
        "crop": draw(st.sampled_from([None, crop])),
        "table": table,
        "jpeg": jpeg,
        "nested": draw(st.booleans()),
    }


def restored_of(raw: RawImage) -> torch.Tensor:
    """Another mosaic of the same frame."""
    return torch.rand(raw.mosaic.shape, generator=torch.Generator().manual_seed(1))


def write(path: Path, raw: RawImage, **said: object) -> RawImage:
    """Write a clean DNG with a grey preview."""
    srgb = torch.full((3, *raw.mosaic.shape[1:]), 0.5)
    write_clean_dng(path, raw, restored_of(raw), srgb, Cleaning(**said))
    return read_raw(path) if not said.get("linear") else raw


class Tags(dict):
    """A directory's values by code, read while the file is open."""

    def valueof(self, code: int) -> object:
        return self.get(code)


def pages(path: Path) -> tuple[Tags, Tags]:
    """Tags of the first directory, and of the raw pixels'."""
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        every = [first, *(first.pages or [])]
        raw = next(page for page in every if page.photometric in (32803, 34892))
        read = [Tags({tag.code: tag.value for tag in page.tags}) for page in (first, raw)]
        return read[0], read[1]


@given(asked())
@some
def test_strength_0_has_the_original_integers(tmp_path: Path, rich, rich_dng, asked: dict) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(**asked))
    raw = read_raw(path)
    back = write(tmp_path / "b.dng", raw, strength=0)
    assert raw.source is not None and back.source is not None
    np.testing.assert_array_equal(back.source.sensor, raw.source.sensor)
    torch.testing.assert_close(back.mosaic, raw.mosaic, rtol=0, atol=0)
    with tifffile.TiffFile(tmp_path / "b.dng") as tiff:
        page = tiff.pages.first.pages[0]
        np.testing.assert_array_equal(page.asarray(), asked["sensor"])
        assert page.bitspersample == asked["bits"]
        kept = (*KEPT_RAW, 50712, 50713, 50714, 50717, 51041)
        _, before = pages(path)
        for code in kept:
            assert str(page.tags.valueof(code)) == str(before.valueof(code)), code


@given(asked(), st.sampled_from([1.0, 0.6]))
@some
def test_a_restored_mosaic_comes_back_within_a_step(
    tmp_path: Path, rich, rich_dng, asked: dict, strength: float
) -> None:
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(**asked)))
    back = write(tmp_path / "b.dng", raw, strength=strength)
    meant = raw.trim(raw.mosaic.lerp(restored_of(raw), strength))
    before, after = raw.source, back.source
    assert before is not None and after is not None
    frames = [(one.top, one.left, one.height, one.width, one.phase, one.orientation)
              for one in (before, after)]  # fmt: skip
    assert frames[0] == frames[1] and before.sensor.shape == after.sensor.shape
    factor = after.white / before.white
    inside = meant < (65535 - max(after.black)) / (after.white - min(after.black)) - 1e-3
    step = 1 / (after.white - max(after.black))
    assert (back.trim(back.mosaic) - meant)[inside].abs().max() <= step
    assert after.black == tuple(level * factor for level in before.black)
    assert after.white >= 8192 and after.linearization is None
    border = np.ones(before.sensor.shape, bool)
    border[before.top : before.top + before.height, before.left : before.left + before.width] = 0
    expected = np.minimum(before.sensor.astype(int) * factor, 65535)
    np.testing.assert_array_equal(after.sensor[border], expected[border])


@given(asked(), st.sampled_from([0.0, 1.0]), st.booleans())
@some
def test_all_that_the_source_said_is_there(
    tmp_path: Path, rich, rich_dng, asked: dict, strength: float, linear: bool
) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(**asked))
    write(tmp_path / "b.dng", read_raw(path), strength=strength, linear=linear)
    (first, raw), (again, raw_again) = pages(path), pages(tmp_path / "b.dng")
    for one in (first, again):  # where another directory stands is no news
        assert one[34665].pop("InteroperabilityTag")
    for code in (34665, 34853, *KEPT):  # EXIF with the maker's note, GPS, names, colour
        assert again.valueof(code) == first.valueof(code), code
    assert again.valueof(274) == asked["orientation"]
    for code in () if linear else KEPT_RAW:
        assert raw_again.valueof(code) == raw.valueof(code), code
    with (tmp_path / "a.dng").open("rb") as one, (tmp_path / "b.dng").open("rb") as other:
        assert one.read(2) == other.read(2)


@given(asked())
@some
def test_our_own_check_finds_no_error(tmp_path: Path, rich, rich_dng, asked: dict) -> None:
    asked = {**asked, "sensor": np.full_like(asked["sensor"], asked["sensor"].max() // 2)}
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(**asked)))
    for strength in (0.0, 1.0):
        write(tmp_path / "b.dng", raw, strength=strength)
        assert [one for one in check_dng(tmp_path / "b.dng") if one.severity == "error"] == []


@pytest.mark.parametrize("black", [(64,), (60, 64, 68, 72)])
@pytest.mark.parametrize("area", [None, Area(1, 3, 38, 45)])
def test_black_of_rows_and_columns_comes_off_and_back(
    tmp_path: Path, rich, rich_dng, black: tuple[int, ...], area: Area | None
) -> None:
    generator = np.random.default_rng(0)
    sensor = generator.integers(0, 1024, (40, 47), np.uint16)
    top, left, bottom, right = area or Area(0, 0, 40, 47)
    rows = generator.integers(-20, 9, bottom - top).astype(float)
    columns = generator.integers(-500, 700, right - left) / 64
    said = {
        50716: Field(50716, "srational", rows.tolist()),
        50715: Field(50715, "srational", columns.tolist()),
    }
    asked = rich(sensor, raw=said, black=black, area=area)
    raw = read_raw(rich_dng(tmp_path / "a.dng", asked))
    assert raw.source is not None
    levels = np.tile(np.resize(black, (2, 2)), (20, 24))[: bottom - top, : right - left]
    above = sensor[top:bottom, left:right] - levels - np.add.outer(rows, columns)
    # LibRaw counts the means, cut to integers, to the level: white is so much nearer.
    span = 1023 - levels - int(rows.mean() + 0.5) - int(columns.mean() + 0.5)
    shown = np.s_[raw.source.top - top :, raw.source.left - left :]
    np.testing.assert_allclose(raw.trim(raw.mosaic)[0], (above / span)[shown], atol=1e-6)
    write_clean_dng(tmp_path / "b.dng", raw, raw.mosaic, torch.zeros(3, *raw.mosaic.shape[1:]))
    back = read_raw(tmp_path / "b.dng")
    assert back.source is not None
    np.testing.assert_array_equal(back.source.sensor, raw.source.sensor * 64)
    # Means are cut at finer steps now, so that white moves by up to half an integer of 1023.
    torch.testing.assert_close(back.mosaic, raw.mosaic, atol=1e-5, rtol=2e-3)


@pytest.mark.parametrize("area", [(0, 0, 0, 0), (0, 0, 900, 900)])
def test_an_area_that_is_none_has_no_black_of_rows(
    tmp_path: Path, rich, rich_dng, area: tuple[int, ...]
) -> None:
    said = {50716: Field(50716, "srational", [1.0]), 50829: Field(50829, "long", area)}
    path = rich_dng(tmp_path / "a.dng", rich(smooth(40, 47), raw=said))
    raw = read_raw(path)
    assert bool(raw.mosaic.isfinite().all()) and raw.gain is not None
    assert bool(raw.gain.isfinite().all())


@pytest.mark.parametrize(
    ("number", "factor"), [(7, 1), (8, 1), (10, 1), (11, 1), (9, 64), (12, 64)]
)
def test_integers_that_opcodes_map_keep_their_scale(
    tmp_path: Path, rich, rich_dng, number: int, factor: int
) -> None:
    mapping = struct.pack(">5I", 1, number, 0x01030000, 1, 0)
    said = {51008: Field(51008, "undefined", mapping)}
    path = rich_dng(tmp_path / "a.dng", rich(smooth(40, 47), raw=said))
    back = write(tmp_path / "b.dng", read_raw(path))
    assert back.source is not None and back.source.white == 1023 * factor
    assert pages(tmp_path / "b.dng")[1].valueof(51008) == mapping


def test_what_is_said_of_the_raw_pixels_stays_with_them(tmp_path: Path, rich, rich_dng) -> None:
    radius = Field(50737, "rational", [0.5])  # ChromaBlurRadius
    path = rich_dng(tmp_path / "a.dng", rich(smooth(40, 47), raw={50737: radius}))
    write(tmp_path / "b.dng", read_raw(path))
    first, raw = pages(tmp_path / "b.dng")
    assert raw.valueof(50737) == (1, 2) and first.valueof(50737) is None


def smooth(height: int, width: int, bits: int = 10) -> np.ndarray:
    rows = np.linspace(0.2, 0.8, height)[:, None] * np.linspace(0.5, 1, width)
    return (rows * ((1 << bits) - 1)).astype(np.uint16)


def test_a_maker_note_stays_where_it_was(tmp_path: Path, rich, rich_dng) -> None:
    note = Entry(37500, 7, 64, bytes(range(64)), at=3000)
    path = rich_dng(tmp_path / "a.dng", rich(smooth(40, 40), exif={37500: note}))
    write(tmp_path / "b.dng", read_raw(path))
    for name in ("a.dng", "b.dng"):
        assert (tmp_path / name).read_bytes()[3000:3064] == note.data
    assert check_dng(tmp_path / "b.dng") is not None


def test_the_preview_is_of_the_given_picture(tmp_path: Path, rich, rich_dng) -> None:
    stale = Image.new("RGB", (64, 48), "red")
    crop = Area(2, 4, 36, 50)
    asked = rich(smooth(40, 60), preview=stale, crop=crop, orientation=6, phase="BGGR")
    raw = read_raw(rich_dng(tmp_path / "a.dng", asked))
    height, width = raw.mosaic.shape[1:]
    srgb = torch.linspace(0, 1, width).expand(3, height, width).clone()
    write_clean_dng(tmp_path / "b.dng", raw, restored_of(raw), srgb)
    with tifffile.TiffFile(tmp_path / "b.dng") as tiff:
        page = tiff.pages.first.pages[1]
        tiff.filehandle.seek(page.dataoffsets[0])
        thumb = Image.open(BytesIO(tiff.filehandle.read(page.databytecounts[0])))
    assert thumb.size == (46, 34)  # the crop, in the sensor's own orientation
    shown = np.asarray(thumb.convert("L")).mean(0) / 255
    expected = raw.trim(srgb)[0, 0, crop.left : crop.right].numpy()
    np.testing.assert_allclose(shown, expected, atol=0.03)


def test_a_linear_dng_has_the_colours_of_the_mosaic(tmp_path: Path, rich, rich_dng) -> None:
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(smooth(40, 60), area=Area(1, 2, 39, 58))))
    flat = torch.tensor([0.2, 0.4, 0.4, 0.3])[:, None, None].expand(4, 19, 28)
    restored = torch.nn.functional.pixel_shuffle(flat, 2)
    assert restored.shape[1] >= raw.mosaic.shape[1]
    restored = restored[:, : raw.mosaic.shape[1], : raw.mosaic.shape[2]]
    srgb = torch.zeros(3, *raw.mosaic.shape[1:])
    write_clean_dng(tmp_path / "b.dng", raw, restored, srgb, Cleaning(linear=True))
    with tifffile.TiffFile(tmp_path / "b.dng") as tiff:
        page = tiff.pages.first.pages[0]
        pixels = page.asarray() / 65535
        assert page.photometric == 34892 and page.tags.valueof(33422) is None
        assert page.tags.valueof(51008) is None and page.tags.valueof(51022) is not None
        maps = page.tags.valueof(51009)
    np.testing.assert_allclose(pixels, np.broadcast_to([0.2, 0.4, 0.3], pixels.shape), atol=2e-5)
    # Gains 1, 2, 3, 4 of R, G1, G2, B become 1, 2.5, 4 of the colours.
    gains = {struct.unpack_from(">I", maps, at + 32)[0]: struct.unpack_from(">f", maps, at + 92)[0]
             for at in range(4, len(maps), 108)}  # fmt: skip
    assert gains == {0: 1.0, 1: 2.5, 2: 4.0}
    with rawpy.imread(str(tmp_path / "b.dng")) as opened:
        assert opened.raw_type == rawpy.RawType.Stack


def test_another_kind_of_raw_gets_librawS_matrix_and_its_own_exif(
    tmp_path: Path, rich, rich_dng
) -> None:
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(smooth(41, 60), phase="GBRG")))
    tree = Tree(
        [text(271, "Maker"), text(272, "Model 7"), text(33432, "Rights"), Field(256, "long", [9])],
        below={34665: [Tree([Field(34855, "short", [1600]), text(36867, "2020:01:02 03:04:05")])]},
    )
    with (tmp_path / "a.nef").open("wb") as file:
        write_tree(file, tree, ">")
    other = replace(raw, path=tmp_path / "a.nef")
    back = write(tmp_path / "b.dng", other, noise=Noise(1e-3, 1e-6), how="test")
    assert (back.make, back.model, back.iso) == ("Maker", "Model 7", 1600)
    assert back.source is not None and raw.source is not None
    assert (back.source.phase, back.source.height) == ("GBRG", raw.source.height)
    torch.testing.assert_close(back.camera.xyz_to_cam, raw.camera.xyz_to_cam, atol=1e-5, rtol=0)
    torch.testing.assert_close(back.camera.white_balance, raw.camera.white_balance)
    first, pixels = pages(tmp_path / "b.dng")
    assert first.valueof(33432) == "Rights" and first.valueof(50827) == "a.nef"
    assert first.valueof(50778) == 21 and pixels.valueof(50717) == 1023 * 64
    assert not [one for one in check_dng(tmp_path / "b.dng") if one.severity == "error"]


def test_the_exif_of_canons_and_fujifilms_containers_is_found(tmp_path: Path) -> None:
    parts = {
        b"CMT1": Tree([text(271, "Canon"), text(272, "R")]),
        b"CMT2": Tree([Field(33434, "rational", [0.5]), Field(34855, "short", [400])]),
        b"CMT4": Tree(
            [Field(0, "byte", [2, 3, 0, 0]), text(1, "N"), Field(2, "rational", [1] * 3)]
        ),
    }
    data = b"\0\0\0\x18ftypcrx " + bytes(12)
    for name, tree in parts.items():
        data += name + tiff_bytes(tree)
    (tmp_path / "a.cr3").write_bytes(data)
    inner = Tree([text(271, "FUJIFILM")], below={34665: [Tree([Field(34855, "short", [400])])]})
    jpeg = b"\xff\xd8\xff\xe1\0\0Exif\0\0" + tiff_bytes(inner)
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 160, len(jpeg))
    (tmp_path / "a.raf").write_bytes(head.ljust(160, b"\0") + jpeg)
    for name in ("a.cr3", "a.raf"):
        origin = read_origin(tmp_path / name)
        assert not origin.is_dng and origin.first is not None and origin.exif is not None
        assert origin.first.words(271) in ("Canon", "FUJIFILM")
        assert origin.exif.numbers(34855) == (400,)
        assert (origin.gps is not None) == (name == "a.cr3")


def tiff_bytes(tree: Tree) -> bytes:
    file = BytesIO()
    write_tree(file, tree, "<")
    return file.getvalue()


def test_the_mark_joins_a_packet_and_replaces_an_older_mark() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="r">'
        b'<rdf:Description rdf:about="uuid:1" crs:Exposure="+1.5"/></rdf:RDF></x:xmpmeta>'
    )
    once = mark_denoised(packet, 0.5, 'model "a" & <b>', "1")
    assert b'crs:Exposure="+1.5"' in once and once.count(b'rdf:about="uuid:1"') == 2
    twice = mark_denoised(once, 1.0, "b", "1")
    assert twice.count(b"pellucid:Denoised") == 1 and b'pellucid:Strength="1"' in twice
    fresh = mark_denoised(b"no packet", 1.0, "b", "1")
    assert fresh.startswith(b"<?xpacket") and b"pellucid:How" in fresh


MARKED = {
    "compact": b"""<rdf:Description rdf:about="uuid:1" xmp:Rating="5"
        xmlns:pellucid="urn:pellucid:1.0:" pellucid:Denoised='True'
        crs:Exposure="+0.50" pellucid:How="a > b"/>""",
    "elements": b"""<rdf:Description rdf:about="uuid:1" xmp:Rating="5"
        xmlns:pellucid="urn:pellucid:1.0:">
        <pellucid:Strength>1</pellucid:Strength><crs:Exposure>+0.50</crs:Exposure>
        <pellucid:How xml:lang="en">a/b</pellucid:How><pellucid:Denoised/></rdf:Description>""",
    "alone": b"""<rdf:Description rdf:about="uuid:1" xmp:Rating="5" crs:Exposure="+0.50"/>
        <rdf:Description rdf:about="uuid:1" xmlns:pellucid="urn:pellucid:1.0:">
        <pellucid:Strength>1</pellucid:Strength></rdf:Description>""",
}


@pytest.mark.parametrize("form", MARKED)
def test_a_second_mark_takes_the_first_ones_place_and_nothing_else(form: str) -> None:
    names = b'xmlns:rdf="r" xmlns:xmp="x" xmlns:crs="c"'
    packet = b"<m><rdf:RDF " + names + b">" + MARKED[form] + b"</rdf:RDF></m>"
    marked = mark_denoised(packet, 0.5, "again", "1")
    said = {}
    for one in ElementTree.fromstring(marked).iter("{r}Description"):
        said |= {**one.attrib, **{child.tag: child.text for child in one}}
    assert said.pop("{r}about") == "uuid:1" and said.pop("{x}Rating") == "5"
    assert said.pop("{c}Exposure") == "+0.50"
    own = ("Denoised", "Strength", "How", "Version")
    assert list(said) == ["{urn:pellucid:1.0:}" + name for name in own]
    assert marked.count(b"<rdf:Description") == 2
    assert mark_denoised(marked, 0.5, "again", "1") == marked


@pytest.mark.parametrize("kept", [0.0, 0.3])
def test_the_noise_profile_is_what_is_left(tmp_path: Path, rich, rich_dng, kept: float) -> None:
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(smooth(200, 200))))
    clean, noise = raw.mosaic, Noise(1e-3, 1e-5)
    generator = torch.Generator().manual_seed(0)
    noisy = replace(raw, mosaic=add_noise(clean, noise, generator=generator))
    # An estimate whose error has nothing to do with what it removed: of two halves of the noise,
    # one goes and the other stays.
    rest = (noisy.mosaic - clean) * 0 + add_noise(clean, noise, generator=generator) - clean
    restored = clean + (kept**0.5) * rest
    noisy = replace(noisy, mosaic=restored + (1 - kept) ** 0.5 * (noisy.mosaic - clean))
    for strength in (1.0, 0.5):
        blended = noisy.mosaic.lerp(restored, strength)
        share = float((blended - clean).var() / (noisy.mosaic - clean).var())
        left = left_noise(noisy, restored, noise, strength)
        assert float(left.shot / noise.shot) == pytest.approx(max(share, 1e-3), rel=0.1, abs=0.03)


def test_what_a_denoised_dng_says_of_it(tmp_path: Path, rich, rich_dng) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(smooth(60, 60)))
    back = write(tmp_path / "b.dng", read_raw(path), strength=0.5, how="model default")
    first, raw = pages(tmp_path / "b.dng")
    assert b'pellucid:How="model default"' in bytes(first.valueof(700))
    assert raw.valueof(50935) == (1, 2) and back.noise is not None
    again = write(tmp_path / "c.dng", read_raw(path), strength=0)
    assert pages(tmp_path / "c.dng")[0].valueof(700) is None
    assert again.noise is not None and float(again.noise.shot) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("said", "words"),
    [({"strength": 1.5}, "strength is 1.5; expected 0 to 1"), ({"strength": -1}, "strength is -1")],
)
def test_a_strength_beyond_0_to_1_is_refused(tmp_path: Path, rich, rich_dng, said, words) -> None:
    raw = read_raw(rich_dng(tmp_path / "a.dng", rich(smooth(40, 40))))
    with pytest.raises(ValueError, match=words):
        write(tmp_path / "b.dng", raw, **said)
    assert not (tmp_path / "b.dng").exists()


def test_a_source_that_is_gone_is_said(tmp_path: Path, rich, rich_dng) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(smooth(40, 40)))
    raw = read_raw(path)
    path.unlink()
    with pytest.raises(FileError, match="no such file"):
        write(tmp_path / "b.dng", raw)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="needs exiftool (Debian: libimage-exiftool-perl)"
)
def test_exiftool_reads_the_same_exif_and_finds_nothing_wrong(
    tmp_path: Path, rich, rich_dng
) -> None:
    path = rich_dng(tmp_path / "a.dng", rich(smooth(60, 80), order=">"))
    write(tmp_path / "b.dng", read_raw(path), how="test")

    def said(name: str) -> str:
        words = ["exiftool", "-G1", "-a", "-ExifIFD:all", "-GPS:all", "-InteropIFD:all", name]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout

    assert said("a.dng") == said("b.dng") and "A lens 24-70" in said("b.dng")
    words = ["exiftool", "-validate", "-warning", "-a", "b.dng"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    # The note in the test is no real one.
    assert "Validate" in done.stdout and "rror" not in done.stdout.replace("MakerNotes", "")
