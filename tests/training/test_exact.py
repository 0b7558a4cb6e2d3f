"""Nothing that stops, feeds or spreads a training changes what comes out of it."""

import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Callback
from PIL import Image

from pellucid import Restorer
from pellucid.cli import main
from pellucid.training.run import train
from pellucid.training.run_folder import sittings


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """The exported ones."""
    return Restorer.load(folder).net.state_dict()


def assert_alike(first: Path, second: Path) -> None:
    """Exported weights are of half precision, where float noise is at most one step."""
    a, b = weights(first), weights(second)
    assert a.keys() == b.keys() and any("head" in name and t.any() for name, t in a.items())
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=2e-3, atol=2e-5)


def command(recipe: Path, folder: Path, *words: str) -> list[str]:
    """A training in a process of its own."""
    start = [sys.executable, "-m", "pellucid", "train", str(recipe)]
    return [*start, f"--trainer.default_root_dir={folder}", *words]


def test_kill_minus_9_at_a_random_step_changes_nothing(recipe, tmp_path, logged):
    seed = secrets.randbelow(10**6)
    print(f"random.Random({seed})")  # pytest shows it where the test fails
    chance = random.Random(seed)
    words = ["--trainer.max_steps=40", "--checkpoint_every=7", "--data.patch=32"]
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'whole'}", *words])
    cut, victim = tmp_path / "cut", chance.randrange(20)
    log = cut / "log" / "version_0" / "metrics.csv"
    process = subprocess.Popen(command(recipe, cut, *words))
    while not log.exists() or f"\n0,{victim}," not in log.read_text():
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.03))  # anywhere within a step, in a checkpoint's writing too
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not (cut / "weights.safetensors").exists()
    subprocess.run(command(recipe, cut, *words), check=True)
    first, second = sittings(cut)
    # The account is brought up to date, then the checkpoint is written.
    assert second["first_step"] in (first["last_step"], first["last_step"] - 7)
    assert second["first_step"] % 7 == 0 and second["last_step"] == 40
    whole, resumed = logged(tmp_path / "whole"), logged(cut)
    # Killed between a checkpoint and the log's line of the same step, a run has lost that line.
    assert set(whole) == set(range(40)) and set(whole) - set(resumed) <= {second["first_step"] - 1}
    assert max(map(len, resumed.values())) == 2 or second["first_step"] > victim
    for step, losses in resumed.items():
        assert losses == pytest.approx(whole[step] * len(losses), rel=1e-5)
    assert_alike(tmp_path / "whole", cut)
    assert [path.name for path in (cut / "checkpoints").iterdir()] == ["last.ckpt"]
    assert list(cut.rglob("*.part")) == []


def test_a_checkpoint_that_was_being_written_does_not_take_the_last_ones_place(
    recipe, tmp_path, monkeypatch
):
    words = [f"--trainer.default_root_dir={tmp_path / 'run'}", "--trainer.logger=false"]
    save = torch.save

    def pull_the_plug(checkpoint, file):
        if checkpoint["global_step"] == 4:
            file.write(b"half a checkpoint")
            file.flush()
            # kill -9 cleans nothing up.
            Path(file.name).with_name(".last.ckpt.dead.part").write_bytes(b"half a checkpoint")
            raise RuntimeError("plug pulled")
        save(checkpoint, file)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", pull_the_plug)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(recipe, words)
    folder = tmp_path / "run" / "checkpoints"
    assert torch.load(folder / "last.ckpt", weights_only=False)["global_step"] == 2
    train(recipe, words)
    assert [path.name for path in folder.iterdir()] == ["last.ckpt"]
    assert sittings(tmp_path / "run")[1]["first_step"] == 2


@pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")
def test_the_number_of_workers_changes_nothing(recipe, tmp_path, logged):
    # Worker processes begin slowly; those of the validation are of the same kind.
    words = ["--trainer.max_steps=5", "--trainer.limit_val_batches=0"]
    folders = [tmp_path / str(workers) for workers in (0, 1, 3)]
    for folder in folders:
        workers = f"--data.workers={folder.name}"
        train(recipe, [f"--trainer.default_root_dir={folder}", workers, *words])
    losses = [logged(folder) for folder in folders]
    assert len(losses[0]) == 5 and losses[0][0] != losses[0][1]
    # A worker computes on one thread, and sums in another order than two do.
    for other in losses[1:]:
        assert other == {step: pytest.approx(loss, rel=1e-5) for step, loss in losses[0].items()}
    assert losses[1] == losses[2]
    assert_alike(folders[1], folders[2])


