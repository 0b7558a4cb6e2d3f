"""A batch from its first file to its last."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

import torch

from pellucid.batch.inputs import Shard, Source, find_sources, in_shard, result_names
from pellucid.batch.job import Settings
from pellucid.batch.ledger import Entry, Ledger, keeping
from pellucid.batch.unused import check_used
from pellucid.batch.workers import Outcome, Task, work
from pellucid.checkpoint import Network
from pellucid.errors import FileError
from pellucid.io.checksums import sha256_of
from pellucid.io.places import Place, place_of
from pellucid.models import load_model, weights_of
from pellucid.networks.picture import PictureNet


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """How a batch goes about its files."""

    jobs: int = 1
    """Files at a time."""
    shard: Shard | None = None
    overwrite: bool = False
    """Replace files that no batch wrote."""
    pictures: bool | None = None
    """Restore the pictures of folders; None where the network is one of pictures."""


class Step(NamedTuple):
    """The state of a batch after a file."""

    total: int
    before: int = 0
    """Files whose results were there already."""
    restored: int = 0
    failed: int = 0
    lines: Sequence[str] = ()
    """What there is to say of the file."""
    error: str | None = None
    left: int = 0
    """Files that are still to be done."""
    seconds_left: float | None = None
    """For them, by the bytes of this one and of them."""


class _Item(NamedTuple):
    source: Source
    output: Path
    size: int


def restore_all(
    inputs: Sequence[Path], folder: Path | None, settings: Settings, options: BatchOptions
) -> Generator[Step]:
    """Restore files and trees into a folder, or files beside themselves; a Step after each file.

    A folder of results has a manifest, by which what is done is skipped. Raises PellucidError where
    the whole makes no sense, and where the disk is full.
    """
    decisive, net = _model_facts(settings)
    pictures = isinstance(net, PictureNet) if options.pictures is None else options.pictures
    errors: list[tuple[str, FileError]] = []

    def report(error: FileError) -> None:
        errors.append(("", error))

    sources = find_sources(inputs, pictures, folder, report)
    check_used(settings, net, [source.path for source in sources])
    if not sources and not errors:
        kinds = "raws or pictures" if pictures else "raws"
        raise FileError.of(inputs[0], f"holds no {kinds}; expected some, or other files")
    read = {place_of(source.path) for source in sources}
    if settings.reference is not None:
        read.add(place_of(settings.reference))
    items = _present(_placed(sources, folder, settings.ending, options.shard), read, errors)
    with _account(folder if items else None, options.shard) as ledger:
        yield from _Run(ledger, settings, decisive, options, len(items) + len(errors)).go(
            items, errors
        )


def _model_facts(settings: Settings) -> tuple[dict[str, object], Network]:
    """What decides about results beside the inputs, and the network."""
    with weights_of(settings.model) as path:
        sha256 = sha256_of(path)
    return settings.decisive(sha256), load_model(settings.model, settings.published)


def _placed(
    sources: list[Source], folder: Path | None, ending: str, shard: Shard | None
) -> list[tuple[Source, Path]]:
    """The sources of a shard with their results, whose names all shards agree on."""
    if folder is None:
        named = [source._replace(name=str(source.path)) for source in sources]
        outputs = [Path(name) for name in result_names(named, f"-restored{ending}")]
    else:
        outputs = [folder / name for name in result_names(sources, ending)]
    both = zip(sources, outputs, strict=True)
    return [(source, output) for source, output in both if in_shard(source, shard)]


def _present(
    placed: list[tuple[Source, Path]], read: set[Place], errors: list[tuple[str, FileError]]
) -> list[_Item]:
    """What is there, and would not replace a file that is read."""
    items: list[_Item] = []
    for source, output in placed:
        try:
            if place_of(output) in read:
                raise FileError.of(output, "is an input itself; expected another folder or format")
            items.append(_Item(source, output, _size(source.path)))
        except FileError as error:
            errors.append((source.name, error))
    return items


def _size(path: Path) -> int:
    """Bytes of a regular file: to open a pipe would wait without end."""
    try:
        status = path.stat()
    except OSError as error:
        raise FileError.from_os(path, error) from error
    if not S_ISREG(status.st_mode):
        what = "a directory" if S_ISDIR(status.st_mode) else "no file"
        raise FileError.of(path, f"is {what}; expected a photograph")
    return status.st_size


def _account(folder: Path | None, shard: Shard | None) -> AbstractContextManager[Ledger | None]:
    return nullcontext() if folder is None else keeping(folder, shard)


class _Run:
    """The count of a batch."""

    def __init__(
        self,
        ledger: Ledger | None,
        settings: Settings,
        decisive: dict[str, object],
        options: BatchOptions,
        total: int,
    ) -> None:
        self.ledger, self.settings, self.decisive = ledger, settings, decisive
        self.options, self.step = options, Step(total)

    def go(self, items: list[_Item], errors: list[tuple[str, FileError]]) -> Iterator[Step]:
        for name, error in errors:
            yield self._failed(name, str(error))
        tasks: list[Task] = []
        for number, item in enumerate(items):
            step = self._spared(item)
            if step is not None:
                yield step
            else:
                tasks.append(self._task(number, item))
        yield from self._work(tasks)

    def _spared(self, item: _Item) -> Step | None:
        """The state after a file that needs no work, or gets none; None for the others."""
        if self.ledger is None:
            return None
        if self.ledger.finished(item.source, self.decisive):
            self.step = self.step._replace(before=self.step.before + 1, lines=(), error=None)
            return self.step
        try:
            self.ledger.check_free(
                self._name(item.output), item.source.path, self.options.overwrite
            )
        except FileError as error:
            return self._failed(item.source.name, str(error))
        return None

    def _task(self, number: int, item: _Item) -> Task:
        draft = item.output
        if self.ledger is not None:
            draft = self.ledger.draft(number, self.settings.ending)
        return Task(item.source.path, item.source.name, item.output, draft, item.size)

    def _work(self, tasks: list[Task]) -> Iterator[Step]:
        jobs = min(self.options.jobs, len(tasks))
        threads = max(1, torch.get_num_threads() // max(1, jobs))
        waiting, size = len(tasks), sum(task.size for task in tasks)
        with closing(work(tasks, self.settings, jobs, threads)) as outcomes:
            for task, outcome in outcomes:
                waiting, size = waiting - 1, size - task.size
                self.step = self.step._replace(left=waiting, seconds_left=None)
                yield self._after(task, outcome, size / max(1, task.size) / jobs)

    def _after(self, task: Task, outcome: Outcome, times: float) -> Step:
        """The state after a task; what is left is so many times as much."""
        if outcome.full:
            left = f"{self.step.left + 1} files are left, and the same command goes on with them"
            raise FileError(f"{outcome.error}; {left}")
        error = outcome.error
        if error is None:
            try:
                self._keep(task, outcome)
            except FileError as refused:
                error = str(refused)
        if error is not None:
            return self._failed(task.name, error, outcome)
        self.step = self.step._replace(
            restored=self.step.restored + 1,
            lines=[*outcome.lines, f"wrote {task.output}"],
            error=None,
            seconds_left=outcome.seconds * times,
        )
        return self.step

    def _keep(self, task: Task, outcome: Outcome) -> None:
        if self.ledger is None:
            return
        output = self._name(task.output)
        self.ledger.check_free(output, task.source, self.options.overwrite)
        entry = replace(self._entry(task.name, outcome, output), path=os.path.realpath(task.source))
        self.ledger.keep(entry, task.draft)

    def _failed(self, name: str, error: str, outcome: Outcome | None = None) -> Step:
        outcome = outcome or Outcome([], 0.0)
        if self.ledger is not None:
            self.ledger.say(self._entry(name, outcome._replace(error=error, result=None)))
        self.step = self.step._replace(
            failed=self.step.failed + 1, lines=outcome.lines, error=error, seconds_left=None
        )
        return self.step

    def _entry(self, name: str, outcome: Outcome, output: str | None = None) -> Entry:
        return Entry(
            name=name,
            source=outcome.source,
            settings=self.decisive,
            finished=datetime.now().astimezone().isoformat(timespec="seconds"),
            seconds=round(outcome.seconds, 3),
            output=output,
            result=outcome.result,
            noise=outcome.noise,
            error=outcome.error,
        )

    def _name(self, output: Path) -> str:
        """The name of a result in its tree."""
        assert self.ledger is not None
        return output.relative_to(self.ledger.folder).as_posix()
