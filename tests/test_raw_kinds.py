"""Every kind of raw, written from a known scene, is restored; turned ones like unturned ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid import Camera, ISPConfig, Noise, RawImage, Rendering, Restorer, develop, read_raw
from pellucid.bayer import mosaic_of, pack
from pellucid.calibration.known_noise import settle_noise
from pellucid.color import apply_matrix, decode
from pellucid.data.lens import through_lens
from pellucid.data.synthesis import generator_of
from pellucid.demo import sample
from pellucid.io import DngFields, noise_pairs, read_picture, write_dng, write_picture
from pellucid.io.dng_fields import QUAD_BAYER, X_TRANS
from pellucid.io.linear_images import grey_camera
from pellucid.io.orientation import as_stored
from pellucid.isp import render_linear, unbalance
from pellucid.linear_light import closed, draws_of, opened, told_noise
from pellucid.look.white_balance import balanced
from pellucid.noise_map import propagated_map_of_linear
from pellucid.pattern_demosaic import colour_sites, demosaic_pattern, own_sites

CAMERA = Camera.of(
    torch.tensor([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]),
    torch.tensor([2.0, 1.0, 1.6]),
)
BLACK, WHITE = 4096, 60000
NOISE = Noise(1e-2, 1e-4)
PATTERNS = {"x-trans": X_TRANS, "quad": QUAD_BAYER, "grey": (), "linear": ()}
KINDS = tuple(PATTERNS)


def scene(height: int = 96, width: int = 120) -> Tensor:
    """Camera RGB with soft colours and some edges."""
    generator = torch.Generator().manual_seed(3)
    small = torch.rand(1, 3, 6, 8, generator=generator) * 0.6 + 0.1
    soft = F.interpolate(small, (height, width), mode="bicubic")[0]
    soft[:, height // 3 :, width // 2 :] *= 0.6
    return soft.clamp(0.02, 0.9) / CAMERA.white_balance[:, None, None]


def photograph() -> Tensor:
    """Camera RGB of the middle of the package's own picture."""
    picture = F.avg_pool2d(sample(), 2)[:, 40:296, 40:376]
    linear = apply_matrix(decode(picture, "rec709"), torch.inverse(CAMERA.cam_to_srgb))
    return unbalance(linear.clamp(0, 1), CAMERA.white_balance).clamp(0, 1)


def seen(kind: str, light: Tensor) -> Tensor:
    match kind:
        case "linear":
            return light
        case "grey":
            return light.mean(0, keepdim=True)
        case "bayer":
            return mosaic_of(light)
        case _:
            there = colour_sites(PATTERNS[kind], *light.shape[-2:])
            return (light * there).sum(0, keepdim=True)


def written(path: Path, kind: str, light: Tensor, noise: Noise | None, **said: object) -> Path:
    values = seen(kind, light)
    if noise is not None:
        spread = torch.randn(values.shape, generator=torch.Generator().manual_seed(1))
        values = values + spread * (noise.shot * values + noise.read).sqrt()
    sensor = (values * (WHITE - BLACK) + BLACK).round().clamp(0, 65535).permute(1, 2, 0)
    fields = DngFields(
        black=(float(BLACK),),
        white=WHITE,
        xyz_to_cam=tuple(map(tuple, CAMERA.xyz_to_cam.tolist())),
        as_shot_neutral=tuple((1 / CAMERA.white_balance.double()).tolist()),  # pyright: ignore
        noise=None if noise is None else noise_pairs(noise),
        pattern=PATTERNS.get(kind),
        **said,  # pyright: ignore[reportArgumentType]
    )
    integers = sensor.numpy().astype(np.uint16)
    write_dng(path, integers if kind == "linear" else integers[..., 0], fields)
    return path


def psnr(picture: Tensor, truth: Tensor) -> float:
    error = (picture.clamp(0, 1) - truth)[:, 8:-8, 8:-8].square().mean()
    return float(-10 * torch.log10(error))


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.load()


