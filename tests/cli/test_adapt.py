"""`pellucid adapt`: what it writes, what it says of each kind of folder, and how it goes on."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pellucid import Camera, Noise, UNetConfig, unrender, write_mosaic, write_picture
from pellucid.adapt.judge import Bench, Verdict
from pellucid.adapt.options import AdaptOptions
from pellucid.checkpoint import read_checkpoint, save_network
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.synthesis import generator_of
from pellucid.io import DngFields
from pellucid.networks.picture import PictureConfig
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor([[0.5, 0, 0], [-0.6, 1.3, 0.3], [-0.1, 0.2, 0.7]]), torch.ones(3))
NOISE = Noise(2e-2, 1e-3)
CLEAN = DeadLeaves(leaves=12).patch(256, generator_of(5))


def raws(folder: Path, count: int, make: str = "Able", first: int = 0) -> Path:
    """Very noisy DNGs of a scene, which say their noise."""
    folder.mkdir(exist_ok=True)
    mosaic = unrender(0.1 + 0.6 * CLEAN, CAMERA)
    for number in range(first, first + count):
        noisy = add_noise(mosaic.roll(16 * number, -1), NOISE, generator=generator_of(number))
        write_mosaic(
            folder / f"{number}.dng", noisy, CAMERA, NOISE, DngFields(make=make, model="1")
        )
    return folder


def pictures(folder: Path, count: int, sigma: float) -> Path:
    """PNGs of a scene under white noise."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        noise = sigma * torch.randn(CLEAN.shape, generator=generator_of(number))
        write_picture(folder / f"{number}.png", 0.1 + 0.8 * CLEAN.roll(16 * number, -1) + noise)
    return folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: bytes) -> Path:
    """A working directory with tiny networks, whose adaptations are short."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.safetensors").write_bytes(weights)
    config = PictureConfig(UNetConfig(shuffle=2, widths=(8, 16)))
    torch.manual_seed(0)
    net = config.build()
    nn.init.normal_(net.net.body.head.weight, std=0.05)  # pyright: ignore
    save_network(net, config, tmp_path / "picture.safetensors")
    short = {"learning_rate": 2e-3, "patch": 32, "batch": 2, "every": 4, "judged": 8}
    monkeypatch.setattr("pellucid.adapt.options.AdaptOptions", with_defaults(short))
    return tmp_path


def with_defaults(said: dict[str, float]):
    """`AdaptOptions` with other defaults."""
    return lambda **kwargs: AdaptOptions(**(said | kwargs))


def verdicts(folder: Path) -> list[Verdict]:
    return [Verdict(**json.loads(x)) for x in (folder / "rule.jsonl").read_text().splitlines()]


def test_noisy_raws_give_a_better_model_by_the_rule_and_an_account(place, pellucid):
    raws(place / "mine", 5)
    words = "adapt --model raw.safetensors --real mine -o my.safetensors --steps 12 --terms all"
    done = pellucid(words)
    assert done.code == 0, done
    assert done.out[0] == "5 files of Able 1 (5)"
    assert done.out[1] == "1 of 5 files are held out to judge by"
    assert "dead leaves and the one photograph in the package" in done.out[2]
    found = verdicts(place / "my.run")
    best = max(found, key=lambda verdict: verdict.gain)
    assert best.sure and f"step {best.step}" in done.out[-1]
    written = read_checkpoint(place / "my.safetensors")
    assert json.loads(written.facts["rule"])["step"] == best.step
    assert not any("critic" in name for name in written.net.state_dict())
    assert len(list((place / "my.run" / "samples").iterdir())) == len(found) == 3
    card = (place / "my.run" / "card.md").read_text()
    assert "CC0-1.0, 1 file: seeding.jpg" in card and "config.yaml" not in card


def test_raws_of_texture_with_hardly_any_noise_teach_nothing(place, pellucid):
    """What is fine in them would be taken for their noise, and adapted away."""
    (place / "mine").mkdir()
    told = Noise(torch.tensor(1e-6), torch.tensor(1e-9))
    for number in range(3):
        texture = 0.1 * torch.rand(1, 256, 256, generator=generator_of(number))
        noisy = add_noise(0.3 + texture, told, generator=generator_of(number))
        path = place / "mine" / f"{number}.dng"
        write_mosaic(path, noisy, CAMERA, told, DngFields(make="Able", model="1"))
    done = pellucid("adapt --model raw.safetensors --real mine -o my.safetensors --steps 8")
    assert done.code == 1 and "too little noise: even calm parts are" in done.out[-1], done
    assert not (place / "my.safetensors").exists()


def test_pictures_are_adapted_to_by_a_model_of_pictures(place, pellucid):
    pictures(place / "mine", 3, 0.1)
    words = "adapt --model picture.safetensors --real mine -o my.safetensors --steps 8"
    done = pellucid(f"{words} --photos mine")
    assert done.code == 0, done
    assert done.out[0] == "3 files of no camera named (3)"
    assert max(verdict.gain for verdict in verdicts(place / "my.run")) > 0


@pytest.mark.parametrize("at", [2, 5])
def test_an_interrupted_adaptation_keeps_the_best_and_goes_on(place, pellucid, monkeypatch, at):
    raws(place / "mine", 2)
    words = "adapt --model raw.safetensors --real mine --steps 8 --terms own -o"
    assert pellucid(f"{words} whole.safetensors").code == 0
    with monkeypatch.context() as patch:
        send(patch, signal.SIGINT, at)
        done = pellucid(f"{words} cut.safetensors")
    assert done.code == 130
    cut = torch.load(place / "cut.run" / "checkpoints" / "last.ckpt", weights_only=False)
    assert cut["global_step"] == at
    assert pellucid(f"{words} cut.safetensors").code == 0
    whole, cut = (read_checkpoint(place / f"{n}.safetensors").net for n in ("whole", "cut"))
    ours, theirs = whole.state_dict(), cut.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def send(patch: pytest.MonkeyPatch, number: signal.Signals, at: int, times: int = 1) -> None:
    """Signal the process in the middle of a step."""
    from pellucid.adapt.training import AdaptRaws

    step = AdaptRaws.training_step

    def interrupted(self, batch, number_of_batch):
        for _ in range(times * (self.global_step == at - 1)):
            os.kill(os.getpid(), number)
        return step(self, batch, number_of_batch)

    patch.setattr(AdaptRaws, "training_step", interrupted)


def test_a_terminated_adaptation_writes_what_was_best_and_goes_on(place, pellucid, monkeypatch):
    raws(place / "mine", 2)
    words = "adapt --model raw.safetensors --real mine --steps 8 --terms own -o my.safetensors"
    with monkeypatch.context() as patch:
        send(patch, signal.SIGTERM, 6)
        done = pellucid(words)
    assert done.code == 143 and "step 4" in done.out[-2], done
    assert "the same command goes on" in done.out[-1]
    assert (place / "my.safetensors").exists()
    done = pellucid(words)
    assert done.code == 0 and [each.step for each in verdicts(place / "my.run")] == [4, 8]


def test_ctrl_c_twice_ends_at_once_as_an_interruption(place, pellucid, monkeypatch):
    raws(place / "mine", 2)
    send(monkeypatch, signal.SIGINT, 6, times=2)
    done = pellucid("adapt --model raw.safetensors --real mine --steps 8 -o my.safetensors")
    assert done.code == 130 and not (place / "my.safetensors").exists()


def test_nothing_is_written_that_is_not_better_by_the_rule(place, pellucid, monkeypatch):
    raws(place / "mine", 2)
    monkeypatch.setattr(Bench, "verdict", lambda self, net, step: Verdict(step, -1e-3, 1e-6))
    done = pellucid("adapt --model raw.safetensors --real mine -o my.safetensors --steps 4")
    assert done.code == 1 and not (place / "my.safetensors").exists()
    assert done.out[-1] == (
        "4 steps brought no gain on what was held out: no model is written, "
        "--model raw.safetensors stays the best for these files"
    )


def test_clean_pictures_are_left_alone(place, pellucid, monkeypatch):
    smooth = F.interpolate(CLEAN[None, :, ::32, ::32], scale_factor=32, mode="bilinear")[0]
    monkeypatch.setitem(globals(), "CLEAN", smooth)
    pictures(place / "mine", 3, 0.0)
    done = pellucid("adapt --model picture.safetensors --real mine -o my.safetensors --steps 4")
    assert done.code == 1 and not (place / "my.safetensors").exists()
    assert done.out[-1].startswith("the pictures show no noise (0.")


@pytest.mark.parametrize("named", ["mine", "mine/0.dng"])
def test_one_file_is_judged_by_its_right_hand_quarter(place, pellucid, named):
    raws(place / "mine", 1)
    words = f"adapt --model raw.safetensors --real {named} -o my.safetensors --steps 4 --terms own"
    done = pellucid(words)
    assert done.out[1].startswith("0.dng is all there is: its right-hand 128 columns")
    assert done.code in (0, 1) and len(verdicts(place / "my.run")) == 1


def test_cameras_are_told_apart_and_one_can_be_chosen(place, pellucid):
    raws(place / "mine", 2)
    raws(place / "mine", 1, "Baker", first=2)
    words = "adapt --model raw.safetensors --real mine --steps 1 --terms own -o"
    both = pellucid(f"{words} both.safetensors")
    assert both.out[0] == "3 files of Able 1 (2), Baker 1 (1)"
    assert both.out[1].startswith("adapting to all of these cameras at once; --camera NAME")
    one = pellucid(f"{words} one.safetensors --camera baker")
    assert one.out[0] == "1 file of Able 1 (2), Baker 1 (1)"
    none = pellucid(f"{words} none.safetensors --camera Leica")
    assert none.code == 2 and "expected one of Able 1, Baker 1" in none.err[-1]


def test_bad_files_get_a_line_each_and_the_others_go_on(place, pellucid):
    raws(place / "mine", 2)
    (place / "mine" / "bad.dng").write_text("no raw")
    (place / "mine" / "worse.dng").touch()
    words = "adapt --model raw.safetensors --real mine --steps 1 --terms own -o my.safetensors"
    done = pellucid(words)
    said = [line for line in done.err if "mine/" in line]
    assert done.code in (0, 1) and len(said) == 2 and done.out[0].startswith("2 files of Able")
    for name in ("0.dng", "1.dng"):
        (place / "mine" / name).unlink()
    none = pellucid(words)
    assert none.code == 2 and none.err[-1].endswith(
        "none of 2 files could be read; expected one or more"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--real nowhere -o a.safetensors", "nowhere: no such folder"),
        ("--real mine -o a.pth", "a.pth: unknown ending '.pth'; expected .safetensors"),
        ("--real mine -o raw.safetensors", "is the same file as raw.safetensors; expected another"),
        ("--real mine -o no/a.safetensors", "the folder no does not exist"),
        ("--real mine -o a.safetensors --model derain", "recipes/adapt_derain.yaml"),
        (
            "--real mine -o a.safetensors --model picture.safetensors",
            "mine holds 1 raw; the model",
        ),
        ("--real empty -o a.safetensors", "empty holds neither raws nor pictures"),
        ("--real mine -o a.safetensors --photos empty", "empty: no photographs"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(place, pellucid, words, said):
    raws(place / "mine", 1)
    (place / "empty").mkdir()
    done = pellucid(f"adapt --model raw.safetensors {words} --steps 1")
    assert done.code == 2 and said in done.err[-1]
    assert not list(place.glob("a.*"))


def test_another_adaptation_does_not_go_on_in_a_run_folder(place, pellucid):
    raws(place / "mine", 2)
    words = "adapt --model raw.safetensors --real mine --steps 1 --terms own -o my.safetensors"
    pellucid(words)
    done = pellucid(f"{words} --seed 3")
    assert done.code == 2 and "holds an adaptation with seed 0" in done.err[-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: raws(place / "mine", 1, first=9), "with files 2 (SHA-256 "),
        (lambda place: heavier(place / "raw.safetensors"), "with weights "),
    ],
    ids=["files", "weights"],
)
def test_other_files_or_weights_by_the_same_names_are_another_adaptation(
    place, pellucid, change, said
):
    """Files that were trained on could be among those that are held out of the new ones."""
    raws(place / "mine", 2)
    words = "adapt --model raw.safetensors --real mine --steps 1 -o my.safetensors"
    pellucid(words)
    change(place)
    done = pellucid(words)
    assert done.code == 2 and f"holds an adaptation {said}" in done.err[-1]


def heavier(path: Path) -> None:
    """The same network with other weights."""
    held = read_checkpoint(path)
    for weight in held.net.parameters():
        weight.data *= 1.1
    assert held.config is not None
    save_network(held.net, held.config, path)


@pytest.mark.parametrize("name", ["adapt.json", "checkpoints/last.ckpt"])
def test_a_damaged_run_folder_is_said_in_a_line(place, pellucid, name):
    raws(place / "mine", 2)
    words = "adapt --model raw.safetensors --real mine --steps 1 -o my.safetensors"
    pellucid(words)
    path = place / "my.run" / name
    path.write_bytes(path.read_bytes()[:40])
    done = pellucid(words)
    assert done.code == 2 and f"my.run/{name}: damaged (" in done.err[-1]
