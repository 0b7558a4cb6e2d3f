"""Every recipe can be read, is what was published, and trains."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from pellucid import DualDomainConfig, ISPConfig, PellucidError, Restorer
from pellucid.networks.backbones import BACKBONES
from pellucid.training.network import NetworkTraining
from pellucid.training.recipe import Call, dump, load
from pellucid.training.run import RunFolderCLI, classes_of, train

FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))
DUALDN = {path.stem: path for path in RECIPES if path.stem.startswith("dualdn")}
TINY = {
    "restormer": "{width: 8, blocks: [1, 1, 1, 1], refinement: 1}",
    "swinir": "{width: 12, depths: [1], heads: 2}",
    "mirnet_v2": "{width: 16, groups: [1]}",
}
UNUSED = 2 * 4 * 64 + 2 * 3 * 64
"""Parameters of DualDn's program that its forward leaves out."""


class Parser(RunFolderCLI):
    """Reads a recipe and builds the network alone, without memory unless it has weights."""

    def instantiate_classes(self) -> None:
        if self.config.training == "raw":
            self.config.data.sources = self.config.data.validation = ()
        real = self.config.model.weights is not None
        with nullcontext() if real else torch.device("meta"):
            self.model = self.parser.instantiate_classes(self.config).model


def read(recipe: Path, *words: str) -> NetworkTraining:
    called = [f"--config={recipe}", *words]
    settings = {"run": False, "save_config_callback": None, "args": called}
    classes = classes_of(Call.of(called).training)
    return Parser(*classes, parser_kwargs={"exit_on_error": False}, **settings).model


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_can_be_read_and_builds_its_network(path):
    assert sum(weight.numel() for weight in read(path).net.parameters()) > 100_000


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("dualdn_restormer", 53_048_212 - UNUSED),
        ("dualdn_big", 53_048_212 - UNUSED),
        ("dualdn_mirnet_v2", 3_896_896 - UNUSED),
        ("dualdn_swinir", 1_371_420 - UNUSED * 60 // 64),
        ("dualdn_raw", 46_229_204 - 4 * 64),
        ("dualdn_srgb", 46_228_564),
    ],
)
def test_the_published_networks(name, parameters):
    """Parameters as counted of the published program, without those that it never uses."""
    training = read(DUALDN[name])
    assert sum(weight.numel() for weight in training.net.parameters()) == parameters
    assert training.config.isp == ISPConfig.dualdn()


def test_the_published_training():
    for name, path in DUALDN.items():
        recipe = yaml.safe_load(path.read_text())
        model, data = recipe["model"], recipe["data"]
        single, big = name in ("dualdn_raw", "dualdn_srgb"), name == "dualdn_big"
        assert data["batch_size"] == (4 if single else 2)
        assert data["patch"] == (128 if name == "dualdn_srgb" else 256)
        assert data["synthesis"]["jitter"] == 1 and model["weight_decay"] == 0.01
        assert recipe["trainer"]["gradient_clip_val"] == 0.01
        assert recipe["trainer"]["max_steps"] == (60_000 if single else 300_000 if big else 120_000)
        assert model["learning_rate"] == (3e-4 if big else 1e-5)
        assert model["schedule"]["kind"] == ("cosine_restarts" if big else "multistep")
        assert model["objective"]["loss"] == "l1" and model["network"]["unclip"] is False


