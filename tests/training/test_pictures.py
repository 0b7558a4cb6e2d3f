"""Training of networks of pictures, and of any network with noise-space adaptation."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch import Callback
from PIL import Image
from safetensors import safe_open
from torch import nn

from pellucid import FileError, PellucidError, Restorer, read_picture
from pellucid.critic import Critic
from pellucid.data.unpaired import Unpaired
from pellucid.networks.picture import PictureConfig
from pellucid.objectives.adaptation import Batch, Constant, PairedOnly
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.training.pictures import PictureTraining, signed
from pellucid.training.raw_adaptation import RawAdaptation
from pellucid.training.run import train

RECIPES = Path(__file__).parents[2] / "recipes"
CRITIC = {"width": 32, "multipliers": [1], "blocks": 1, "dropout": 0.3, "shuffle": 2}
QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
QUIET += ["--trainer.enable_model_summary=false", "--trainer.logger=false"]


def picture(path: Path, seed: int, size: tuple[int, int] = (110, 120)) -> None:
    """A file of noise."""
    pixels = torch.randint(256, (*size, 3), generator=torch.Generator().manual_seed(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.byte().numpy()).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Folders of photographs and of real pictures, each with its licences."""
    for seed, name in enumerate(("photos/a.png", "photos/b.png", "real/c.png", "real/held.png")):
        picture(tmp_path / name, seed)
    for name, licence in (("photos", "CC0-1.0"), ("real", "CC-BY-4.0, Jane Roe")):
        (tmp_path / name / "LICENSES.json").write_text(json.dumps({"*": licence}))
    return tmp_path


@pytest.fixture
def adapting(recipe: Path, folders: Path) -> Path:
    """The tiny recipe, of pictures and with all that adaptation brings."""
    said: dict[str, Any] = yaml.safe_load(recipe.read_text())
    said["training"] = "pictures"
    said["model"] |= {
        "network": {"net": {"kind": "unet", "shuffle": 2, "widths": [4, 6]}},
        "adaptation": {"critic": CRITIC, "weight": {"kind": "constant", "weight": 1.0}},
    }
    said["data"] |= {
        "photos": str(folders / "photos"),
        "real": {"kind": "folder", "folder": str(folders / "real"), "leave_out": ["held.png"]},
    }
    recipe.write_text(yaml.safe_dump(said))
    return recipe


