import json
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Callback

from pellucid import PellucidError, Restorer, read_picture
from pellucid.training import train
from pellucid.training_data import FromStep

TINY = {
    "seed_everything": 0,
    "model": {
        "network": {
            "raw": {"channels": 4, "widths": [4, 6]},
            "srgb": {"channels": 3, "shuffle": 2, "widths": [4, 6]},
        },
        "warmup_steps": 2,
    },
    "data": {"patch": 16, "batch_size": 2, "validation_samples": 2},
    "checkpoint_every": 2,
    "trainer": {
        "max_steps": 7,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
        "val_check_interval": 5,
        "check_val_every_n_epoch": None,
        "gradient_clip_val": 1.0,
        "log_every_n_steps": 1,
        "callbacks": [
            {
                "class_path": "lightning.pytorch.callbacks.EMAWeightAveraging",
                "init_args": {"decay": 0.9},
            }
        ],
    },
}


class Interrupt(Callback):
    """Pulls the plug after the third step, between two checkpoints."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 3:
            raise RuntimeError("plug pulled")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return Restorer.load(folder).net.state_dict()


def test_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, monkeypatch):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'whole'}"])
    interrupted = [f"--trainer.default_root_dir={tmp_path / 'cut'}"]
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.training.Export", Interrupt)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(recipe, interrupted)
    assert not (tmp_path / "cut" / "weights.safetensors").exists()
    train(recipe, interrupted)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert any(tensor.abs().sum() > 0 for name, tensor in whole.items() if "head" in name)


def test_a_worker_process_sees_the_same_samples(recipe, tmp_path):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'none'}", "--trainer.max_steps=2"])
    train(
        recipe,
        [
            f"--trainer.default_root_dir={tmp_path / 'one'}",
            "--trainer.max_steps=2",
            "--data.workers=1",
        ],
    )
    none, one = weights(tmp_path / "none"), weights(tmp_path / "one")
    assert all(torch.equal(none[name], one[name]) for name in none)


def test_ranks_share_the_samples_between_them():
    def numbers(rank: int) -> list[int]:
        sampler = iter(FromStep(lambda: 1, batch_size=2, rank=rank, ranks=2))
        return [next(sampler) for _ in range(4)]

    assert numbers(0) == [4, 5, 8, 9] and numbers(1) == [6, 7, 10, 11]


# Those of FiveK need its folder: tests/data/test_fivek.py.
GENERATED = sorted(p for p in Path("recipes").glob("*.yaml") if not p.name.startswith("fivek"))


@pytest.mark.parametrize("recipe_path", GENERATED, ids=lambda p: p.name)
def test_every_recipe_can_take_a_step(recipe_path, tmp_path):
    train(
        recipe_path,
        [
            f"--trainer.default_root_dir={tmp_path}",
            "--trainer.max_steps=1",
            "--trainer.accelerator=cpu",
            "--trainer.enable_progress_bar=false",
            "--data.patch=32",
            "--data.batch_size=2",
        ],
    )
    assert (tmp_path / "weights.safetensors").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["--data.pach=3"], "unknown option data.pach; the nearest one is data.patch"),
        (["--model.network.raw.widhts=[3]"], "unknown option widhts; the nearest one is widths"),
        (["--trainer.max_stepps=3"], "trainer.max_stepps; the nearest one is trainer.max_steps"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest(recipe, words, nearest):
    with pytest.raises(PellucidError, match=nearest):
        train(recipe, words)


def test_an_unknown_key_in_a_recipe_is_answered_with_the_nearest(tmp_path):
    path = tmp_path / "typo.yaml"
    path.write_text(yaml.safe_dump({**TINY, "data": {"bach_size": 3}}))
    with pytest.raises(PellucidError, match="bach_size; the nearest one is data.batch_size"):
        train(path, [])


def test_the_run_folder_holds_what_it_takes_to_repeat_the_run(recipe, tmp_path):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'run'}"])
    folder = tmp_path / "run"
    (facts,) = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    assert facts["first_step"] == 0 and facts["torch"] == torch.__version__
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed_everything"] == 0
    assert "val/psnr" in (folder / "log" / "version_0" / "metrics.csv").read_text()
    assert list((folder / "tensorboard").rglob("events.out*"))
    assert read_picture(folder / "samples" / "0000005.png").shape == (3, 48, 32)


def test_a_logger_of_the_recipes_own_is_kept(recipe, tmp_path):
    train(
        recipe,
        [
            f"--trainer.default_root_dir={tmp_path / 'run'}",
            "--trainer.max_steps=1",
            "--trainer.logger=false",
        ],
    )
    assert not (tmp_path / "run" / "log").exists()
