from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid import (
    Camera,
    DualDomainConfig,
    ISPConfig,
    Noise,
    PellucidError,
    RawImage,
    Rendering,
    Restorer,
    UNetConfig,
    develop,
    read_raw,
    render,
    unrender,
    write_mosaic,
)
from pellucid.bayer import PHASES, mosaic_of, red_offset
from pellucid.calibration.known_noise import settle_noise
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.lens import through_lens
from pellucid.data.synthesis import generator_of
from pellucid.demo import sample
from pellucid.errors import NetworkError
from pellucid.io import DngFields
from pellucid.isp import finish, unrender_linear
from pellucid.networks import PictureConfig
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))
NOISE = Noise(5e-3, 1e-5)


def random_restorer(tile: int, raw: bool = True, srgb: bool = True) -> Restorer:
    """Small networks that are not the identity."""
    torch.manual_seed(0)
    net = DualDomainConfig(
        UNetConfig(widths=(6, 8)) if raw else None,
        UNetConfig(shuffle=2, widths=(6, 8, 8)) if srgb else None,
    ).build()
    for head in (net.raw_net, net.srgb_net):
        if head is not None:
            torch.nn.init.normal_(head.body.head.weight, std=1.0)
    return Restorer(net, tile)


def scene(height: int = 150, width: int = 218) -> RawImage:
    """A noisy piece of the sample photograph."""
    clean = unrender(sample()[:, 200 : 200 + height, 300 : 300 + width], CAMERA)
    return RawImage(add_noise(clean, NOISE, generator=generator_of(1)), CAMERA, NOISE)


@pytest.mark.parametrize("tile", [32, 64, 100])
@pytest.mark.parametrize(("raw", "srgb"), [(True, True), (False, True), (True, False)])
def test_tiles_equal_the_whole(tile, raw, srgb):
    photo = scene()
    whole = random_restorer(4096, raw, srgb)(photo)
    tiled = random_restorer(tile, raw, srgb)(photo)
    assert (whole.srgb - develop(photo)).abs().max() > 0.01, "the network must do something"
    torch.testing.assert_close(tiled.mosaic, whole.mosaic, atol=1e-4, rtol=0)
    torch.testing.assert_close(tiled.srgb, whole.srgb, atol=1e-4, rtol=0)


def test_tiles_of_the_shipped_model_equal_the_whole():
    photo = scene(200, 330)
    whole, tiled = (Restorer.load("default", tile)(photo).srgb for tile in (1536, 112))
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_develop_is_render_in_tiles():
    photo = scene()
    for config in (ISPConfig(), ISPConfig(highlights="clip", gamut="wide")):
        whole = render(photo.mosaic, photo.camera, None, config)
        torch.testing.assert_close(develop(photo, config=config), whole, atol=1e-6, rtol=0)


def test_progress_counts_every_tile():
    calls = []
    random_restorer(64)(scene(), progress=lambda done, total: calls.append((done, total)))
    total = calls[0][1]
    assert calls == [(n + 1, total) for n in range(total)] and total > 10


def test_noise_is_the_given_else_the_files_else_estimated():
    photo = scene()
    assert settle_noise(photo, Noise(1e-2, 1e-3)).origin == "given"
    assert settle_noise(photo) == (NOISE, "the file's noise profile")
    blind = settle_noise(RawImage(photo.mosaic, CAMERA))
    assert blind.origin == "estimated from the picture"
    level = blind.noise.shot * 0.2 + blind.noise.read
    assert 0.5 < level / (NOISE.shot * 0.2 + NOISE.read) < 2


def test_rendering_follows_the_file_unless_told():
    photo = scene(64, 64)
    bright = RawImage(photo.mosaic, CAMERA, NOISE, exposure=2.0)
    restorer = random_restorer(1024)
    torch.testing.assert_close(
        restorer(bright).srgb, restorer(photo, rendering=Rendering(2.0)).srgb
    )
    assert restorer(bright).srgb.mean() > restorer(photo).srgb.mean() + 0.05


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(PellucidError, match="nope: no such model; expected default, denoise"):
        Restorer.load("nope")


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory):
    """The four phases as crops of one noisy mosaic, through DNG files, and the truth."""
    clean = unrender(sample()[:, 300:556, 400:720], CAMERA)
    noisy = add_noise(clean, NOISE, generator=generator_of(2)).clamp(max=1)
    restorer, pictures = Restorer.load("default"), {}
    for phase in PHASES:
        path = Path(tmp_path_factory.mktemp("phases")) / f"{phase}.dng"
        write_mosaic(path, noisy, CAMERA, NOISE, DngFields(phase, (1024.0,), 16383))
        raw = read_raw(path)
        assert raw.source is not None and raw.source.phase == phase
        pictures[phase] = raw.trim(restorer(raw).srgb).clamp(0, 1)
    return pictures, render(clean, CAMERA)