class Interrupt(Callback):
    """Pulls the plug after the third step, between two checkpoints."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 3:
            raise RuntimeError("plug pulled")


def state(folder: Path) -> dict[str, torch.Tensor]:
    """Of the last checkpoint: network and critic."""
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=False)["state_dict"]


def test_a_resumed_run_ends_with_the_same_network_and_critic(adapting, tmp_path, monkeypatch):
    words = [*QUIET, "--trainer.max_steps=6", "--trainer.default_root_dir"]
    train(adapting, [*words, f"{tmp_path / 'whole'}"])
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.training.run.Export", Interrupt)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(adapting, [*words, f"{tmp_path / 'cut'}"])
    train(adapting, [*words, f"{tmp_path / 'cut'}"])
    whole, cut = state(tmp_path / "whole"), state(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert any("critic" in name for name in whole) and any("head" in name for name in whole)


def test_nothing_of_adaptation_is_in_the_exported_model(adapting, tmp_path):
    folders = [tmp_path / name for name in ("adapted", "plain")]
    words = [*QUIET, "--trainer.max_steps=2", "--trainer.default_root_dir"]
    train(adapting, [*words, str(folders[0])])
    assert any("critic" in name for name in state(folders[0]))
    train(adapting, [*words, str(folders[1]), "--model.adaptation=null", "--data.real=null"])
    keys = []
    for folder in folders:
        with safe_open(folder / "weights.safetensors", framework="pt") as file:
            keys.append((set(file.keys()), file.metadata()["config"]))
    assert keys[0] == keys[1] and not any("critic" in name for name in keys[0][0])
    adapted, plain = (Restorer.load(folder).net.state_dict() for folder in folders)
    assert any(not torch.equal(adapted[name], plain[name]) for name in plain)


def test_the_card_lists_the_licences_of_all_streams_and_the_sheet_shows_them(
    adapting, tmp_path, logged
):
    words = [*QUIET, "--trainer.max_steps=5", f"--trainer.default_root_dir={tmp_path / 'run'}"]
    picture(tmp_path / "pairs" / "input" / "1.png", 5, (40, 40))
    picture(tmp_path / "pairs" / "target" / "1.png", 6, (40, 40))
    pairs = f"{{kind: layout, layout: rain13k, folder: {tmp_path / 'pairs'}}}"
    words.remove("--trainer.logger=false")
    train(adapting, [*words, f"--data.validation_pairs={pairs}"])
    card = (tmp_path / "run" / "card.md").read_text()
    for line in (
        "100% PhotoFolder of 2 files, 0% DeadLeaves, GaussianNoise on clean ones, "
        "real: PictureSet of 1 files",
        "- CC-BY-4.0, Jane Roe, 1 file: c.png",
        "- CC0-1.0, 2 files: a.png, b.png",
    ):
        assert line in card, card
    assert "held.png" not in card.partition("## Licences")[2]
    assert read_picture(tmp_path / "run" / "samples" / "0000005.png").shape == (3, 80, 32)
    for metric in ("val/psnr", "val_pairs/psnr", "train/triplet"):
        assert logged(tmp_path / "run", metric), metric


def test_a_written_configuration_is_a_recipe(adapting, tmp_path):
    words = [*QUIET, "--trainer.max_steps=1", "--trainer.default_root_dir"]
    degraded = "{kind: mixed, degradations: [{kind: rain}, {kind: motion_blur}]}"
    train(adapting, [*words, str(tmp_path / "a"), f"--data.degradation={degraded}"])
    said = yaml.safe_load((tmp_path / "a" / "config.yaml").read_text())
    assert said["training"] == "pictures" and said["data"]["degradation"]["kind"] == "mixed"
    assert said["model"]["adaptation"]["weight"] == {"weight": 1.0, "kind": "constant"}
    train(tmp_path / "a" / "config.yaml", [*words, str(tmp_path / "b")])
    again = yaml.safe_load((tmp_path / "b" / "config.yaml").read_text())
    assert again["data"] == said["data"] and again["model"] == said["model"]


def test_a_training_begins_with_other_weights_of_pictures_alone(adapting, tmp_path):
    run = [*QUIET, "--trainer.max_steps=1", "--trainer.default_root_dir"]
    train(adapting, [*run, str(tmp_path / "first")])
    said = yaml.safe_load(adapting.read_text())
    del said["model"]["network"]
    adapting.write_text(yaml.safe_dump(said))
    train(adapting, [*run, str(tmp_path / "b"), "--model.weights", str(tmp_path / "first")])
    assert "| start | `" in (tmp_path / "b" / "card.md").read_text()
    with pytest.raises(PellucidError, match="restores raw photographs; expected a network of pict"):
        train(adapting, [*run, str(tmp_path / "c"), "--model.weights=default"])


def test_adaptation_without_real_pictures_is_refused(adapting, tmp_path):
    words = [*QUIET, f"--trainer.default_root_dir={tmp_path / 'run'}", "--data.real=null"]
    with pytest.raises(PellucidError, match=r"got no data.real; expected the pictures to adapt to"):
        train(adapting, words)
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_unpaired_pictures_are_asked_for_where_they_are_to_be_diffused(adapting, folders):
    words = [*QUIET, f"--trainer.default_root_dir={folders / 'run'}", "--trainer.max_steps=1"]
    words += ["--model.adaptation.diffused=unpaired", "--model.adaptation.contrast=null"]
    with pytest.raises(PellucidError, match=r"unpaired and no data.unpaired; expected both"):
        train(adapting, words)
    train(adapting, [*words, f"--data.unpaired.folder={folders / 'real'}"])
    assert (folders / "run" / "weights.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model.adaptation.weight.lenght=3"], "nearest one is model.adaptation.weight.weight$"),
        (
            ["--model.adaptation.arange=shuffled"],
            "option arange; the nearest one is arrange$",
        ),
        (["--data.degradation={kind: rian}"], "unknown kind rian; expected one of gaussian, cam"),
        (["--data.degradation.sigmas=[3,4]"], "of gaussian; the nearest one is data.degradation.s"),
        (["--data.real.leave=[a.png]"], "of folder; the nearest one is data.real.leave_out$"),
    ],
)
def test_an_unknown_word_is_answered_in_one_line(adapting, words, message):
    with pytest.raises(PellucidError, match=message) as error:
        train(adapting, words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "words", [["--data.degradation.kind", "rain"], ["--data.degradation.kind=rain"]]
)
def test_a_kind_can_be_an_option(adapting, tmp_path, words):
    run = tmp_path / "run"
    words = [*words, "--data.degradation.strength=[0.3,0.4]", f"--trainer.default_root_dir={run}"]
    train(adapting, [*QUIET, *words, "--trainer.max_steps=1"])
    degradation = yaml.safe_load((run / "config.yaml").read_text())["data"]["degradation"]
    assert degradation["kind"] == "rain" and degradation["strength"] == [0.3, 0.4]


# -- the objective ---------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path):
    """Gives the objective of a recipe that says something of its adaptation."""
    from pellucid.training.recipe import Call
    from pellucid.training.run import RunFolderCLI, classes_of

    class Parser(RunFolderCLI):
        def instantiate_classes(self) -> None:
            self.model = self.parser.instantiate_classes(self.config).model

    def read(said: dict[str, Any]) -> PictureTraining:
        path = tmp_path / "said.yaml"
        network = {"net": {"kind": "unet", "widths": [4, 6]}}
        model = {"network": network, "adaptation": {"critic": CRITIC, **said}}
        path.write_text(yaml.safe_dump({"training": "pictures", "model": model}))
        words = [f"--config={path}"]
        settings = {"run": False, "save_config_callback": None, "args": words}
        return Parser(*classes_of(Call.of(words).training), **settings).model

    return read


def test_every_part_can_be_said_in_a_recipe(parts):
    published = parts({}).adaptation
    assert published.parts.contrast.margin == 0.1 and published.schedule.config.kind == "linear"
    said = parts(
        {
            "diffusion": {"kind": "cosine", "lowest": 5, "highest": 100},
            "arrange": "only_real",
            "contrast": None,
            "diffused": "unpaired",
            "weight": {"kind": "constant", "weight": 0.5},
            "epoch": 7,
            "critic_learning_rate": 2e-4,
        }
    )
    objective = said.adaptation
    assert objective.schedule.config.kind == "cosine" and objective.schedule.highest == 100
    assert objective.parts.contrast is None and objective.parts.weight == Constant(0.5)
    assert objective.critic.config.conditions == 3 and published.critic.config.conditions == 6
    batch = Batch(*(torch.full((1, 3, 8, 8), float(i)) for i in range(4)))
    assert objective.parts.diffused(batch) is batch.unpaired
    assert published.parts.diffused(batch) is batch.clean
    group = said.new_optimizer().param_groups[-1]
    assert group["lr"] == 2e-4 and said.settings.epoch == 7
    assert {id(p) for p in group["params"]} == {id(p) for p in objective.critic.parameters()}


def test_network_and_critic_are_clipped_each_by_itself():
    training = small(AdaptationConfig(critic=small_critic()))
    for module, size in ((training.net, 1e-3), (training.adaptation, 1e3)):
        for weight in module.parameters():
            weight.grad = torch.full_like(weight, size)
    before = [weight.grad.clone() for weight in training.net.parameters()]
    training.configure_gradient_clipping(training.new_optimizer(), 1.0)
    # A joint norm would have made the network's gradient vanish.
    for weight, gradient in zip(training.net.parameters(), before, strict=True):
        torch.testing.assert_close(weight.grad, gradient)
    norms = [weight.grad.norm() for weight in training.adaptation.parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(1, rel=1e-3)


def test_gradients_are_clipped_by_value_where_that_is_said():
    training = small(AdaptationConfig(critic=small_critic()))
    for module in (training.net, training.adaptation):
        for weight in module.parameters():
            weight.grad = torch.linspace(-3, 3, weight.numel()).view_as(weight)
    optimizer = training.new_optimizer()
    training.configure_gradient_clipping(optimizer, 0.5, "value")
    for module in (training.net, training.adaptation):
        for weight in module.parameters():
            expected = torch.linspace(-3, 3, weight.numel()).clamp(-0.5, 0.5)
            torch.testing.assert_close(weight.grad.flatten(), expected)


def test_the_critic_learns_from_the_first_step(monkeypatch):
    training = small(AdaptationConfig(critic=small_critic(), epoch=700))
    monkeypatch.setattr(PictureTraining, "global_step", 0)
    assert training.time == 1 and training.adaptation.parts.weight(training.time) > 0
    monkeypatch.setattr(PictureTraining, "global_step", 700)
    assert training.time == 2


def small_critic():
    from pellucid.critic import CriticConfig

    return CriticConfig(width=32, multipliers=(1,), blocks=1, dropout=0.0)


def small(adaptation: AdaptationConfig) -> PictureTraining:
    """A training with a tiny network that is not the identity."""
    from pellucid.networks.unet import UNetConfig

    torch.manual_seed(0)
    training = PictureTraining(PictureConfig(UNetConfig(widths=(4, 6))), "l1", adaptation)
    for weight in training.net.parameters():
        nn.init.normal_(weight, std=0.1)
    return training


def test_the_signed_objective_sees_pictures_from_minus_one_to_one(monkeypatch):
    seen = []

    def look(self, noisy, conditions, level):
        seen.append(conditions)
        return torch.zeros_like(noisy)

    monkeypatch.setattr(Critic, "forward", look)
    batch = Unpaired(*torch.rand(4, 2, 3, 8, 8, generator=torch.Generator().manual_seed(1)))
    losses = []
    for value_range in ("unit", "signed"):
        config = AdaptationConfig(
            critic=small_critic(), value_range=value_range, arrange="in_order", contrast=None
        )
        training = small(config)
        monkeypatch.setattr(PictureTraining, "time", property(lambda self: 0))
        losses.append(training._objective(batch)[0].item())
    torch.testing.assert_close(seen[1], signed(seen[0]))
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-5)


def test_without_adaptation_the_pairs_alone_are_minimised():
    training = small(None)
    batch = Unpaired(*torch.rand(4, 2, 3, 8, 8))
    loss, _ = training._objective(batch)
    expected, _ = PairedOnly(lambda a, b: (a - b).abs().mean())(training.net, Batch(*batch))
    assert loss == expected and not hasattr(training.net, "critic")


# -- raws ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conditions", ["pictures", "mosaics", "both"])
def test_a_dual_domain_network_adapts_to_raws(recipe, raws, tmp_path, conditions):
    said = yaml.safe_load(recipe.read_text())
    said["training"] = "raw_adaptation"
    said["model"] |= {"conditions": conditions, "adaptation": {"critic": CRITIC | {"shuffle": 1}}}
    said["data"] |= {"real": {"folder": str(raws), "leave_out": ["z.dng"], "noise": [1e-3, 1e-6]}}
    recipe.write_text(yaml.safe_dump(said))
    run = tmp_path / "run"
    train(recipe, [*QUIET, "--trainer.max_steps=5", f"--trainer.default_root_dir={run}"])
    assert "real: 2 raws" in (run / "card.md").read_text()
    assert "x.dng, y.dng" in (run / "card.md").read_text()
    assert read_picture(run / "samples" / "0000005.png").shape == (3, 80, 32)
    with safe_open(run / "weights.safetensors", framework="pt") as file:
        assert all(name.startswith(("raw_net", "srgb_net")) for name in file.keys())  # noqa: SIM118


def test_real_raws_draw_the_networks_weights(raws, tmp_path):
    """The critic's loss reaches both networks through what they make of the real raw."""
    from pellucid.networks.dual_domain import DualDomainConfig
    from pellucid.networks.unet import UNetConfig
    from pellucid.training.real_raws import RealRawData, RealRawSet

    network = DualDomainConfig(UNetConfig(widths=(4, 6)), UNetConfig(widths=(4, 6)))
    config = AdaptationConfig(
        critic=small_critic(),
        arrange="only_real",
        contrast=None,
    )
    for wrong, answer in (
        (None, "got adaptation: null; expected an objective"),
        (replace(config, diffused="unpaired"), "got diffused: unpaired; expected paired"),
        (replace(config, value_range="signed"), "got value_range: signed; expected unit"),
    ):
        with pytest.raises(PellucidError, match=answer):
            RawAdaptation(network, adaptation=wrong)
    training = RawAdaptation(network, adaptation=config)
    with pytest.raises(FileError, match=r"^x.dng has 64x96 pixels; expected 66 or more"):
        RealRawData(real=RealRawSet(raws), patch=64).setup("fit")
    data = RealRawData(real=RealRawSet(raws), patch=16)
    data.setup("fit")
    batch = torch.utils.data.default_collate([data.training_set()[n] for n in range(2)])
    for weight in training.net.parameters():
        nn.init.normal_(weight, std=0.1)
    real = batch.real
    restored = training.restoration(real.mosaic, training.restored(real), real)
    loss, _ = training.adaptation.noise_loss(restored, restored, restored.degraded)
    loss.backward()
    for net in (training.net.raw_net, training.net.srgb_net):
        assert all(weight.grad.abs().sum() > 0 for weight in net.parameters())


