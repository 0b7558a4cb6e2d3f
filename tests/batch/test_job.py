"""One file of a batch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid import Restorer, read_picture
from pellucid.batch import Settings, read_photo, restore_photo
from pellucid.io import DngFields, write_dng


def restored(path: Path, fields: DngFields, restorer: Restorer) -> torch.Tensor:
    sensor = np.random.default_rng(0).integers(500, 16000, (32, 48), dtype=np.uint16)
    write_dng(path, sensor, fields)
    restore_photo(read_photo(path), path.with_suffix(".tif"), restorer, Settings(), lambda _: None)
    return read_picture(path.with_suffix(".tif"))


def test_a_noise_profile_of_three_colours_restores_as_one_of_all(tmp_path: Path) -> None:
    restorer = Settings().load()
    one = restored(tmp_path / "one.dng", DngFields(noise=((1e-3, 1e-6),)), restorer)
    three = restored(tmp_path / "three.dng", DngFields(noise=((1e-3, 1e-6),) * 3), restorer)
    assert torch.equal(one, three)


def test_a_reference_is_told_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "\udcff.jpg").write_bytes(b"look")
    settings = Settings(reference=str(tmp_path / "\udcff.jpg"))
    before = settings.decisive("a")
    (tmp_path / "\udcff.jpg").write_bytes(b"LOOK")
    assert settings.decisive("a") != before


def test_all_that_changes_a_result_is_decisive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    settings = Settings()
    said = [settings.decisive("a"), settings.decisive("b")]
    changes = {"noise": "1e-3,0", "exposure": 1.0, "tone": 0.5, "ending": ".jpg", "bits": 16}
    changes["profile"] = "rec2020"
    said += [replace(settings, **{key: value}).decisive("a") for key, value in changes.items()]  # pyright: ignore
    (tmp_path / "pellucid").mkdir()
    (tmp_path / "pellucid" / "camera.json").write_text("{}")
    said.append(settings.decisive("a"))
    database = tmp_path / "noiseprofiles.json"
    database.write_text("{}")
    monkeypatch.setattr("pellucid.calibration.known_noise.DATABASES", [database])
    said.append(settings.decisive("a"))
    assert all(a != b for number, a in enumerate(said) for b in said[:number])
    elsewhere = replace(settings, model="elsewhere.safetensors", device="cuda")
    assert elsewhere.decisive("a") == settings.decisive("a")
