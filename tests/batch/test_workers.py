"""Files that crash or hang the process that reads them."""

import os
import signal
import threading
import time
from multiprocessing import Pipe, active_children
from pathlib import Path

import pytest
import torch

from pellucid import Camera, Noise, write_mosaic
from pellucid.batch import Settings, workers
from pellucid.batch.workers import Outcome, Task, work


def task(path: Path) -> Task:
    return Task(path, path.name, path.with_suffix(".png"), path.with_suffix(".png"), 1)


def crash_at(path: Path) -> None:
    """End the process that waits at a pipe, as a decoder's fault would."""
    while True:
        try:
            writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.01)
            continue
        for child in active_children():
            assert child.pid is not None
            os.kill(child.pid, signal.SIGSEGV)
        os.close(writer)
        return


def test_a_crash_and_a_hang_cost_their_own_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("crash.dng", "hang.dng"):
        os.mkfifo(tmp_path / name)
    mosaic = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    camera = Camera.of(torch.eye(3), torch.ones(3))
    write_mosaic(tmp_path / "good.dng", mosaic, camera, Noise(1e-3, 1e-6))
    tasks = [task(tmp_path / name) for name in ("hang.dng", "crash.dng", "good.dng")]
    monkeypatch.setattr(workers, "READING_SECONDS", 0.3)
    outcomes: dict[str, Outcome] = {}
    for done, outcome in work(tasks[:1], Settings(), 1, 1):
        outcomes[done.name] = outcome
    monkeypatch.setattr(workers, "READING_SECONDS", 60.0)
    killer = threading.Thread(target=crash_at, args=(tmp_path / "crash.dng",))
    killer.start()
    for done, outcome in work(tasks[1:], Settings(), 1, 1):
        outcomes[done.name] = outcome
    killer.join()
    hang, crash = (tmp_path / name for name in ("hang.dng", "crash.dng"))
    assert outcomes["hang.dng"].error == (
        f"{hang}: reading it took more than 0.3 s; expected a file that is not damaged, and memory"
    )
    assert outcomes["crash.dng"].error == (
        f"{crash}: restoring it ended the process (SIGSEGV); "
        "expected a file that is not damaged, and memory"
    )
    good = outcomes["good.dng"]
    assert good.error is None and good.result is not None
    assert good.result.size == (tmp_path / "good.png").stat().st_size
    assert not active_children()


def test_a_network_that_does_not_load_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    ours, theirs = Pipe()
    workers.serve(theirs, Settings(model="nope"), 1)
    assert ours.recv().startswith("nope: no such model")
    ours.close()
    theirs.close()