# -- recipes ---------------------------------------------------------------------------------------

NEW = sorted(
    path for path in RECIPES.glob("*.yaml") if yaml.safe_load(path.read_text()).get("training")
)


@pytest.mark.parametrize("path", NEW, ids=lambda path: path.stem)
def test_every_recipe_takes_steps(path, folders, raws, monkeypatch):
    monkeypatch.chdir(folders)
    data = yaml.safe_load(path.read_text())["data"]
    words = ["--data.photos=photos"] if "photos" in data else []
    if "clean" in data:
        words += ["--data.clean.folder=photos"]
    if "pairs" in data:
        words += ["--data.pairs={kind: folders, inputs: photos, targets: photos}"]
    if "real" in data and path.stem != "adapt_raw":
        words += ["--data.real={kind: folder, folder: real}"]
    if "adaptation" in yaml.safe_load(path.read_text())["model"]:
        words += ["--model.adaptation.critic.multipliers=[1]", "--model.adaptation.critic.width=32"]
    words += ["--data.patch=16", "--data.batch_size=2", "--data.validation_samples=1"]
    words += ["--trainer.max_steps=2", "--trainer.default_root_dir=run", *QUIET]
    train(path, words)
    assert any("last" in name or "head" in name for name in Restorer.load("run").net.state_dict())


