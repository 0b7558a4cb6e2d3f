"""Metrics are those of the published programs, faults included where they are asked for."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.metrics import MEASURES, Protocol, measures_of, psnr
from pellucid.metrics.noiseda import wrapped
from pellucid.metrics.similarity import ssim

FOLDER = Path(__file__).parent / "golden" / "metrics"
VALUES = json.loads((FOLDER / "values.json").read_text())
DUALDN, NOISEDA = VALUES["dualdn"], VALUES["noiseda"]


@pytest.fixture(scope="module")
def pairs():
    with np.load(FOLDER / "pairs.npz") as held:
        return {name: torch.from_numpy(held[name]) for name in held}


@pytest.mark.parametrize(
    ("measure", "border", "key"),
    [
        ("psnr", 0, "psnr"),
        ("psnr", 4, "psnr_crop4"),
        ("psnr_y", 0, "psnr_y"),
        ("ssim", 0, "ssim"),
        ("ssim_y", 0, "ssim_y"),
    ],
)
def test_dualdn(pairs, measure, border, key):
    output, truth = (pairs[f"dualdn_{name}"] / 255 for name in ("output", "truth"))
    compared = Protocol(border=border).compared(output, truth)
    assert MEASURES[measure].of(compared) == pytest.approx(DUALDN[key], abs=1e-3)


def test_dualdn_takes_dark_bytes_for_a_range_of_one():
    dark, black = torch.ones(3, 8, 8), torch.cat((torch.zeros(3, 4, 8), torch.ones(3, 4, 8)), 1)
    quirk = next(value for name, value in DUALDN.items() if name.startswith("psnr quirk"))
    assert psnr(dark, black, peak=1) == pytest.approx(quirk, abs=1e-3)
    assert psnr(dark, black, peak=255) == pytest.approx(51.14, abs=1e-2)


@pytest.mark.parametrize("kind", ["clamped", "unclamped"])
def test_noise_da(pairs, kind):
    output, truth = pairs["noiseda_output"], pairs["noiseda_truth"]
    output = output.clamp(0, 1) if kind == "clamped" else output
    compared = Protocol(window="uniform").compared(output, truth)
    for measure, key in (
        ("psnr", f"psnr norm0 {kind}"),
        ("ssim", f"ssim norm0 {kind}"),
        ("psnr_y", f"psnr_y (inputs in [-1,1]) {kind}"),
        ("ssim_y", f"ssim_y (inputs in [-1,1]) {kind}"),
    ):
        faulty = MEASURES[f"{measure}_noiseda"].of(compared)
        assert faulty == pytest.approx(NOISEDA[key], abs=1e-3)
    right = {name: MEASURES[name].of(compared) for name in ("psnr", "ssim")}
    assert right["psnr"] == pytest.approx(NOISEDA["psnr rounded-uint8 (for comparison)"], abs=1e-3)
    assert right["ssim"] == pytest.approx(NOISEDA["ssim rounded-uint8"], abs=1e-3)
    bare = Protocol(rounded=False).compared(output.clamp(0, 1), truth)
    assert MEASURES["psnr"].of(bare) == pytest.approx(
        NOISEDA["psnr float (for comparison)"], abs=1e-3
    )


def test_the_right_number_stands_beside_the_faulty_one(pairs):
    names = [one.name for one in measures_of(["psnr_noiseda"])]
    assert names == ["psnr", "psnr_noiseda"]
    compared = Protocol().compared(pairs["noiseda_output"], pairs["noiseda_truth"])
    right, faulty = (one.of(compared) for one in measures_of(["psnr_noiseda"]))
    assert f"{right:.2f}" == "26.13" and f"{faulty:.2f}" == "15.97"


def test_bytes_wrap_as_they_did():
    for value, byte in NOISEDA["uint8 wrap examples"].items():
        got = wrapped(torch.tensor([float(value)], dtype=torch.float64) / 255)
        assert got.item() * 255 == pytest.approx(byte)


def test_programs_differ_in_ssim_more_than_models_do(pairs):
    """The figures of docs/evaluate.md."""
    one, other = (
        wrapped(pairs[f"noiseda_{name}"].clamp(0, 1)).float() for name in ("output", "truth")
    )
    windows = ("gaussian", "uniform", "mirrored", "volume")
    found = {window: f"{ssim(one, other, window):.3f}" for window in windows}
    assert found == {
        "gaussian": "0.757",
        "uniform": "0.766",
        "mirrored": "0.734",
        "volume": "0.865",
    }
