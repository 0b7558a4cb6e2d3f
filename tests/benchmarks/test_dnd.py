"""DND: info.mat, windows in the right phase, and the site's files; on a small info.mat."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.io import loadmat, whosmat

from pellucid.bayer import PHASES, pack, red_offset
from pellucid.benchmarks import dnd
from pellucid.benchmarks.dnd_files import write_box, write_bundles
from pellucid.benchmarks.dnd_info import read_info
from pellucid.benchmarks.mat_files import shape_of
from pellucid.benchmarks.raw_models import developed, raw_models
from pellucid.benchmarks.running import run
from pellucid.cli import main
from pellucid.errors import FileError
from pellucid.isp import ISPConfig
from pellucid.metrics.flat_noise import flat_noise
from pellucid.networks.dual_domain import Restored

BOXES = np.array([[21, 25, 532, 536], [65, 29, 576, 540]], float)
SIDES = (604, 572)


def write_info(path: Path, phases: tuple[str, ...]) -> None:
    """An info.mat of one raw per phase, in the layout of DND's."""
    with h5py.File(path, "w", userblock_size=512) as file:
        info = file.create_group("info")
        fields = ("boundingboxes", "camera", "nlf", "sigma_raw", "sigma_srgb")
        held = {name: np.empty((1, len(phases)), h5py.ref_dtype) for name in fields}
        for n, phase in enumerate(phases):
            inside = file.create_group(f"#refs#/{n}")
            inside["boundingboxes"] = BOXES.T
            inside["sigma_raw"] = np.full((2, 2, len(BOXES)), 0.03)
            inside["sigma_srgb"] = np.full((1, len(BOXES)), 0.05)
            inside["nlf/a"], inside["nlf/b"] = np.array([[1e-3]]), np.array([[1e-5]])
            camera = inside.create_group("camera")
            camera["type"] = np.array([[ord(x)] for x in "Nexus6P"], np.uint16)
            camera["bayertype"] = np.array([[ord(x)] for x in phase.lower()], np.uint16)
            camera["pattern"] = np.array(["RGB".index(x) + 1.0 for x in phase]).reshape(2, 2).T
            camera["AsShotNeutral"] = np.array([[0.5], [1.0], [0.6]])
            camera["ColorMatrix2"] = np.array(
                [[1.0234, -0.2969, -0.2266, -0.5625, 1.6328, -0.0469, -0.0703, 0.2188, 0.6406]]
            ).T
            for name in fields:
                held[name][0, n] = inside[name].ref
        for name in fields:
            info.create_dataset(name, data=held[name], dtype=h5py.ref_dtype)


