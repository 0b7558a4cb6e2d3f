"""Mixtures in recipes: packed photographs, raws and dead leaves, in this process or in workers."""

from pathlib import Path

import pytest
import torch
import yaml

from pellucid import Restorer
from pellucid.data import (
    DeadLeaves,
    PhotoFolder,
    PhotoStore,
    RawFolder,
    RawSynthesis,
    SyntheticRaw,
    WeightedSource,
)
from pellucid.data.packing import PackOptions, pack
from pellucid.errors import PellucidError
from pellucid.training.data import RawData
from pellucid.training.run import train

RECIPE = {
    "seed_everything": 0,
    "model": {
        "network": {
            "raw": {"widths": [4, 6]},
            "srgb": {"shuffle": 2, "widths": [4, 6]},
        },
        "schedule": {"warmup_steps": 1},
    },
    "data": {"patch": 16, "batch_size": 2, "validation_samples": 2},
    "trainer": {
        "max_steps": 2,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
        "val_check_interval": 2,
        "check_val_every_n_epoch": None,
    },
}


def source(name: str, weight: float, **arguments: object) -> dict[str, object]:
    """A source as a recipe has it."""
    return {
        "source": {"class_path": f"pellucid.data.{name}", "init_args": arguments},
        "weight": weight,
    }


@pytest.fixture
def run(tmp_path):
    """Trains two steps on some data and gives the weights."""

    def trained(name: str, **data: object) -> dict[str, torch.Tensor]:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**RECIPE, "data": {**RECIPE["data"], **data}}))
        train(path, [f"--trainer.default_root_dir={tmp_path / name}"])
        return Restorer.load(tmp_path / name).net.state_dict()

    return trained


def test_pack_then_train_and_workers_see_the_same(photos, raws, tmp_path, run):
    for folder in (photos, raws):
        for _ in pack(folder, tmp_path / f"{folder.name}.store", PackOptions(), pytest.fail):
            pass
    sources = [
        source("PhotoStore", 0.5, store=str(tmp_path / "photos.store")),
        source("RawStore", 0.3, store=str(tmp_path / "raws.store")),
        source("DeadLeaves", 0.2),
    ]
    none, one = run("none", sources=sources), run("one", sources=sources, workers=1)
    assert all(torch.equal(none[name], one[name]) for name in none)


def test_a_folder_its_store_and_the_mixture_they_stand_for_are_one(photos, tmp_path):
    for _ in pack(photos, tmp_path / "store", PackOptions(), pytest.fail):
        pass
    folder, store = (RawData(each, ("b.jpg",), patch=32) for each in (photos, tmp_path / "store"))
    photographs = PhotoFolder(photos, ("b.jpg",))
    plain = SyntheticRaw([photographs, DeadLeaves()], [1 - 0.15, 0.15], RawSynthesis(), 32, 3)
    for data in (folder, store):
        data.setup("fit")
        for n in range(12):
            assert torch.equal(data.samples(3)[n].noisy, plain[n].noisy)


def test_watching_may_have_its_own_sources(raws, run):
    training = [source("DeadLeaves", 1.0)]
    assert run("watch", sources=training, validation=[source("RawFolder", 1.0, folder=str(raws))])


def test_a_mixture_that_makes_no_sense_is_refused(photos, tmp_path, run):
    with pytest.raises(PellucidError, match="both photos and sources; expected one of them"):
        run("both", photos=str(photos), sources=[source("DeadLeaves", 1.0)])
    with pytest.raises(PellucidError, match=f"^{tmp_path / 'missing'}: no such folder"):
        run("missing", sources=[source("PhotoFolder", 1.0, folder=str(tmp_path / "missing"))])
    with pytest.raises(PellucidError, match="expected 0 or more"):
        run("negative", sources=[source("DeadLeaves", -1.0)])
    assert not (tmp_path / "missing").exists()


def test_a_photograph_too_small_ends_no_training_in_its_middle(photos, tmp_path, run):
    with pytest.raises(PellucidError, match=r"^b.jpg has 65x100 pixels; expected 66 or more"):
        run("small", photos=str(photos), patch=66)
    assert not (tmp_path / "small").exists()


def test_the_licences_of_all_sources_are_one_list(photos, raws, tmp_path):
    for _ in pack(photos, tmp_path / "store", PackOptions(licence="CC0-1.0"), pytest.fail):
        pass
    (raws / "LICENSES.json").write_text('{"*": "CC0-1.0", "y.dng": "CC-BY-4.0"}')
    sources = [PhotoStore(tmp_path / "store"), RawFolder(raws), DeadLeaves(), PhotoFolder(photos)]
    assert RawData(sources=tuple(WeightedSource(s) for s in sources)).licences() == {
        "CC-BY-4.0": ["y.dng"],
        "CC0-1.0": ["a.png", "b.jpg", "c.png", "x.dng", "z.dng"],
        "not stated": ["a.png", "b.jpg", "c.png"],
    }


def test_the_pages_source_of_ones_own_is_one(tmp_path, monkeypatch, run):
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    code = next(part for part in page.split("```python\n") if "class Noise" in part)
    (tmp_path / "own_source.py").write_text(code.partition("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    assert run("own", sources=[{"source": {"class_path": "own_source.Noise"}}])
