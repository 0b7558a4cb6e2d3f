import shutil
from pathlib import Path

import pytest
import torch
import yaml

from pellucid import FileError, Restorer
from pellucid.data import FiveK
from pellucid.data.fivek import fivek_names, present
from pellucid.data.packing import PackOptions, pack
from pellucid.data.synthesis import generator_of
from pellucid.training.run import train

RECIPE = Path(__file__).parents[2] / "recipes" / "fivek_dualdn.yaml"
SMALL = {"widths": [4, 6]}, {"shuffle": 2, "widths": [4, 6]}


def options(folder: Path) -> list[str]:
    """What makes a recipe small, as options."""
    raw, srgb = SMALL
    return [
        f"--model.network.raw={raw}",
        f"--model.network.srgb={srgb}",
        "--data.patch=32",
        "--data.validation_samples=2",
        "--trainer.accelerator=cpu",
        "--trainer.log_every_n_steps=1",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        f"--trainer.default_root_dir={folder}",
    ]


def test_lists_are_read_and_invalid_raws_left_out(fivek):
    names = present(fivek)
    assert [len(fivek_names(fivek, s, names)) for s in ("train", "val", "all")] == [4, 2, 6]
    train_list = fivek / "list_file" / "train_list.txt"
    train_list.write_bytes(b"\xef\xbb\xbfRaw/a0002-test_2.dng\r\n\r\na0001-test_1.dng\r\n")
    assert fivek_names(fivek, "train", names) == ["a0001-test_1.dng", "a0002-test_2.dng"]


def test_a_listed_raw_that_is_missing_is_named(fivek, tmp_path):
    (fivek / "Raw" / "a0002-test_2.dng").unlink()
    with pytest.raises(FileError, match="fivek: lacks a0002-test_2.dng; expected every file"):
        FiveK(fivek)
    with pytest.raises(FileError, match="is not laid out like FiveK"):
        FiveK(tmp_path)
    (fivek / "list_file" / "train_list.txt").unlink()
    with pytest.raises(FileError, match="train_list.txt: cannot be read"):
        FiveK(fivek)


def test_the_packed_layout_gives_the_same_patches(fivek, tmp_path):
    errors: list[FileError] = []
    *_, done = pack(fivek, tmp_path / "store", PackOptions(), errors.append)
    assert errors == [] and done.whole == 6 and done.packing.kind == "raws"
    decoded, stored = FiveK(fivek, "val"), FiveK(fivek, "val", tmp_path / "store")
    assert decoded.names == stored.names == ["a0005-test_5.dng", "a0006-test_6.dng"]
    for n in range(5):
        first, second = (source.patch(32, generator_of(n)) for source in (decoded, stored))
        assert torch.equal(first.mosaic, second.mosaic)
        assert torch.equal(first.camera.cam_to_srgb, second.camera.cam_to_srgb)
    shutil.rmtree(fivek / "Raw")  # lists and store are enough
    assert len(FiveK(fivek, "all", tmp_path / "store").names) == 6
    (fivek / "list_file" / "val_list.txt").write_text("a0009.dng")
    with pytest.raises(FileError, match="fivek: lacks a0009.dng"):
        FiveK(fivek, "val", tmp_path / "store")


def test_one_epoch_of_the_recipe(fivek, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    batches = len(fivek_names(fivek, "train", present(fivek))) // 2
    epoch = ["--trainer.max_epochs=1", f"--trainer.limit_train_batches={batches}"]
    watched = ["--trainer.check_val_every_n_epoch=1"]
    train(RECIPE, [*options(tmp_path / "run"), *epoch, *watched])
    assert Restorer.load(tmp_path / "run").net.raw_net is not None
    metrics = [p.read_text() for p in (tmp_path / "run").rglob("metrics.csv")]
    assert any("val/psnr" in text for text in metrics)


def test_the_recipe_is_the_published_protocol():
    data = yaml.safe_load(RECIPE.read_text())["data"]
    assert data["patch"] == 256 and data["batch_size"] == 2
    assert data["synthesis"]["law"]["init_args"]["shot"] == [2e-4, 2e-2]
    assert [data[key][0]["source"]["init_args"]["split"] for key in ("sources", "validation")] == [
        "train",
        "val",
    ]
