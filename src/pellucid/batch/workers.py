"""Processes that restore, each a file at a time, and are replaced when a file kills them.

A damaged raw can crash or hang the decoder, and no handler in its process survives that. Processes
are spawned: LibRaw deadlocks in forked ones.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import errno
import math
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from enum import Enum
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

import torch

from pellucid.batch.job import Settings, read_photo, restore_photo
from pellucid.batch.ledger import Content, Level, content_of
from pellucid.calibration.known_noise import KnownNoise
from pellucid.errors import FileError, PellucidError
from pellucid.restore import Restorer

READING_SECONDS = 600.0
"""How long reading one file may take, from a slow disk too; what takes longer hangs."""
_SPAWN = multiprocessing.get_context("spawn")


class Task(NamedTuple):
    """A file and where its result goes."""

    source: Path
    name: str
    output: Path
    draft: Path
    """Where it is written first; the result itself where nothing keeps account."""
    size: int
    """Bytes of the file."""


class Outcome(NamedTuple):
    """What became of a task."""

    lines: list[str]
    """What there is to say."""
    seconds: float
    source: Content | None = None
    result: Content | None = None
    noise: Level | None = None
    error: str | None = None
    full: bool = False
    """The disk takes no more, so that further files have no hope."""


class _Sign(Enum):
    """What a process says on the way."""

    STARTED = "the network is loaded"
    READ = "the file is read"


# -- in the process --------------------------------------------------------------------------------


def serve(pipe: Connection, settings: Settings, threads: int) -> None:
    """Restore what comes through the pipe until it is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        restorer = settings.load()
    except Exception as error:  # whatever it is, the other side says it
        pipe.send(_words(error))
        return
    pipe.send(_Sign.STARTED)
    with suppress(EOFError):
        while True:
            pipe.send(_attempt(pipe.recv(), restorer, settings, pipe))


def _end_with_parent() -> None:
    """A killed parent takes its processes with it, whatever they are at."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _attempt(task: Task, restorer: Restorer, settings: Settings, pipe: Connection) -> Outcome:
    lines: list[str] = []
    source: Content | None = None
    begun = time.perf_counter()
    try:
        source = content_of(task.source)
        photo = read_photo(task.source)
        pipe.send(_Sign.READ)
        known = restore_photo(
            photo, task.draft, restorer, settings, lines.append, source=task.source
        )
        result = _settled(task.draft)
    except Exception as error:  # one file never stops the others
        words = _words(error).replace(str(task.draft), str(task.output))
        if not isinstance(error, FileError):
            words = f"{task.source}: {words}"
        seconds = time.perf_counter() - begun
        return Outcome(lines, seconds, source, error=words, full=_is_full(error))
    return Outcome(lines, time.perf_counter() - begun, source, result, _level(known))


def _settled(draft: Path) -> Content:
    """A written file, once it is on the disk."""
    try:
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise FileError.from_os(draft, error) from error
    return content_of(draft)


def _level(known: KnownNoise | None) -> Level | None:
    if known is None:
        return None
    shot, read = (level.flatten().tolist() for level in known.noise)
    return Level(shot, read, known.origin)


def _words(error: Exception) -> str:
    """An error on one line; one that is not ours with its kind."""
    words = " ".join(str(error).split())
    return words if isinstance(error, PellucidError) else f"{type(error).__name__}: {words}"


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
        if isinstance(error, OSError) and error.errno in full:
            return True
        error = error.__cause__
    return False


# -- on the other side -----------------------------------------------------------------------------


class _Worker:
    """A process, and the task it is at."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=serve, args=(theirs, settings, threads), daemon=True)
        with _interrupts_ignored():
            self.process.start()
        theirs.close()
        self.alive, self.started = True, False
        self.task: Task | None = None
        self.begun, self.deadline = 0.0, math.inf

    def give(self, task: Task) -> None:
        self.task = task
        self._begin()
        with suppress(OSError):  # it has died, which is found when it is listened to
            self.pipe.send(task)

    def _begin(self) -> None:
        """Time counts from where the process is ready."""
        self.begun = time.perf_counter()
        self.deadline = self.begun + READING_SECONDS if self.started else math.inf

    def is_late(self) -> bool:
        return time.perf_counter() > self.deadline

    def hear(self) -> Outcome | None:
        """What became of its task; None where that is still open. A hanging process is ended."""
        if self.is_late():
            return self._lost(f"reading it took more than {READING_SECONDS:g} s")
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return self._lost(f"restoring it ended the process ({_ending(self.process.exitcode)})")
        match said:
            case Outcome():
                self.task, self.deadline = None, math.inf
                return said
            case _Sign.STARTED:
                self.started = True
                self._begin()
            case _Sign.READ:
                self.deadline = math.inf
            case _:
                raise PellucidError(str(said))
        return None

    def _lost(self, words: str) -> Outcome | None:
        self.end()
        if self.task is None:
            return None
        if not self.started:
            raise PellucidError(f"a process that restores did not start: {words}")
        error = f"{self.task.source}: {words}; expected a file that is not damaged, and memory"
        return Outcome([], time.perf_counter() - self.begun, error=error)

    def end(self) -> None:
        self.alive = False
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _interrupts_ignored() -> Generator[None]:
    """Ctrl-C goes to all processes of a terminal; those begun in here leave it to their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def work(
    tasks: Iterable[Task], settings: Settings, jobs: int, threads: int
) -> Generator[tuple[Task, Outcome]]:
    """Each task with its outcome, as they are done, `jobs` at a time.

    Raises PellucidError where a process cannot even start.
    """
    left, workers = deque(tasks), list[_Worker]()
    try:
        while left or any(worker.alive and worker.task for worker in workers):
            workers = [worker for worker in workers if worker.alive]
            _hand_out(left, workers, settings, jobs, threads)
            for worker in _heard(workers):
                task, outcome = worker.task, worker.hear()
                if task is not None and outcome is not None:
                    yield task, outcome
    finally:
        for worker in workers:
            worker.end()


def _hand_out(
    left: deque[Task], workers: list[_Worker], settings: Settings, jobs: int, threads: int
) -> None:
    """A task for everyone who is free, with new processes where there are too few."""
    free = [worker for worker in workers if worker.task is None]
    while left and (free or len(workers) < jobs):
        if not free:
            workers.append(_Worker(settings, threads))
            free = workers[-1:]
        free.pop().give(left.popleft())


def _heard(workers: list[_Worker]) -> list[_Worker]:
    """Those who have something to say or are late."""
    patience = min(worker.deadline for worker in workers) - time.perf_counter()
    speaking = wait([worker.pipe for worker in workers], _seconds(patience))
    return [worker for worker in workers if worker.pipe in speaking or worker.is_late()]


def _seconds(patience: float) -> float | None:
    return None if patience == math.inf else max(0.0, patience)