@pytest.mark.parametrize("kind", KINDS)
def test_restoring_gains_three_decibels(kind: str, tmp_path: Path, restorer: Restorer) -> None:
    light = scene()
    raw = read_raw(written(tmp_path / "x.dng", kind, light, NOISE))
    camera, pixels = (grey_camera(), seen(kind, light)) if kind == "grey" else (CAMERA, light)
    truth = render_linear(pixels, camera, Rendering(), ISPConfig())
    restored = restorer(raw)
    assert psnr(restored.srgb, truth) > psnr(develop(raw), truth) + 3
    assert restored.mosaic.shape == raw.light.shape
    assert any("restored" in remark for remark in raw.remarks)
    if kind == "grey":
        torch.testing.assert_close(restored.srgb[0], restored.srgb[2])
    write_picture(tmp_path / "x.png", restored.srgb, raw)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_come_back_at_odd_sizes_and_areas(kind: str, tmp_path: Path) -> None:
    light = scene(61, 75)
    raw = read_raw(written(tmp_path / "x.dng", kind, light, None))
    assert raw.linear is not None and raw.mosaic.shape == (1, 62, 76)
    wanted = light.mean(0, keepdim=True) if kind == "grey" else light
    found = raw.trim(raw.light)
    tolerance = 2e-5 if kind in ("grey", "linear") else 0.05
    assert (found - wanted)[:, 4:-4, 4:-4].abs().mean() < tolerance
    torch.testing.assert_close(raw.trim(develop(raw)), develop(raw)[:, :61, :75])


def test_a_grey_raw_has_no_white_balance(tmp_path: Path, restorer: Restorer) -> None:
    raw = read_raw(written(tmp_path / "x.dng", "grey", scene(), NOISE))
    tinted = replace(raw, camera=balanced(raw.camera, raw.mosaic, (2.0, 1.0, 1.5)))
    torch.testing.assert_close(develop(tinted), develop(raw), rtol=0, atol=0)
    torch.testing.assert_close(restorer(tinted).srgb, restorer(raw).srgb, rtol=0, atol=0)


def test_blind_noise_is_that_of_the_sites(tmp_path: Path) -> None:
    light = torch.full((3, 192, 240), 0.3)
    for kind in KINDS:
        raw = read_raw(written(tmp_path / "x.dng", kind, light, NOISE))
        found = settle_noise(RawImage(raw.mosaic, raw.camera, linear=raw.linear)).noise
        wanted = 0.3 * NOISE.shot + NOISE.read
        assert abs(float(0.3 * found.shot + found.read) / float(wanted) - 1) < 0.2, kind


def test_own_sites_are_some_of_the_sensors() -> None:
    values = torch.arange(12 * 12.0).reshape(1, 12, 12)
    for pattern in (X_TRANS, QUAD_BAYER):
        letters = colour_sites(pattern, 12, 12).float()
        planes = F.pixel_unshuffle(own_sites(values, pattern), 2)
        for plane, colour in zip(planes, (0, 1, 1, 2), strict=True):
            assert all(letters[colour].flatten()[int(site)] == 1 for site in plane.flatten())
        assert len(planes.flatten().unique()) == planes.numel()


@pytest.mark.parametrize("pattern", [X_TRANS, QUAD_BAYER])
def test_grey_stays_grey_in_other_patterns(pattern: tuple[str, ...]) -> None:
    grey = (torch.full((3, 24, 24), 0.4) / CAMERA.white_balance[:, None, None]).double()
    mosaic = (grey * colour_sites(pattern, 24, 24)).sum(0, keepdim=True)
    gains = CAMERA.white_balance.double()
    torch.testing.assert_close(demosaic_pattern(mosaic, pattern, gains), grey)


def test_opened_pixels_close_again() -> None:
    light = torch.rand(1, 3, 5, 7)
    mosaic = opened(light, Noise(1e-2, 1e-4), draws_of(light[0])[None])
    assert mosaic.shape == (1, 1, 10, 14) and mosaic.max() <= 1
    torch.testing.assert_close(closed(mosaic), light)
    assert torch.equal(draws_of(light[0]), draws_of(light[0] + 1))
    told = told_noise(Noise(1e-2, torch.tensor([[1e-4, 2e-4, 3e-4]])))
    assert told.shot.shape == told.read.shape == (1, 3)