@pytest.mark.parametrize(("shift", "gain"), [(0.0, 5.5), (0.5, 2.2), (1.0, 1.8)])
def test_a_lens_whose_colours_do_not_meet_is_seen_through(shift: float, gain: float):
    """Nearer to what it drew than demosaicking brings the mosaic without noise."""
    light = unrender_linear(sample()[:, 300:556, 400:720], CAMERA, Rendering())
    down, right = ((shift * r, 0, -shift * b) for r, b in ((0.6, 0.8), (0.8, 0.6)))
    blur = (0.5, 0.25, 0.5) if shift else (0, 0, 0)
    drawn = through_lens(light, down, right, blur)
    clean = mosaic_of(drawn)
    noise = Noise(1e-4, 1e-7)
    noisy = add_noise(clean, noise, generator=generator_of(3)).clamp(max=1)
    balanced = drawn * CAMERA.white_balance[:, None, None]
    truth = finish(balanced, CAMERA, Rendering(), ISPConfig())
    restored = Restorer.load("default", highlights="roll")(RawImage(noisy, CAMERA, noise)).srgb
    errors = [
        (picture.clamp(0, 1) - truth.clamp(0, 1))[:, 8:-8, 8:-8].square().mean().log10().item()
        for picture in (render(clean, CAMERA), restored)
    ]
    assert 10 * (errors[0] - errors[1]) > gain


def test_the_four_phases_are_restored_alike(phases):
    pictures, truth = phases
    psnr = {}
    for phase, picture in pictures.items():
        row, column = red_offset(phase)
        common = picture[:, 2 - row : 250 - row, 2 - column : 310 - column]
        psnr[phase] = -10 * (common - truth[:, 2:250, 2:310]).square().mean().log10().item()
    assert max(psnr.values()) - min(psnr.values()) <= 0.1, psnr


def test_no_phase_mirrors_or_shifts_its_edges(phases):
    pictures, truth = phases
    for phase, picture in pictures.items():
        row, column = red_offset(phase)
        expected = truth[:, row:, column:]
        assert picture.shape == expected.shape
        for strip in (np.s_[:, :24, :], np.s_[:, -24:, :], np.s_[:, :, :24], np.s_[:, :, -24:]):
            assert _shift(picture[strip], expected[strip]) == (0, 0), (phase, strip)


def _shift(picture: torch.Tensor, truth: torch.Tensor) -> tuple[int, int]:
    """Where the cross-correlation of two pictures, in steps of up to 3 pixels, peaks."""
    inner = (slice(None), slice(3, -3), slice(3, -3))
    reference = truth[inner] - truth[inner].mean((1, 2), keepdim=True)
    moves = [(y, x) for y in range(-3, 4) for x in range(-3, 4)]

    def correlation(move: tuple[int, int]) -> float:
        moved = torch.roll(picture, move, (1, 2))[inner]
        moved = moved - moved.mean((1, 2), keepdim=True)
        return ((moved * reference).sum() / (moved.norm() * reference.norm())).item()

    return max(moves, key=correlation)


def picture_restorer(tile: int) -> Restorer:
    torch.manual_seed(0)
    net = PictureConfig(UNetConfig(shuffle=2, widths=(6, 8)), "signed").build()
    torch.nn.init.normal_(net.net.body.head.weight, std=1.0)
    return Restorer(net, tile)


@pytest.mark.parametrize("tile", [32, 100])
def test_pictures_in_tiles_equal_the_whole(tile):
    picture, calls = develop(scene()), []
    whole = picture_restorer(4096).restore_picture(picture)
    tiled = picture_restorer(tile).restore_picture(picture, lambda *counts: calls.append(counts))
    assert (whole - picture).abs().max() > 0.01, "the network must do something"
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    assert calls == [(i + 1, len(calls)) for i in range(len(calls))] and len(calls) > 1


def test_a_network_of_pictures_restores_the_developed_raw():
    photo, restorer = scene(), picture_restorer(100)
    restored = restorer(photo, rendering=Rendering(1.5))
    assert torch.equal(restored.mosaic, photo.mosaic)
    expected = restorer.restore_picture(develop(photo, Rendering(1.5)))
    torch.testing.assert_close(restored.srgb, expected)


def test_a_network_of_raws_takes_no_picture():
    with pytest.raises(NetworkError, match="expected a raw, got a picture"):
        random_restorer(100).restore_picture(develop(scene()))


def star_sky() -> tuple[RawImage, torch.Tensor]:
    """A noisy sky with stars of a pixel to two, 6 to 20 sigma high, and where they are."""
    sky, side, generator = 0.01, 384, generator_of(5)
    std = float(NOISE.shot * sky + NOISE.read) ** 0.5
    clean = torch.full((1, side, side), sky)
    places = torch.arange(12, side - 12, 24)
    where = torch.zeros(side, side, dtype=torch.bool)
    for y in places.tolist():
        for x in places.tolist():
            height = 6 + 14 * float(torch.rand((), generator=generator))
            size = 1 + int(torch.randint(2, (), generator=generator))
            clean[0, y : y + size, x : x + size] += height * std
            where[y : y + size, x : x + size] = True
    noisy = add_noise(clean, NOISE, generator=generator_of(6))
    return RawImage(noisy, Camera.of(CAMERA.xyz_to_cam, torch.ones(3)), NOISE), where


def test_stars_are_kept_by_themselves_and_removed_when_asked():
    raw, where = star_sky()
    kept, removed = (
        Restorer.load(preset="fast", stars=stars)(raw).mosaic[0] for stars in ("auto", "remove")
    )
    before = (raw.mosaic[0] - 0.01)[where]
    stay, left = (
        (((mosaic - 0.01)[where] / before) > 0.8).float().mean() for mosaic in (kept, removed)
    )
    assert stay > 0.9 and left < stay - 0.3
    # The sky between them is as calm as without.
    assert (kept - removed)[~where].abs().median() == 0
    assert (kept[~where] - 0.01).std() < 0.3 * (raw.mosaic[0] - 0.01)[~where].std()
