"""DNG: what is written is what LibRaw and tifffile read back."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.bayer import PHASES
from pellucid.color import cam_to_srgb
from pellucid.io import Area, DngFields, noise_pairs, read_raw, write_dng, write_mosaic
from pellucid.raw import Camera, Noise

some = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
D500 = ((0.8813, -0.3210, -0.1036), (-0.4703, 1.2868, 0.2021), (-0.1054, 0.1940, 0.6129))
sides = st.integers(36, 61)  # LibRaw refuses sensors of less than 22 pixels
levels = st.floats(1e-7, 0.5).map(lambda x: float(f"{x:.3g}"))


def integers(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (height, width), dtype=np.uint16)


def camera() -> Camera:
    return Camera.of(torch.tensor(D500), torch.tensor([2.0, 1.0, 1.6]))


@st.composite
def dngs(draw: st.DrawFn) -> tuple[np.ndarray, DngFields]:
    height, width = draw(sides), draw(sides)
    edge = st.integers(0, 7)
    area = Area(draw(edge), draw(edge), height - draw(edge), width - draw(edge))
    level = st.integers(0, 4000)
    pairs = st.tuples(levels, levels)
    count = draw(st.sampled_from([1, 3, 4]))
    fields = DngFields(
        phase=draw(st.sampled_from(PHASES)),
        black=draw(st.one_of(st.tuples(level), st.tuples(level, level, level, level))),
        white=draw(st.integers(4001, 65535)),
        xyz_to_cam=D500,
        as_shot_neutral=(draw(st.integers(10, 200)) / 100, 1.0, draw(st.integers(10, 200)) / 100),
        noise=draw(st.none() | st.tuples(*[pairs] * count)),
        baseline_exposure=draw(st.none() | st.integers(-300, 300).map(lambda x: x / 100)),
        orientation=draw(st.integers(1, 8)),
        active_area=draw(st.sampled_from([None, area])),
        make="Pellucid",
        model="Test 1",
        iso=draw(st.none() | st.integers(1, 65535) | st.just(102400)),
        exposure_time=draw(st.none() | st.integers(1, 8000).map(lambda x: 1 / x)),
        date_time=datetime(2024, 2, 29, 12, 34, 56),
    )
    return integers(height, width, draw(st.integers(0, 99))), fields


@given(dngs())
@some
def test_read_raw_reads_what_was_written(tmp_path: Path, dng: tuple[np.ndarray, DngFields]) -> None:
    sensor, fields = dng
    write_dng(tmp_path / "x.dng", sensor, fields)
    raw = read_raw(tmp_path / "x.dng")
    source = raw.source
    assert source is not None
    np.testing.assert_array_equal(source.sensor, sensor)
    assert (source.white, source.orientation) == (fields.white, fields.orientation)
    assert (raw.make, raw.model, raw.iso) == (fields.make, fields.model, fields.iso)
    assert raw.exposure_time == pytest.approx(fields.exposure_time)
    assert raw.exposure == pytest.approx(2 ** (fields.baseline_exposure or 0))
    neutral = torch.tensor(fields.as_shot_neutral)
    torch.testing.assert_close(raw.camera.white_balance, neutral.amax() / neutral)
    torch.testing.assert_close(raw.camera.xyz_to_cam, torch.tensor(D500))


@given(dngs())
@some
def test_mosaic_is_the_normalised_sensor_in_rggb(
    tmp_path: Path, dng: tuple[np.ndarray, DngFields]
) -> None:
    sensor, fields = dng
    write_dng(tmp_path / "x.dng", sensor, fields)
    raw = read_raw(tmp_path / "x.dng")
    source = raw.source
    assert source is not None
    top, left, bottom, right = fields.active_area or (0, 0, *sensor.shape)
    rows, columns = np.mgrid[: sensor.shape[0], : sensor.shape[1]]
    site = (rows - top) % 2 * 2 + (columns - left) % 2
    black = np.resize(fields.black, 4)[site]
    expected = (sensor - black) / (fields.white - black)
    area = np.s_[source.top : source.top + source.height, source.left : source.left + source.width]
    np.testing.assert_allclose(raw.trim(raw.mosaic)[0], expected[area], rtol=1e-5, atol=1e-6)
    # LibRaw leaves out one row or column where the active area starts at an odd one.
    assert source.top - top in (0, 1) and source.left - left in (0, 1)
    assert (source.top + source.height, source.left + source.width) == (bottom, right)
    red = PHASES.index(fields.phase)
    padded_site = np.pad(
        site[area],
        ((source.padding.top, source.padding.bottom), (source.padding.left, source.padding.right)),
        mode="reflect",
    )
    assert (padded_site[::2, ::2] == red).all() and (padded_site[1::2, 1::2] == 3 - red).all()
    assert raw.mosaic.shape[-2] % 2 == raw.mosaic.shape[-1] % 2 == 0


@given(dngs())
@some
def test_noise_profile_is_read_per_colour(
    tmp_path: Path, dng: tuple[np.ndarray, DngFields]
) -> None:
    sensor, fields = dng
    write_dng(tmp_path / "x.dng", sensor, fields)
    noise = read_raw(tmp_path / "x.dng").noise
    if fields.noise is None:
        assert noise is None
        return
    assert noise is not None
    pairs = np.array(fields.noise)
    if len(pairs) == 4:
        letters = np.array(list(fields.phase))
        pairs = np.stack([pairs[letters == letter].mean(0) for letter in "RGB"])
    expected = pairs[0] if len(pairs) == 1 else pairs.T
    np.testing.assert_allclose([noise.shot.tolist(), noise.read.tolist()], expected, rtol=1e-6)


@given(dngs())
@some
def test_libraw_and_tifffile_read_what_was_written(
    tmp_path: Path, dng: tuple[np.ndarray, DngFields]
) -> None:
    sensor, fields = dng
    write_dng(tmp_path / "x.dng", sensor, fields)
    with rawpy.imread(str(tmp_path / "x.dng")) as raw:
        np.testing.assert_array_equal(raw.raw_image, sensor)
        assert raw.white_level == fields.white
        assert raw.other.iso_speed == min(fields.iso or 0, 65535)
        assert sorted(raw.black_level_per_channel) == sorted(np.resize(fields.black, 4))
        expected = cam_to_srgb(torch.tensor(D500)).numpy()
        np.testing.assert_allclose(raw.color_matrix[:, :3], expected, atol=1e-5)
    with tifffile.TiffFile(tmp_path / "x.dng") as tiff:
        page = tiff.pages.first
        np.testing.assert_array_equal(page.asarray(), sensor)
        assert page.tags[274].value == fields.orientation
        assert page.tags[50708].value == "Pellucid Test 1"
        assert page.tags[34665].value["DateTimeOriginal"] == "2024:02:29 12:34:56"
        pairs = page.tags.valueof(51041, default=None)
        assert pairs == (fields.noise and tuple(x for pair in fields.noise for x in pair))


@given(st.sampled_from(PHASES), sides, sides, st.sampled_from([((512.0,), 16383), ((0.0,), 65535)]))
@some
def test_mosaic_comes_back_to_half_a_step(
    tmp_path: Path, phase: str, height: int, width: int, scale: tuple[tuple[float], int]
) -> None:
    mosaic = torch.rand(1, height, width, generator=torch.Generator().manual_seed(0))
    black, white = scale
    fields = DngFields(phase=phase, black=black, white=white)
    noise = Noise(torch.tensor([1e-3, 2e-3, 3e-3]), 1e-6)
    write_mosaic(tmp_path / "x.dng", mosaic, camera(), noise, fields)
    raw = read_raw(tmp_path / "x.dng")
    assert raw.source is not None and raw.source.phase == phase and raw.noise is not None
    row, column = divmod(PHASES.index(phase), 2)
    difference = raw.trim(raw.mosaic) - mosaic[:, row:, column:]
    assert difference.abs().max() <= 0.51 / (white - black[0])
    torch.testing.assert_close(raw.camera.cam_to_srgb, camera().cam_to_srgb)
    torch.testing.assert_close(raw.noise.shot, noise.shot)


@given(st.sampled_from(PHASES), st.integers(0, 5), st.integers(0, 5), st.booleans())
@some
def test_mosaic_comes_back_from_any_active_area(
    tmp_path: Path, phase: str, top: int, left: int, by_site: bool
) -> None:
    mosaic = torch.rand(1, 50, 60, generator=torch.Generator().manual_seed(0))
    black = (500.0, 600.0, 700.0, 800.0) if by_site else (500.0,)
    area = Area(top, left, 48, 57)
    fields = DngFields(phase=phase, black=black, active_area=area)
    write_mosaic(tmp_path / "x.dng", mosaic, camera(), None, fields)
    raw = read_raw(tmp_path / "x.dng")
    assert raw.source is not None
    row, column = divmod(PHASES.index(phase), 2)
    sensor = mosaic[:, (row + top) % 2 :, (column + left) % 2 :]
    shown = sensor[:, raw.source.top : 48, raw.source.left : 57]
    assert (raw.trim(raw.mosaic) - shown).abs().max() <= 0.51 / (16383 - max(black))


def test_noise_below_black_is_kept(tmp_path: Path) -> None:
    mosaic = torch.full((1, 40, 40), -0.05)
    write_mosaic(tmp_path / "x.dng", mosaic, camera())
    torch.testing.assert_close(read_raw(tmp_path / "x.dng").mosaic, mosaic, atol=1e-4, rtol=0)


def test_default_crop_changes_nothing(tmp_path: Path) -> None:
    fields = DngFields(active_area=Area(2, 4, 50, 60), default_crop=Area(3, 5, 40, 50))
    write_dng(tmp_path / "x.dng", integers(52, 64), fields)
    source = read_raw(tmp_path / "x.dng").source
    assert source is not None and (source.top, source.left) == (2, 4)
    assert (source.height, source.width) == (48, 56)


def test_noise_pairs_are_one_or_three() -> None:
    assert noise_pairs(Noise(0.5, 0.25)) == ((0.5, 0.25),)
    assert len(noise_pairs(Noise(torch.tensor([0.5, 0.25, 0.125]), 0.0))) == 3
    with pytest.raises(ValueError, match="expected 1 or 3"):
        noise_pairs(Noise(torch.ones(4), torch.ones(4)))


@pytest.mark.parametrize(
    "fields",
    [
        DngFields(black=(1.0, 2.0)),
        DngFields(black=(500.0,), white=400),
        DngFields(noise=((1.0, 1.0),) * 2),
        DngFields(active_area=Area(0, 0, 90, 40)),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, fields: DngFields) -> None:
    with pytest.raises(ValueError, match="expected|outside"):
        write_dng(tmp_path / "x.dng", integers(40, 40), fields)
    assert not list(tmp_path.iterdir())