def test_two_devices_are_one_with_twice_the_batch(recipe, tmp_path, logged):
    two, one = tmp_path / "two", tmp_path / "one"
    devices = ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.accelerator=cpu"]
    subprocess.run(command(recipe, two, *devices, "--data.validation_samples=4"), check=True)
    doubled = ["--data.batch_size=4", "--data.validation_samples=4"]
    train(recipe, [f"--trainer.default_root_dir={one}", *doubled])
    for metric, count in (("train/loss", 7), ("val/psnr", 1), ("val/gain", 1)):
        ours, theirs = logged(one, metric), logged(two, metric)
        assert len(ours) == count and ours == {
            step: pytest.approx(value, rel=1e-5, abs=1e-6) for step, value in theirs.items()
        }
    assert_alike(one, two)
    assert (sittings(two)[0]["devices"], sittings(two)[0]["batch"]) == (2, 4)


class Interrupt(Callback):
    """Pulls the plug after the third step, between two checkpoints."""

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 3:
            raise RuntimeError("plug pulled")


def test_accumulated_batches_are_one_batch_and_resume_alike(recipe, tmp_path, monkeypatch, logged):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(recipe, [f"--trainer.default_root_dir={whole}", "--data.batch_size=6"])
    words = [f"--trainer.default_root_dir={parts}", "--trainer.accumulate_grad_batches=3"]
    words += ["--data.batch_size=2", "--trainer.val_check_interval=15"]
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.training.run.Export", Interrupt)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(recipe, words)
    train(recipe, words)
    assert [sitting["first_step"] for sitting in sittings(parts)] == [0, 2]
    assert [sitting["batch"] for sitting in sittings(parts)] == [6, 6]
    assert_alike(whole, parts)
    (ours,), (theirs,) = (logged(folder, "val/psnr").values() for folder in (whole, parts))
    assert theirs == pytest.approx(ours, rel=1e-5)


def test_mixed_precision_stays_near_full_precision(recipe, tmp_path, logged):
    full, mixed = tmp_path / "full", tmp_path / "mixed"
    train(recipe, [f"--trainer.default_root_dir={full}", "--trainer.max_steps=20"])
    bf16 = ["--trainer.precision=bf16-mixed", "--trainer.max_steps=20"]
    train(recipe, [f"--trainer.default_root_dir={mixed}", *bf16])
    ours, theirs = logged(full), logged(mixed)
    assert len(ours) == 20 and ours != theirs
    # The loss is a logarithm: an error that is 2 % larger adds 0.02 to each of its two terms.
    assert theirs == {step: pytest.approx(loss, abs=0.04) for step, loss in ours.items()}


def test_a_packed_folder_trains_to_the_same_weights(recipe, tmp_path, logged):
    photos, store = tmp_path / "photos", tmp_path / "store"
    photos.mkdir()
    for number in range(3):
        Image.effect_noise((90, 70), 40 + number).convert("RGB").save(photos / f"{number}.png")
    with pytest.raises(SystemExit) as stopped:
        main(["pack", str(photos), "-o", str(store), "--patch", "16", "--licence", "CC0-1.0"])
    assert stopped.value.code == 0
    for data, folder in ((photos, tmp_path / "one"), (store, tmp_path / "two")):
        train(recipe, [f"--data.photos={data}", f"--trainer.default_root_dir={folder}"])
    assert logged(tmp_path / "one") == logged(tmp_path / "two")
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert yaml.safe_load((tmp_path / "two" / "config.yaml").read_text())["data"]["photos"]


def test_chance_within_a_network_goes_on_where_it_was(recipe, tmp_path, monkeypatch, logged):
    said = yaml.safe_load(recipe.read_text())
    tiny = {"kind": "swinir", "width": 6, "depths": [3], "heads": 1, "window": 4}
    said["model"]["network"] = {"raw": tiny | {"drop_path": 0.5}, "srgb": None}
    dropping = tmp_path / "dropping.yaml"
    dropping.write_text(yaml.safe_dump(said))
    words = ["--trainer.max_steps=6"]
    whole, parts = (
        [f"--trainer.default_root_dir={tmp_path / name}", *words] for name in ("whole", "parts")
    )
    train(dropping, whole)
    with monkeypatch.context() as patch:
        patch.setattr("pellucid.training.run.Export", Interrupt)
        with pytest.raises(RuntimeError, match="plug pulled"):
            train(dropping, parts)
    torch.manual_seed(99)
    train(dropping, parts)
    ours, theirs = (logged(tmp_path / name) for name in ("whole", "parts"))
    assert sittings(tmp_path / "parts")[1]["first_step"] == 2
    assert ours.keys() == set(range(6))
    assert all(theirs[step][-1] == pytest.approx(ours[step][0], rel=1e-6) for step in ours)