@pytest.mark.parametrize("name", DUALDN)
def test_a_published_recipe_trains(name, fivek, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = yaml.safe_load(DUALDN[name].read_text())["model"]["network"]
    words = [
        f"--model.network.{domain}={TINY[network[domain]['kind']]}"
        for domain in ("raw", "srgb")
        if network[domain]
    ]
    words += ["--data.patch=32", "--data.validation_samples=1", "--data.batch_size=2"]
    words += ["--trainer.max_steps=2", "--trainer.accelerator=cpu"]
    words += ["--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
    train(DUALDN[name], [*words, "--trainer.default_root_dir=run"])
    net = Restorer.load(tmp_path / "run").net
    for domain, trained in (("raw", net.raw_net), ("srgb", net.srgb_net)):
        assert (trained is not None) == (network[domain] is not None)
        if trained is not None:
            # The last layer starts at zero.
            assert trained.head.weight.any()


# -- what a recipe may say -------------------------------------------------------------------------


@pytest.fixture
def said(tmp_path: Path, monkeypatch):
    """Gives what is read, and not built, of a recipe that says something of its model."""
    monkeypatch.setattr(DualDomainConfig, "build", lambda _: nn.Identity())

    def read_model(model: dict[str, object], *words: str) -> NetworkTraining:
        path = tmp_path / "said.yaml"
        path.write_text(yaml.safe_dump({"model": model}))
        return read(path, *words)

    return read_model


@pytest.mark.parametrize("kind", BACKBONES)
def test_every_kind_can_be_said_in_a_recipe_and_as_an_option(kind, said):
    written = said({"network": {"raw": {"kind": kind}, "srgb": None}})
    option = said({"network": {"srgb": None}}, "--model.network.raw.kind", kind)
    inline = said({"network": {"srgb": None}}, f"--model.network.raw={{kind: {kind}}}")
    assert written.config.raw == option.config.raw == inline.config.raw == BACKBONES[kind]()


def test_options_change_the_record_that_the_recipe_says(said):
    network = {"raw": {"kind": "restormer", "width": 48, "refinement": 1}, "srgb": None}
    config = said({"network": network}, "--model.network.raw.width=8").config.raw
    assert (config.kind, config.width, config.refinement) == ("restormer", 8, 1)
    schedule = said({"network": network}, "--model.schedule.decay_share=0.5").schedule
    assert (schedule.kind, schedule.decay_share, schedule.warmup_steps) == ("cosine", 0.5, 500)


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        (
            {"network": {"raw": {"kind": "restormer", "widht": 8}}},
            [],
            "network.raw.widht of restormer; the nearest one is model.network.raw.width$",
        ),
        (
            {"network": {"srgb": None}},
            ["--model.network.raw={kind: dncnn, depth: 3}"],  # of others
            "unknown option model.network.raw.depth of dncnn; the nearest one is model.network.raw",
        ),
        (
            {"network": {"srgb": {"kind": "swinir"}}},
            ["--model.network.srgb.depts=[2]"],
            "network.srgb.depts of swinir; the nearest one is model.network.srgb.depths$",
        ),
        (
            {"network": {"raw": {"kind": "restormer"}}},
            ["--model.network.raw.widths=[8]"],  # of the U-Net
            "model.network.raw.widths of restormer; the nearest one is model.network.raw.width$",
        ),
        (
            {"network": {"raw": {"kind": "restorer"}}},
            [],
            "unknown kind restorer; expected one of unet, restormer, swinir, mirnet_v2, nafnet, ",
        ),
        (
            {"schedule": {"kind": "cosin"}},
            [],
            "unknown kind cosin; expected one of cosine, multistep, cosine_restarts$",
        ),
        (
            {"schedule": {"kind": "multistep", "gama": 1}},
            [],
            "model.schedule.gama of multistep; the nearest one is model.schedule.gamma$",
        ),
        ({}, ["--model.decay_share=0"], "nearest one is model.schedule.decay_share$"),
    ],
)
def test_an_unknown_word_is_answered_in_one_line(model, words, message, said):
    with pytest.raises(PellucidError, match=message) as error:
        said(model, *words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("recipe", "words", "said"),
    [
        ("default", "--data.synthesis.jitter=0", "jitter is 0; expected above 0"),
        ("denoise", "--model.network.net={kind: unet, widths: [4, 0]}", "widths is 4, 0; expected"),
        ("default", "--model.network.raw={kind: restormer, width: 7}", "width is 7 with heads"),
        (
            "denoise",
            "--data.degradation={kind: mixed, degradations: [{kind: rain}], weights: [0]}",
            "degradations have weights 0; expected 0 or more, one above 0",
        ),
    ],
)
def test_what_cannot_be_is_answered_in_one_line(recipe, words, said, tmp_path):
    path = FOLDER / f"{recipe}.yaml"
    with pytest.raises(PellucidError, match=f"^{path}: {said}") as error:
        train(path, [words, f"--trainer.default_root_dir={tmp_path / 'run'}"])
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


def test_what_is_written_is_read_again():
    text = (FOLDER / "dualdn_swinir.yaml").read_text()
    recipe = load(text)
    assert "SwinIRConfig" in recipe["model"]["network"]["raw"]["class_path"]
    assert dump(recipe) == dump(load(dump(recipe))) and load(dump(recipe)) == recipe
    assert yaml.safe_load(dump(recipe)) == yaml.safe_load(text)


def test_paths_are_written_as_words():
    said = {"data": {"real": {"folder": Path("a/b"), "sizes": (1, 2)}}}
    assert yaml.safe_load(dump(said)) == {"data": {"real": {"folder": "a/b", "sizes": [1, 2]}}}


def test_a_kind_without_its_record_is_told(tmp_path):
    words = ["--data.photos", str(tmp_path), "--data.real.kind", "layout"]
    with pytest.raises(PellucidError, match=r"expected the whole record at once, \{kind: layout"):
        train(FOLDER / "adapt_denoise.yaml", words)