def test_the_published_objective():
    for path in RECIPES.glob("noiseda_*.yaml"):
        model = yaml.safe_load(path.read_text())["model"]
        adaptation, denoise = model["adaptation"], path.stem.endswith("denoise")
        assert adaptation["weight"] == {
            "kind": "ramp",
            "weight": 0.2,
            "length": 300,
            "steepness": 5.0,
        }
        assert model["learning_rate"] == adaptation["critic_learning_rate"]
        assert model["learning_rate"] == (1e-4 if denoise else 5e-5)
        assert adaptation["value_range"] == model["network"]["value_range"]
        assert adaptation["value_range"] == ("unit" if denoise else "signed")


def test_restoring_imports_no_diffusion_code(folders, raws):
    code = (
        "import sys; from pellucid.cli import main; "
        "main(['restore', 'photo.dng', '-o', 'out.png']); "
        "bad = [n for n in sys.modules if n.split('.')[0] in ('diffusers', 'lightning')]; "
        "bad += [n for n in sys.modules if n in ('pellucid.critic', 'pellucid.diffusion')]; "
        "sys.exit(f'imported {bad[:5]}' if bad else 0)"
    )
    shutil.copy(raws / "x.dng", folders / "photo.dng")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folders, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert (folders / "out.png").exists()
