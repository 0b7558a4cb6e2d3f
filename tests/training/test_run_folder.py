import json
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from safetensors import safe_open

from pellucid import Noise, PellucidError, Restorer, read_picture
from pellucid.training.run import train
from pellucid.training.run_folder import sittings


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs under two licences."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png", "held-out.png"):
        Image.effect_noise((90, 70), 40).convert("RGB").save(folder / name)
    licences = {"b.png": "CC-BY-4.0, Jane Roe", "*": "CC0-1.0"}
    (folder / "LICENSES.json").write_text(json.dumps(licences))
    return folder


def test_the_run_folder_holds_what_it_takes_to_repeat_the_run(recipe, tmp_path, logged):
    folder = tmp_path / "run"
    train(recipe, [f"--trainer.default_root_dir={folder}"])
    (facts,) = sittings(folder)
    assert facts["first_step"] == 0 and facts["torch"] == torch.__version__
    assert facts["command"] == f"pellucid train {recipe} --trainer.default_root_dir={folder}"
    assert yaml.safe_load((folder / "config.yaml").read_text())["seed_everything"] == 0
    assert list(logged(folder, "val/psnr")) == [4] and list(logged(folder)) == list(range(7))
    assert list((folder / "tensorboard").rglob("events.out*"))
    assert read_picture(folder / "samples" / "0000005.png").shape == (3, 48, 32)


def test_the_card_and_the_weights_say_where_they_come_from(recipe, tmp_path, photos):
    folder = tmp_path / "run"
    words = [f"--trainer.default_root_dir={folder}", f"--data.photos={photos}", "--data.seed=5"]
    train(recipe, [*words, "--data.leave_out=[held-out.png]"])
    called = f"pellucid train {recipe} {' '.join(words)} '--data.leave_out=[held-out.png]'"
    card = (folder / "card.md").read_text()
    for line in (
        "# Model card: `run`",
        f"| command | `{called}`, its configuration in `config.yaml` |",
        "| data | 85% PhotoFolder of 3 files, 15% DeadLeaves |",
        "| seed | 5 of the samples, 0 of the first weights |",
        "| size | 7 steps of 2 patches of 16x16 |",
        "- CC-BY-4.0, Jane Roe, 1 file: b.png",
        "- CC0-1.0, 2 files: a.png, c.png",
    ):
        assert line in card, card
    assert "held-out.png" not in card.partition("## Licences")[2]
    with safe_open(folder / "weights.safetensors", framework="pt") as file:
        said = file.metadata()
    assert json.loads(said["licences"]) == {"CC-BY-4.0, Jane Roe": 1, "CC0-1.0": 2}
    assert (said["seed"], said["steps"], said["sittings"]) == ("5", "7", "1")
    assert said["commit"] == str(sittings(folder)[0]["commit"]) and said["command"] in card
    restored = Restorer.load(folder).net
    assert restored.raw_net is not None and restored.srgb_net is not None


def test_a_training_can_begin_with_the_weights_of_another(recipe, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train(recipe, [f"--trainer.default_root_dir={first}"])
    said = yaml.safe_load(recipe.read_text())
    del said["model"]["network"]
    said["model"] |= {"weights": str(first), "learning_rate": 0.0}
    recipe.write_text(yaml.safe_dump(said))
    train(recipe, [f"--trainer.default_root_dir={second}"])
    begun, ended = (Restorer.load(folder).net.state_dict() for folder in (first, second))
    assert all(torch.allclose(begun[name], ended[name], atol=1e-6) for name in begun)
    assert f"| start | `{first}` (7 steps, " in (second / "card.md").read_text()
    assert "| start | random weights |" in (first / "card.md").read_text()


def test_a_training_can_go_on_with_other_widths(recipe, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    train(recipe, [f"--trainer.default_root_dir={first}"])
    train(
        recipe,
        [
            f"--trainer.default_root_dir={second}",
            f"--model.weights={first}",
            "--model.network.raw.widths=[9,17]",
            "--model.learning_rate=0",
        ],
    )
    narrow, wide = (Restorer.load(folder).net for folder in (first, second))
    mosaic, noise = torch.rand(1, 64, 64), Noise(torch.tensor(1e-3), torch.tensor(1e-6))
    taken, now = (net.denoise_raw(mosaic[None], noise) - mosaic for net in (narrow, wide))
    assert taken.abs().max() > 1e-3, "the training before has left its mark"
    torch.testing.assert_close(now, taken, atol=1e-6, rtol=0)
    assert wide.raw_net.body.head.weight.shape[1] == 9


def test_weights_to_begin_with_must_fit(recipe, tmp_path):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'first'}"])
    with pytest.raises(PellucidError, match="expected one that differs in the widths of U-Nets"):
        train(
            recipe,
            [f"--model.weights={tmp_path / 'first'}", "--model.network.raw.leak=0.5"],
        )
    with pytest.raises(PellucidError, match="no such model"):
        train(recipe, [f"--model.weights={tmp_path / 'nowhere'}"])


def test_generated_pictures_need_no_licence(recipe, tmp_path):
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'run'}", "--trainer.max_steps=1"])
    card = (tmp_path / "run" / "card.md").read_text()
    assert "100% DeadLeaves" in card and "None: its sources hold no files." in card


def test_hours_are_those_of_all_sittings(recipe, tmp_path):
    folder = tmp_path / "run"
    for steps in (4, 6):
        train(recipe, [f"--trainer.default_root_dir={folder}", f"--trainer.max_steps={steps}"])
    first, second = sittings(folder)
    assert (first["last_step"], second["first_step"], second["last_step"]) == (4, 4, 6)
    lines = [json.dumps({**first, "seconds": 7200.0}), json.dumps(second)]
    (folder / "runs.jsonl").write_text("\n".join(lines) + "\n")
    train(recipe, [f"--trainer.default_root_dir={folder}", "--trainer.max_steps=8"])
    assert [sitting["seconds"] > 0 for sitting in sittings(folder)] == [True] * 3
    with safe_open(folder / "weights.safetensors", framework="pt") as file:
        said = file.metadata()
    assert said["hours"] == "2" and said["sittings"] == "3"


def test_an_interrupted_sitting_is_accounted_for(recipe, tmp_path, monkeypatch):
    def pull_the_plug(self, batch, number):
        if number == 5:
            raise RuntimeError("plug pulled")
        return step(self, batch, number)

    from pellucid.training.run import Training

    step = Training.training_step
    with monkeypatch.context() as patch:
        patch.setattr(Training, "training_step", pull_the_plug)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(recipe, [f"--trainer.default_root_dir={tmp_path / 'run'}"])
    (sitting,) = sittings(tmp_path / "run")
    assert sitting["last_step"] == 5 and sitting["seconds"] > 0
