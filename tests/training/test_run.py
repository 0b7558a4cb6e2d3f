from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Callback

from pellucid import FileError, PellucidError, Restorer
from pellucid.cli import main
from pellucid.training.data import FromStep
from pellucid.training.run import train
from pellucid.training.run_folder import sittings


class Interrupt(Callback):
    """Pulls the plug after the third step, between two checkpoints."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 3:
            raise RuntimeError("plug pulled")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return Restorer.load(folder).net.state_dict()


def test_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, monkeypatch):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'whole'}"])
    interrupted = [f"--trainer.default_root_dir={tmp_path / 'cut'}"]
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.training.run.Export", Interrupt)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(recipe, interrupted)
    assert not (tmp_path / "cut" / "weights.safetensors").exists()
    train(recipe, interrupted)
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert any(tensor.abs().sum() > 0 for name, tensor in whole.items() if "head" in name)


def test_ranks_share_the_samples_between_them():
    def numbers(rank: int) -> list[int]:
        sampler = iter(FromStep(lambda: 1, batch_size=2, rank=rank, ranks=2))
        return [next(sampler) for _ in range(4)]

    assert numbers(0) == [4, 5, 8, 9] and numbers(1) == [6, 7, 10, 11]


LAWS, LEAVES = "pellucid.noise_laws", "pellucid.data.DeadLeaves"


def generates(recipe: Path) -> bool:
    """Whether a recipe needs no files; for others see test_fivek, test_picture_training."""
    text = recipe.read_text()
    return "FiveK" not in text and "\ntraining:" not in text


GENERATED = sorted(filter(generates, Path("recipes").glob("*.yaml")))


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
        (["--data.patc=3"], "unknown option data.patc; the nearest one is data.patch$"),
        (
            ["--model.network.raw.widhts=[3]"],
            "model.network.raw.widhts of unet; the nearest one is model.network.raw.widths$",
        ),
        (["--trainer.max_stepps=3"], "trainer.max_stepps; the nearest one is trainer.max_steps"),
        (["--optimizer=SGD"], "unknown option optimizer; the nearest one is model.optimizer$"),
        (["--lr_scheduler=StepLR"], "lr_scheduler; the nearest one is model.schedule"),
        (
            ["--trainer.callbacks=[{class_path: EMAWeightAveraging, init_args: {decy: 1}}]"],
            "decay$",
        ),
        (
            [f"--data.synthesis={{law: {{class_path: {LAWS}.BoxLaw, init_args: {{shoot: 1}}}}}}"],
            "shot$",
        ),
        ([f"--data.synthesis.law={LAWS}.CamraLaw"], f"the nearest one is {LAWS}.CameraLaw$"),
        ([f"--data.sources=[{{source: {LEAVES}, wight: 1}}]"], "unknown option wight; .* weight$"),
        ([f"--data.sources=[{{source: {LEAVES}ves}}]"], f"the nearest one is {LEAVES}$"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest(recipe, words, nearest):
    with pytest.raises(PellucidError, match=nearest):
        train(recipe, words)


def test_an_unknown_key_in_a_recipe_is_answered_with_the_nearest(tmp_path):
    path = tmp_path / "typo.yaml"
    path.write_text(yaml.safe_dump({"data": {"bach_size": 3}}))
    with pytest.raises(PellucidError, match="bach_size; the nearest one is data.batch_size"):
        train(path, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing; expected entries such as model: {}"),
        ("- a", r"holds \['a'\]; expected entries"),
        ("model: [", "cannot be read .*; expected a recipe in YAML"),
        ("model: \x80", "cannot be read .*utf-8.*; expected a recipe in YAML"),
        ("model: 3", "model is 3; expected entries such as model: {}"),
        ("data:", "data is None; expected entries such as data: {}"),
        (
            "{seed_everything: 0, trainer: {max_steps: 1, devices: '[a]'}}",
            ".devices. .* should be an int",
        ),
    ],
)
def test_what_is_no_recipe_is_answered_in_one_line(tmp_path, text, said):
    path = tmp_path / "some.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FileError, match=f"^{path}: {said}") as error:
        train(path, [f"--trainer.default_root_dir={tmp_path / 'run'}", "--trainer.accelerator=cpu"])
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("modle: {optimizer: muon}", "modle.optimizer; the nearest one is model.optimizer$"),
        ("model: {netwrk: {raw: {widths: [4]}}}", "the nearest one is model.network.raw.widths$"),
    ],
)
def test_a_slip_in_the_name_of_a_section_is_answered_with_the_nearest(tmp_path, text, nearest):
    path = tmp_path / "typo.yaml"
    path.write_text(text)
    with pytest.raises(PellucidError, match=nearest):
        train(path, [])


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


@pytest.mark.parametrize(
    ("logger", "package"), [("WandbLogger", "wandb"), ("MLFlowLogger", "mlflow")]
)
def test_a_logger_that_is_not_installed_is_asked_for_in_one_line(
    recipe, tmp_path, capsys, logger, package
):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    arguments = ["train", str(recipe), f"--trainer.default_root_dir={tmp_path / 'run'}"]
    arguments += [f"--trainer.logger.class_path=lightning.pytorch.loggers.{logger}"]
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    *_, line = capsys.readouterr().err.splitlines()
    words = f"pellucid: {recipe}: {package} is not installed; expected pip install -U '{package}>="
    assert stopped.value.code == 2 and line.startswith(words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trainer.precision=fp7"], "^trainer.precision is fp7; expected .*bf16-mixed"),
        (["--trainer.gradient_clip_val=much"], "_val is much; expected float, int, NoneType$"),
        (["--data.synthesis.law=nowhere.Law"], "^nowhere.Law: No module named 'nowhere'$"),
        (["--data.synthesis.law=pathlib.Path"], "a class is no NoiseLaw; expected its method"),
        (["--data.sources=[{source: pellucid.data.PhotoStore}]"], "PhotoStore: .*: store$"),
    ],
)
def test_a_complaint_does_not_tell_every_type_that_was_tried(recipe, words, said):
    with pytest.raises(PellucidError, match=said) as error:
        train(recipe, words)
    assert "Union" not in str(error.value) and "\n" not in str(error.value)


def test_a_run_without_an_end_is_refused(recipe, tmp_path):
    endless = ["--trainer.max_steps=-1", f"--trainer.default_root_dir={tmp_path / 'run'}"]
    with pytest.raises(PellucidError, match="got no trainer.max_steps; expected --trainer.max"):
        train(recipe, endless)
    assert not (tmp_path / "run").exists()
    train(recipe, [*endless, "--trainer.max_epochs=2", "--trainer.limit_train_batches=3"])
    (sitting,) = sittings(tmp_path / "run")
    assert sitting["last_step"] == 6
