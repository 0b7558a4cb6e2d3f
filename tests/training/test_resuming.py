"""What a run folder does when its command is called again, with the same words or with others."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from safetensors import safe_open
from safetensors.torch import load_file
from torch._utils import ExceptionWrapper

from pellucid.checkpoint import load_network, save_network
from pellucid.errors import FileError, PellucidError
from pellucid.io.locks import alone_in
from pellucid.networks.picture import PictureConfig
from pellucid.networks.unet import UNetConfig
from pellucid.training.run import train
from pellucid.training.run_folder import sittings

KEEPS = "--model.schedule={kind: multistep, milestones: [1000]}"


def words(folder, *more):
    return [f"--trainer.default_root_dir={folder}", "--trainer.limit_val_batches=0", *more]


@pytest.mark.parametrize("last", [4, 3])
def test_a_run_that_has_ended_keeps_its_averaged_weights(recipe, tmp_path, last):
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=4"))
    path = tmp_path / "run" / "weights.safetensors"
    before = load_file(path)
    held = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=False)
    for name, value in before.items():
        torch.testing.assert_close(value, held["state_dict"][f"net.{name}"].half())
    assert any(
        not torch.equal(value, held["current_model_state"][f"net.{name}"].half())
        for name, value in before.items()
    )
    path.unlink()  # as if killed between the last checkpoint and the end
    train(recipe, words(tmp_path / "run", f"--trainer.max_steps={last}"))
    after = load_file(path)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    with safe_open(path, "pt") as file:
        assert file.metadata()["steps"] == "4" and file.metadata()["sittings"] == "1"


def test_a_run_of_another_network_or_optimiser_does_not_go_on(recipe, tmp_path):
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=2"))
    said = (tmp_path / "run" / "config.yaml").read_text()
    wider = "--model.network.raw.widths=[8,6]"
    for option, match in (
        (wider, r"last.ckpt: holds another network \(net.raw_net.*; expected .*\), or another tr"),
        ("--model.optimizer=muon", "last.ckpt: holds another optimiser than muon, or another tr"),
    ):
        with pytest.raises(FileError, match=match):
            train(recipe, words(tmp_path / "run", "--trainer.max_steps=4", option))
    assert (tmp_path / "run" / "config.yaml").read_text() == said
    account = tmp_path / "run" / "runs.jsonl"
    account.write_text(account.read_text()[:-9])
    with pytest.raises(FileError, match=r"runs.jsonl: is damaged; expected a line of JSON"):
        train(recipe, words(tmp_path / "run", "--trainer.max_steps=4"))
    (tmp_path / "run" / "checkpoints" / "last.ckpt").write_bytes(b"PK nonsense")
    with pytest.raises(FileError, match="last.ckpt: damaged"):
        train(recipe, words(tmp_path / "run"))


class Groups(Callback):
    """What the optimiser works with."""

    def on_train_batch_start(self, trainer, *_):
        group = trainer.optimizers[0].param_groups[0]
        seen.append((group["lr"], group["weight_decay"]))


seen = []


def test_a_changed_learning_rate_counts_when_a_run_goes_on(recipe, tmp_path, monkeypatch):
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=2", KEEPS))
    monkeypatch.setattr("pellucid.training.run.SamplePictures", Groups)
    seen.clear()
    other = ["--model.learning_rate=2e-5", "--model.weight_decay=0.5"]
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=4", KEEPS, *other))
    assert seen == [(2e-5, 0.5)] * 2


def test_a_training_that_runs_away_leaves_its_last_checkpoint(recipe, tmp_path):
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=2", KEEPS))
    (tmp_path / "run" / "weights.safetensors").unlink()
    wild = ["--trainer.max_steps=6", KEEPS, "--model.learning_rate=1e30"]
    with pytest.raises(PellucidError, match="not finite any more at step 4; expected a lower"):
        train(recipe, words(tmp_path / "run", *wild))
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=False)["global_step"] == 2
    train(recipe, words(tmp_path / "run", "--trainer.max_steps=4", KEEPS))
    assert sittings(tmp_path / "run")[-1]["last_step"] == 4


def test_weights_that_are_no_numbers_are_neither_written_nor_read(tmp_path):
    config = PictureConfig(UNetConfig(widths=(4,)))
    net, path = config.build(), tmp_path / "w.safetensors"
    for wild in (float("nan"), 1e5):
        with torch.no_grad():
            next(net.parameters()).fill_(wild)
        with pytest.raises(FileError, match=r"w.safetensors: not written: net.* is not finite, or"):
            save_network(net, config, path)
    assert not path.exists()
    save_network(net, config, path, True)
    content = bytearray(path.read_bytes())
    content[-4:] = b"\x00\x00\xc0\x7f"
    path.write_bytes(content)
    with pytest.raises(FileError, match="damaged: .* is not finite"):
        load_network(path)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_training_that_is_stopped_does_not_end_as_a_success(recipe, tmp_path, sent, code):
    command = [sys.executable, "-m", "pellucid", "train", str(recipe)]
    command += words(tmp_path / "run", "--trainer.max_steps=100000")
    # What runs in the background of a shell inherits that SIGINT is ignored.
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = tmp_path / "run" / "log" / "version_0" / "metrics.csv"
    while not log.exists():
        assert process.poll() is None, "ended before it could be stopped"
        time.sleep(0.05)
    os.kill(process.pid, sent)
    assert process.wait(120) == code


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--data.patch=33", "data.patch is 33; expected an even number"),
        ("--data.patch=0", "data.patch is 0; expected 1 or more"),
        ("--data.batch_size=0", "data.batch_size is 0; expected 1 or more"),
        ("--data.workers=-1", "data.workers is -1; expected 0 or more"),
        ("--data.seed=-1", "data.seed is -1; expected 0 or more"),
        ("--data.photos", "--data.photos has no value; expected one"),
        ("--trainer.max_steps=0", "trainer.max_steps is less than 1; expected 1 or more"),
        ("--trainer.limit_train_batches=0", "limit_train_batches is less than 1; expected 1 or m"),
        ("--trainer.val_check_interval=0", "val_check_interval is less than 1; expected 1 or more"),
        ("--trainer.accumulate_grad_batches=0", "accumulate_grad_batches is less than 1; expected"),
        ("--trainer.overfit_batches=1", "trainer.overfit_batches is 1; expected 0: samples have"),
        ("--data.validation_samples=-1", "data.validation_samples is -1; expected 0 or more"),
        ("--data.leaves_share=1.5", "data.leaves_share is 1.5; expected 0 to 1"),
        ("--model.bfloat16_share=2", "model.bfloat16_share is 2.0; expected 0 to 1"),
        ("--checkpoint_every=0", "checkpoint_every is less than 1; expected 1 or more"),
        ("--model.learning_rate=-1", "model.learning_rate is -1.0; expected 0 or more"),
        ("--model.network.raw.widths=abc", "^widths is abc; expected tuple$"),
        ("--model.network.raw={kind: swinir, heads: [1]}", r"^heads is \[1\]; expected int$"),
        ("--model.objective.loss=l3", "^loss is l3; expected one of l1, charbonnier, balanced_l1"),
        (
            "--model.schedule={kind: cosine_restarts, periods: [3], lowest: []}",
            r"tiny.yaml: got periods \[3\], lowest \[\]; expected whole periods, and as many low",
        ),
    ],
)
def test_a_wrong_value_is_answered_in_a_line(recipe, tmp_path, option, said):
    with pytest.raises(PellucidError, match=said) as error:
        train(recipe, words(tmp_path / "run", option))
    assert "\n" not in str(error.value) and len(str(error.value)) < 250
    assert not (tmp_path / "run").exists()


def test_a_training_without_time_for_a_step_is_told(recipe, tmp_path):
    with pytest.raises(PellucidError, match="no step was taken; expected trainer.max_time"):
        train(recipe, words(tmp_path / "run", "--trainer.max_time=00:00:00:00"))
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_a_run_folder_that_cannot_be_is_told(recipe, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(FileError, match="run: file exists"):
        train(recipe, words(tmp_path / "run"))


def test_an_error_of_a_worker_is_one_line(recipe, tmp_path, monkeypatch):
    try:
        raise FileError("a.store: is cut off; expected Error: none")
    except FileError:
        held = ExceptionWrapper(where="in DataLoader worker process 0")
    monkeypatch.setattr(Trainer, "fit", lambda *_, **__: held.reraise())
    with pytest.raises(FileError) as error:
        train(recipe, words(tmp_path / "run"))
    assert str(error.value) == "a.store: is cut off; expected Error: none"


def test_one_training_at_a_time_has_a_run_folder(recipe, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with alone_in(folder, "pellucid train"):
        with pytest.raises(FileError, match="run: another pellucid train is writing to it"):
            train(recipe, words(folder, "--trainer.max_steps=2"))
        assert [path.name for path in folder.iterdir()] == [".lock"]
    train(recipe, words(folder, "--trainer.max_steps=2"))