@pytest.mark.parametrize("by_colour", [False, True])
def test_the_two_greens_of_a_pixel_have_twice_its_noise_each_and_share_none(by_colour) -> None:
    noise = Noise(1e-3, torch.tensor([[1e-6, 2e-4, 1e-6]])) if by_colour else Noise(1e-3, 2e-4)
    variance = 1e-3 * 0.3 + 2e-4
    light = torch.full((1, 3, 300, 300), 0.3)
    light[:, 1] += variance**0.5 * torch.randn(300, 300, generator=generator_of(1))
    _, first, second, _ = pack(opened(light, noise, draws_of(light[0])[None]))[0]
    assert first.var().item() == pytest.approx(2 * variance, rel=0.02)
    assert second.var().item() == pytest.approx(2 * variance, rel=0.02)
    shared = ((first - first.mean()) * (second - second.mean())).mean().item()
    assert abs(shared) < 0.02 * variance


@pytest.mark.parametrize("channels", [1, 3])
def test_propagated_noise_is_what_developing_makes_of_it(channels: int) -> None:
    light, noise = torch.full((channels, 96, 96), 0.2), Noise(2e-4, 1e-6)
    gain = torch.full_like(light, 1.5)
    noisy = (
        light
        + torch.randn(light.shape, generator=torch.Generator().manual_seed(0))
        * (noise.shot * light + noise.read).sqrt()
    )
    camera = CAMERA if channels == 3 else grey_camera()
    spread = render_linear(noisy * gain, camera, Rendering(), ISPConfig()).std((1, 2))
    told = propagated_map_of_linear(light, noise, camera, Rendering(), ISPConfig(), gain)
    torch.testing.assert_close(told.mean((1, 2)), spread, rtol=0.05, atol=0)


def test_eight_orientations_restore_to_one_picture(tmp_path: Path, restorer: Restorer) -> None:
    # As soft as a lens draws: finer detail is mended better or worse by where its sites lie.
    light = through_lens(photograph(), (0, 0, 0), (0, 0, 0), (0.9, 0.9, 0.9))
    noise = Noise(1e-3, 1e-5)
    truth = render_linear(light, CAMERA, Rendering(), ISPConfig())
    std = (noise.shot * light + noise.read).sqrt()

    def score(orientation: int, seed: int | None) -> float:
        draw = torch.zeros_like(light)
        if seed is not None:
            draw = torch.randn(light.shape, generator=torch.Generator().manual_seed(seed))
        stored = as_stored(light + draw * std, orientation)
        path = written(tmp_path / "x.dng", "bayer", stored, None, orientation=orientation)
        raw = read_raw(path)
        srgb = develop(raw) if seed is None else restorer(raw, noise).srgb
        write_picture(tmp_path / "x.png", srgb, raw)
        shown = read_picture(tmp_path / "x.png")
        assert shown.shape == truth.shape
        return psnr(shown, truth)

    # A turned sensor samples other noise, and other sites of the scene: developing it clean differs
    # by 0.06 dB.
    scores = [
        sum(score(turn, seed) for seed in range(8)) / 8 - score(turn, None) for turn in range(1, 9)
    ]
    assert max(scores) - min(scores) < 0.1, scores


def test_what_clips_is_undone_by_the_noise_of_the_sites_not_by_what_is_told(
    tmp_path: Path, restorer: Restorer
) -> None:
    noise = Noise(1e-2, 1e-4)
    light = (torch.full((3, 96, 96), 0.93) / CAMERA.white_balance[:, None, None]).clamp(max=1)
    std = (noise.shot * light + noise.read).sqrt()
    draw = torch.randn(light.shape, generator=torch.Generator().manual_seed(0))
    noisy = (light + draw * std).clamp(max=1)
    for kind in ("x-trans", "quad"):
        path = written(tmp_path / f"{kind}.dng", kind, noisy, None)
        restored = restorer(read_raw(path), noise).mosaic[:, 16:-16, 16:-16].mean((1, 2))
        wanted = light[:, 0, 0]
        torch.testing.assert_close(restored, wanted, rtol=0.02, atol=0)