def told(phase: str) -> np.ndarray:
    """A raw each of whose sites says its colour, and then its place."""
    height, width = SIDES
    cell = np.array(["RGB".index(x) for x in phase]).reshape(2, 2)
    colour = np.tile(cell, (height // 2, width // 2))
    place = np.arange(height * width).reshape(SIDES) / (height * width)
    return (0.2 + 0.2 * colour + 0.15 * place).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dnd")
    write_info(folder / "info.mat", PHASES)
    (folder / "images_raw").mkdir()
    for n, phase in enumerate(PHASES, 1):
        with h5py.File(folder / "images_raw" / f"{n:04}.mat", "w") as file:
            file["Inoisy"] = told(phase).T
    return folder


def test_info_counts_from_zero(data: Path):
    images = read_info(data / "info.mat")
    assert [image.phase for image in images] == list(PHASES)
    assert images[0].boxes == ((20, 24, 532, 536), (64, 28, 576, 540))
    assert (images[0].shot, images[0].read) == (1e-3, 1e-5)
    assert images[0].neutral == (0.5, 1.0, 0.6)


def test_every_window_is_red_first_and_holds_its_box(data: Path):
    items = dnd.dnd_benchmark(data).items
    assert [item.name for item in items[:3]] == ["0001_01", "0001_02", "0002_01"]
    for item in items:
        shot = item.load().given
        assert isinstance(shot, dnd.DndShot)
        window, whole = shot.window, told(PHASES[shot.image - 1])
        assert (window.height, window.width) == (528, 528)
        assert 1 <= window.box_top - window.top <= 8 and 1 <= window.box_left - window.left <= 8
        planes = pack(shot.raw.mosaic)
        for plane, colour in zip(planes, (0, 1, 1, 2), strict=True):
            low = 0.2 + 0.2 * colour
            assert plane.min() >= low and plane.max() < low + 0.16
        raw, srgb = dnd.boxes_of(Restored(shot.raw.mosaic, torch.zeros(3, 528, 528)), window)
        top, left = window.box_top, window.box_left
        assert np.array_equal(raw.numpy(), whole[top : top + 512, left : left + 512])
        assert srgb.shape == (512, 512, 3)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("box", [(0, 0), (4, 90), (88, 60)])
def test_a_window_at_the_edge_stays_inside_red_and_even(phase: str, box: tuple[int, int]):
    window = dnd.window_of(box, phase, SIDES)
    row, column = red_offset(phase)
    assert window.top % 2 == row and window.left % 2 == column
    assert window.height % 2 == window.width % 2 == 0
    assert 0 <= window.top and window.top + window.height <= SIDES[0]
    assert 0 <= window.left and window.left + window.width <= SIDES[1]


def test_scores_hang_on_raws_and_what_is_said_of_them(data: Path):
    names = [path.relative_to(data).as_posix() for path in dnd.dnd_benchmark(data).files]
    assert names[:2] == ["info.mat", "images_raw/0001.mat"] and len(names) == 1 + len(PHASES)


def test_the_pipeline_is_dnds(data: Path):
    image = read_info(data / "info.mat")[0]
    isp = dnd.dnd_isp(image, "bilinear", ISPConfig())
    assert (isp.transfer, isp.illuminant, isp.demosaic) == ("gamma2.2", "D65", "bilinear")


def test_removing_the_noise_that_is_stated_is_one():
    from pellucid.noise import add_noise
    from pellucid.raw import Camera, Noise, RawImage

    clean, noise = torch.full((1, 128, 128), 0.3), Noise(1e-3, 1e-5)
    noisy = add_noise(clean, noise, generator=torch.Generator().manual_seed(0))
    camera = Camera.of(torch.eye(3), torch.ones(3))
    assert dnd.removed(RawImage(noisy, camera, noise), clean) == pytest.approx(1, abs=0.02)


def test_bundles_have_the_names_shapes_and_types_of_the_published_ones(tmp_path: Path):
    generator = torch.Generator().manual_seed(0)
    raws = torch.rand(20, 8, 8, generator=generator)
    pictures = torch.rand(20, 8, 8, 3, generator=generator)
    for box in range(20):
        write_box(tmp_path, 1, box + 1, raws[box], pictures[box])
    assert len(write_bundles(tmp_path, 1)) == 2
    for track, shape, israw in (("Raw", (8, 8), 1), ("sRGB", (8, 8, 3), 0)):
        assert whosmat(tmp_path / track / "0001_01.mat") == [("Idenoised_crop", shape, "single")]
        bundle = tmp_path / track / "bundled" / "0001.mat"
        assert whosmat(bundle) == [
            ("Idenoised", (1, 20), "cell"),
            ("israw", (1, 1), "logical"),
            ("eval_version", (1,), "char"),
        ]
        held = loadmat(bundle)
        assert held["israw"].item() == israw and held["eval_version"] == ["1.0"]
        assert held["Idenoised"][0, 19].dtype == np.float32
        truth = (raws if israw else pictures)[19]
        assert np.array_equal(held["Idenoised"][0, 19], truth.numpy())


def test_the_command_writes_both_tracks(data: Path, tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as stopped:
        words = ["--data", str(data), "--submission", str(tmp_path / "sub"), "--limit", "2"]
        main(["evaluate", "dnd", *words])
    assert stopped.value.code == 0, capsys.readouterr().err
    raw = loadmat(tmp_path / "sub" / "Raw" / "0001_02.mat")["Idenoised_crop"]
    assert np.array_equal(raw, told("RGGB")[64:576, 28:540])
    srgb = loadmat(tmp_path / "sub" / "sRGB" / "0001_02.mat")["Idenoised_crop"]
    assert srgb.shape == (512, 512, 3) and srgb.dtype == np.float32 and srgb.std() > 0.01


def test_all_models_are_judged_where_the_input_is_flat(data: Path):
    benchmark = dnd.dnd_benchmark(data)
    sample = benchmark.items[0].load()
    given = developed(sample.given)
    noise = 0.02 * torch.randn(given.srgb.shape, generator=torch.Generator().manual_seed(0))
    noisy = given.srgb.clamp(0.1, 0.9) + noise
    smooth = noisy.clone()
    smooth[:, : smooth.shape[1] // 3] = 0.5  # places that the model itself would choose
    for picture in (noisy, smooth):
        scored = benchmark.score(Restored(given.mosaic, picture), sample)
        assert scored["noise"] == flat_noise(picture.clamp(0, 1), given.srgb.clamp(0, 1))


def test_a_missing_box_is_told(data: Path, tmp_path: Path):
    benchmark = dnd.dnd_benchmark(data, tmp_path)
    one = next(iter(run(benchmark, raw_models([]))))
    assert one.scores["residual"] == 0
    with pytest.raises(FileError, match="0001_02.mat: no such file"):
        write_bundles(tmp_path, 1, boxes=2)


@pytest.mark.parametrize("head", [b"", b"\x89HDF\r\n\x1a\n"])
def test_a_damaged_raw_is_told(data: Path, tmp_path: Path, head: bytes):
    path = tmp_path / "0001.mat"
    path.write_bytes(head + b"nonsense that is no file of MATLAB's" * 20)
    with pytest.raises(FileError, match="cannot be read as a MATLAB file"):
        shape_of(path, "Inoisy")
