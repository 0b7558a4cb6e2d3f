"""What the progress bar says of a run."""

import re

import pytest

from pellucid.training.run import train

LINE = re.compile(r"(\d+)/(\d+) \[(\d\d:\d\d)<([\d:?]+), .*?step.*patches/s=([\d.]+)")


@pytest.fixture
def bar(recipe, tmp_path, capsys):
    """Trains, and gives done, all, elapsed, remaining and patches a second as they were shown."""

    def shown(*words: str) -> list[tuple[str, ...]]:
        folder = f"--trainer.default_root_dir={tmp_path / 'run'}"
        train(recipe, [folder, "--trainer.enable_progress_bar=true", *words])
        return LINE.findall(capsys.readouterr().out.replace("\r", "\n"))

    return shown


def test_the_bar_counts_the_steps_of_the_run_and_goes_on_with_them(bar):
    first = bar("--trainer.max_steps=4")
    assert {total for _, total, *_ in first} == {"4"} and first[-1][0] == "4"
    # Not what is left of it, as Lightning's: 4 of 8 are done.
    second = bar("--trainer.max_steps=8")
    assert {total for _, total, *_ in second} == {"8"}
    assert [int(done) for done, *_ in (second[0], second[-1])] == [5, 8]


def test_epochs_do_not_begin_anew_and_accumulation_counts_once(bar):
    words = ["--trainer.max_epochs=3", "--trainer.limit_train_batches=4", "--trainer.max_steps=-1"]
    lines = bar(*words, "--trainer.accumulate_grad_batches=2", "--trainer.val_check_interval=4")
    done = [int(number) for number, *_ in lines]
    assert done == sorted(done) and done[-1] == 6 and {total for _, total, *_ in lines} == {"6"}


def test_the_remaining_time_and_the_rate_are_those_of_the_whole_run(bar, monkeypatch):
    clock = iter(range(0, 10**6, 10))  # every look at the clock is ten seconds later
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(clock)))
    lines = bar("--trainer.max_steps=6", "--trainer.limit_val_batches=0")
    for done, total, elapsed, remaining, rate in lines[:-1]:
        minutes, seconds = elapsed.split(":")
        past = 60 * int(minutes) + int(seconds)
        left = sum(60**i * int(part) for i, part in enumerate(reversed(remaining.split(":"))))
        assert left == pytest.approx(past * (int(total) / int(done) - 1), rel=0.3, abs=2)
        assert 2 * int(done) / past == pytest.approx(float(rate), rel=0.7)


def test_a_bar_of_the_recipes_own_is_kept(recipe, tmp_path, capsys):
    words = ["--trainer.max_steps=2", "--trainer.enable_progress_bar=true"]
    words += ["--trainer.callbacks=lightning.pytorch.callbacks.TQDMProgressBar"]
    train(recipe, [f"--trainer.default_root_dir={tmp_path / 'run'}", *words])
    shown = capsys.readouterr().out
    assert "Epoch 0" in shown and "patches/s" not in shown
