import json
import re
import sys

import classical
import numpy as np
import pytest
import robustness
import torch
from PIL import Image

from pellucid import Rendering, render
from pellucid.bayer import pack, unpack
from pellucid.benchmarks.synthetic import evaluate, isp_alone, law_noise, scene
from pellucid.errors import FileError, PellucidError
from pellucid.noise import add_noise
from pellucid.noise_map import propagated_map
from pellucid.raw import RawImage

LEVELS = [(2e-4, 1.35e-9), (2e-3, 4.7e-7), (2e-2, 1.6e-4), (1e-4, 8e-7), (1e-5, 8e-7)]


@pytest.fixture
def photos(tmp_path):
    folder, stream = tmp_path / "photos", np.random.RandomState(0)
    folder.mkdir()
    for i in range(2):
        smooth = Image.fromarray(stream.randint(0, 256, (5, 5, 3), dtype=np.uint8))
        smooth.resize((64, 64), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def draws(x, shot, read, n=200_000):
    stream = np.random.RandomState(1)
    return stream.poisson(x / shot, n) * shot + stream.normal(0, read**0.5, n)


def noop(planes, noise):
    return planes


def blurred(planes, noise):
    """A stand-in for BM3D that needs no bm3d."""
    assert len(noise) == len(planes) and np.all(noise > 0)
    weights = torch.ones(len(planes), 1, 3, 3, dtype=torch.float64) / 9
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    return torch.conv2d(torch.from_numpy(padded), weights, groups=len(planes)).numpy()


@pytest.mark.parametrize(("shot", "read"), LEVELS)
@pytest.mark.parametrize("x", [0.02, 0.1, 0.5, 0.9])
def test_stabilised_noise_has_variance_one_and_the_inverse_is_unbiased(shot, read, x):
    values = classical.stabilise(draws(x, shot, read), shot, read)
    if x / shot >= 4:
        assert values.var() == pytest.approx(1, abs=0.05)
    mean = classical.unstabilise(values.mean(), shot, read)
    standard_error = ((shot * x + read) / 200_000) ** 0.5
    assert mean == pytest.approx(x, abs=0.01 * x + 3 * standard_error)


def test_the_inverse_of_a_stabilised_mean_is_the_signal_without_chance():
    """Up to the table's end and across it, for few electrons and much read noise too."""
    electrons = np.array([0.3, 1, 5, 20, 59, 61, 90])
    for sigma in (0, 0.6, 3):
        d = classical.stabilised_means(electrons, sigma)
        back = classical.unstabilise(d, 0.01, (0.01 * sigma) ** 2) / 0.01
        np.testing.assert_allclose(back, electrons, rtol=2e-3, atol=3e-3)


def test_the_inverse_is_monotonic_and_never_below_black():
    d = np.linspace(-5, 200, 2000)
    for shot, read in LEVELS:
        x = classical.unstabilise(d, shot, read)
        assert x.min() >= 0 and np.all(np.diff(x) >= -1e-12)


def test_transforms_are_orthonormal_and_the_strongest_component_is_first():
    stream = np.random.RandomState(0)
    common = stream.normal(size=(1, 32, 32))
    planes = np.array([1, 2, 2, 1])[:, None, None] * common + 0.3 * stream.normal(size=(4, 32, 32))
    basis = classical.principal_basis(planes)
    np.testing.assert_allclose(basis @ basis.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(classical.OPPONENT @ classical.OPPONENT.T, np.eye(3), atol=1e-12)
    mixed = np.cov(np.tensordot(basis, planes, 1).reshape(4, -1))
    assert np.all(np.diff(np.diag(mixed)) < 0)
    np.testing.assert_allclose(mixed, np.diag(np.diag(mixed)), atol=1e-9)


def test_without_denoising_each_pipeline_is_the_isp(photos):
    """But for the GAT's inverse, which gives the mean of noise and so shifts a single value."""
    raw = scene(photos / "0.png", 0, law_noise(2e-4)).raw
    rendering = Rendering(1.0, 0.5)
    by_ahd = render(raw.mosaic, raw.camera, rendering, classical.AHD)
    models = classical.classical_models(noop, ahd=True)
    assert [name for name in models if "ahd" in name] == ["gat_bm3d_decorrelated_ahd", "cbm3d_ahd"]
    for name, model in models.items():
        alone = by_ahd if "ahd" in name else isp_alone(raw, rendering)
        assert (model(raw, rendering) - alone).abs().mean() < 2e-3


def test_the_spectra_hold_the_propagated_variance():
    """Parseval: the mean of a spectrum over the pixels is the variance there."""
    photo = torch.full((1, 64, 64), 0.3)
    one = scene_of(photo, law_noise(2e-3))
    rendering = Rendering(1.0, 0.5)
    got = classical.noise_spectra(one, rendering).sum(0).mean() / 64**2
    levels = unpack(pack(photo))
    want = propagated_map(levels, one.noise, one.camera, rendering, classical.ISP)
    assert got == pytest.approx(want.square().sum(0).mean().item(), rel=0.1)


def scene_of(clean, noise):
    camera = scene_camera()
    noisy = add_noise(clean, noise, generator=torch.Generator().manual_seed(0))
    return RawImage(noisy, camera, noise)


def scene_camera():
    from pellucid import Camera
    from pellucid.data.cameras import XYZ_TO_CAM

    return Camera.of(torch.tensor(next(iter(XYZ_TO_CAM.values()))), torch.tensor([2.0, 1, 1.5]))


def test_rows_are_those_of_evaluate_and_a_run_goes_on(photos, tmp_path, monkeypatch, capsys):
    calls = []

    def counted(planes, noise):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return blurred(planes, noise)

    def run(limit="2"):
        arguments = ["classical.py", "--photos", str(photos), "--noise-levels", "0.002"]
        arguments += ["--limit", limit, "--json", str(tmp_path / "rows.json")]
        monkeypatch.setattr(sys, "argv", arguments)
        classical.main()

    monkeypatch.setattr(classical, "bm3d_filter", lambda: counted)
    monkeypatch.setattr(classical, "judged", lambda name: isp_alone)
    monkeypatch.setattr(classical, "fingerprint", lambda name: weights)
    weights, stop = "one", 25
    with pytest.raises(KeyboardInterrupt):
        run()
    written = json.loads((tmp_path / "rows.json").read_text())
    assert 0 < len(written["rows"]) < 15
    before, stop = len(calls), None
    run()
    report = json.loads((tmp_path / "rows.json").read_text())
    assert report["rows"][: len(written["rows"])] == written["rows"]
    names = ["input", "default", "gat_bm3d", "gat_bm3d_decorrelated", "cbm3d"]
    assert [row["model"] for row in report["rows"]] == names * 3
    assert [row["noise_level"] for row in report["rows"][::5]] == [0.002, 1e-5, 1e-4]
    reference = next(iter(evaluate({"input": isp_alone}, photos, [0.002], [0.5], 2)))
    assert set(report["rows"][0]) == set(vars(reference))
    assert report["rows"][0]["psnr"] == reference.psnr
    # Each of three cells needs 8 + 2 + 2 calls for two pictures; finished rows need none again.
    said = capsys.readouterr().out
    assert len(calls) - before < 3 * 12
    assert "to the clean mosaic, developed: " in said and "to the scene: " in said

    weights, before = "other", len(calls)
    run()
    assert len(calls) == before  # only the default's rows are made again
    assert len(json.loads((tmp_path / "rows.json").read_text())["rows"]) == 15
    with pytest.raises(FileError, match="was made with limit 2; expected 1, or another name"):
        run(limit="1")


def test_a_missing_bm3d_is_told(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    arguments = ["classical.py", "--photos", str(photos), "--json", str(tmp_path / "rows.json")]
    monkeypatch.setattr(sys, "argv", arguments)
    missing = re.escape("bm3d is not installed; expected pip install 'pellucid[bench]'")
    with pytest.raises(PellucidError, match=f"^{missing}$"):
        classical.main()


def test_bm3d_removes_white_and_coloured_noise():
    pytest.importorskip("bm3d", reason="non-commercial, so only with the extra `bench`")
    remove_noise = classical.bm3d_filter()
    stream = np.random.RandomState(0)
    clean = np.sin(np.mgrid[:48, :48].sum(0) / 6)[None].repeat(4, 0) * 30
    noise = stream.normal(size=clean.shape)
    white = remove_noise(clean + noise, np.ones(4))
    assert (white - clean).std() < 0.4
    power = np.broadcast_to(np.fft.fft2([[1, 1], [1, 1]], clean.shape[1:]), clean.shape)
    coloured = np.fft.ifft2(np.fft.fft2(noise) * power / 2).real
    spectra = np.abs(power / 2) ** 2 * 48**2
    told_truth = remove_noise(clean + coloured, spectra)
    told_white = remove_noise(clean + coloured, np.ones(4))
    assert (told_truth - clean).std() < 0.7 * (told_white - clean).std()


def test_robustness_tells_the_restorer_what_it_says(photos):
    raw = scene(photos / "0.png", 0, law_noise(2e-3)).raw
    shot = {name: float(told(raw).shot) for name, told in robustness.TOLD.items()}
    assert [shot["true"], shot["half"], shot["double"]] == pytest.approx([2e-3, 1e-3, 4e-3])
    read = float(robustness.TOLD["double"](raw).read)
    assert read == pytest.approx(2 * float(raw.noise.read))
    assert shot["blind"] == pytest.approx(2e-3, rel=0.5)


def test_robustness_counts_what_is_lost(photos):
    models = {name: isp_alone for name in robustness.TOLD}
    models["blind"] = lambda raw, rendering: render(0.9 * raw.mosaic, raw.camera, rendering)
    rows = list(evaluate(models, photos, [0.002], [0.5]))
    for measure in robustness.MEASURES:
        lost = robustness.losses(rows, measure)
        assert lost["half"] == lost["double"] == [0, 0, 0] and min(lost["blind"]) > 0
    assert any("blind" in line and "missed" in line for line in robustness.summary(rows))
