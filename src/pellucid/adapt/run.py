"""One adaptation: from a user's noisy files and a model to a model that restores them better."""
# pyright: reportUnknownMemberType=false

import json
import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from pellucid.adapt.bar import AdaptBar, Clock
from pellucid.adapt.files import Kind, divide, files_of, gather_pictures, gather_raws
from pellucid.adapt.judge import Bench, Judge, Verdict
from pellucid.adapt.streams import (
    SIDE,
    NoisyPictures,
    NoisyRaws,
    noise_of_picture,
    texture_of_raws,
)
from pellucid.adapt.training import SETTINGS, AdaptData, AdaptPictures, AdaptRaws, Terms
from pellucid.checkpoint import Network, save_network
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.mixtures import Mixture
from pellucid.data.photos import Photographs, photo_source, reduced
from pellucid.data.sources import WeightedSource
from pellucid.data.unpaired import Draw
from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing
from pellucid.io.replacing import check_folder
from pellucid.models import load_model
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.training.network import NetworkTraining
from pellucid.training.run_folder import RunFacts, WholeCheckpoints, card, metadata, sittings, tidy
from pellucid.training.schedules import Cosine

Say = Callable[[str], object]
Warn = Callable[[FileError], object]
SAMPLE = "seeding.jpg"
NO_NOISE = 0.5 / 255
"""Standard deviation below which pictures have no noise: 8 bits round by 0.3 levels."""
NOT_NOISE = ("derain", "deblur")
"""Models whose pictures the rule cannot judge: it knows of noise alone."""
FOREVER = 10**9


@dataclass(frozen=True)
class AdaptOptions:
    """What a user asks for."""

    model: str
    real: Path
    output: Path
    photos: Path | None = None
    camera: str | None = None
    minutes: float | None = 10.0
    steps: int | None = None
    """In place of minutes."""
    seed: int = 0
    terms: Terms = "both"
    settings: AdaptationConfig = SETTINGS
    learning_rate: float = 3e-5
    patch: int = 64
    batch: int = 8
    every: int = 50
    """Steps between verdicts."""
    patience: int = 8
    """Verdicts without a better one that end it."""
    judged: int = 64
    """Held-out patches."""

    @property
    def folder(self) -> Path:
        """The run folder, beside the output."""
        return self.output.with_suffix(".run")

    @property
    def same(self) -> dict[str, str]:
        """What must not change when a run goes on."""
        paths = {"real": self.real, "photos": self.photos}
        said = {name: None if path is None else path.resolve() for name, path in paths.items()}
        said |= {"model": self.model, "camera": self.camera, "seed": self.seed}
        return {name: str(value) for name, value in said.items()}


class Outcome(NamedTuple):
    """What came of it."""

    best: Verdict | None
    """None where nothing was gained, and no model is written."""
    steps: int
    interrupted: bool
    said: str = ""
    """Why nothing could be gained, where that is known."""


class Material(NamedTuple):
    """The user's files, ready to be adapted to and judged by."""

    kept: NoisyRaws | NoisyPictures
    held: NoisyRaws | NoisyPictures
    level: float
    """Of the noise: standard deviation of pictures, or in units of what raws are told."""
    words: str


def adapt(options: AdaptOptions, command: str, say: Say, warn: Warn) -> Outcome:
    """Adapt, and write the best model by the rule, if it is better than the start.

    A run folder beside the output holds what it takes to go on. Raises PellucidError where nothing
    can be read, or the folder holds another adaptation.
    """
    check(options)
    start = load_model(options.model)
    kind: Kind = "raws" if isinstance(start, DualDomainNet) else "pictures"
    material = gather(options, kind, say, warn)
    if kind == "pictures" and material.level < NO_NOISE:
        level = f"{255 * material.level:.2f} of 255 levels"
        return Outcome(None, 0, False, f"the pictures show no noise ({level})")
    photos, sources = None, []
    if options.terms != "own":
        photos, sources = clean_sources(options.photos, say)
    options.folder.mkdir(exist_ok=True)
    tidy(options.folder)
    agree(options)
    return run(options, command, start, material, photos, sources)


def check(options: AdaptOptions) -> None:
    """Raise PellucidError for what cannot be adapted, or written."""
    if options.model in NOT_NOISE:
        raise PellucidError(
            f"--model {options.model}: the rule that ends an adaptation knows of noise alone; "
            f"expected a model that removes noise, or pellucid train "
            f"recipes/adapt_{options.model}.yaml, which has no such rule"
        )
    if options.output.suffix != ".safetensors":
        raise PellucidError(f"-o {options.output}: expected a name ending in .safetensors")
    check_folder(options.output)


def agree(options: AdaptOptions) -> None:
    """Raise PellucidError where the run folder holds an adaptation that is not this one."""
    path, same = options.folder / "adapt.json", options.same
    before: dict[str, str] = json.loads(path.read_text()) if path.exists() else same
    other = [name for name in same if before.get(name) != same[name]]
    if other:
        raise FileError.of(
            options.folder,
            f"holds an adaptation with {other[0]} {before.get(other[0])}; expected the same again, "
            "or another -o",
        )
    with replacing(path) as file:
        file.write(json.dumps(same, indent=1).encode())


def gather(options: AdaptOptions, kind: Kind, say: Say, warn: Warn) -> Material:
    """Read, report, divide, and measure the noise."""
    paths, seed = files_of(options.real, kind), options.seed
    if kind == "raws":
        raws = gather_raws(paths, options.camera, warn)
        report(raws.cameras, len(raws.items), options.camera, say)
        parts = divide(raws.items, seed)
        say(parts.words)
        texture = texture_of_raws(parts.kept, seed)
        kept, held = (NoisyRaws(part, texture) for part in (parts.kept, parts.held))
        return Material(kept, held, texture.level, f"real: {len(raws.items)} raws")
    pictures = gather_pictures(paths, options.camera, warn)
    report(pictures.cameras, len(pictures.items), options.camera, say)
    parts = divide(pictures.items, seed)
    say(parts.words)
    noises = [[noise_of_picture(file, seed) for file in part] for part in (parts.kept, parts.held)]
    kept, held = map(NoisyPictures, (parts.kept, parts.held), noises)
    level = fmean(noise.level for part in noises for noise in part)
    return Material(kept, held, level, f"real: {len(pictures.items)} pictures")


def report(cameras: dict[str, int], used: int, camera: str | None, say: Say) -> None:
    """Say whose files they are."""
    named = ", ".join(f"{name} ({count})" for name, count in cameras.items())
    say(f"{used} files of {named}")
    if len(cameras) > 1 and camera is None:
        say("adapting to all of these cameras at once; --camera NAME takes the files of one")


def clean_sources(photos: Path | None, say: Say) -> tuple[Mixture, list[object]]:
    """Photographs and dead leaves, and those of them that have licences."""
    if photos is not None:
        read = photo_source(photos)
        return mixture(read, 0.85), [read]
    say("clean pictures: dead leaves and the one photograph in the package (CC0); --photos DIR")
    with as_file(files("pellucid") / "samples" / SAMPLE) as path:
        packaged = Photographs([SAMPLE], [reduced(path, 2)])
    return mixture(packaged, 0.5), [PackagedLicence()]


def mixture(photos: Photographs, share: float) -> Mixture:
    """Photographs, and dead leaves for the rest."""
    return Mixture([WeightedSource(photos, share), WeightedSource(DeadLeaves(), 1 - share)])


class PackagedLicence:
    """The licence of the photograph in the package."""

    def licences(self) -> dict[str, list[str]]:
        """CC0."""
        return {"CC0-1.0": [SAMPLE]}


def run(
    options: AdaptOptions,
    command: str,
    start: Network,
    material: Material,
    photos: Mixture | None,
    sources: list[object],
) -> Outcome:
    """Train until the rule, the clock or the user ends it; write what was best."""
    torch.manual_seed(options.seed)
    os.environ["PL_GLOBAL_SEED"] = str(options.seed)
    training = training_of(options, start)
    clean = photos.sources if photos else []
    words = [*(type(each.source).__name__ for each in clean), material.words]
    data = AdaptData(
        photos,
        material.kept,
        sources,
        words,
        patch=options.patch,
        batch_size=options.batch,
        seed=options.seed,
    )
    bench = Bench([held_patch(material, options, n) for n in range(options.judged)], start)
    judge = Judge(bench, options.folder, options.every, options.patience, start)
    clock = Clock(None if options.steps else options.minutes)
    trainer = trainer_of(options, command, judge, clock)
    stopped = fit(trainer, training, data, options.folder)
    write(options, training, judge, trainer)
    return Outcome(judge.best, trainer.global_step, stopped)


def held_patch(material: Material, options: AdaptOptions, n: int) -> Any:
    """Patch n of those that judge."""
    return material.held.patch(SIDE, Draw(options.seed + 1, "real", n))


def training_of(options: AdaptOptions, start: Network) -> NetworkTraining:
    """What is trained."""
    kind = AdaptRaws if isinstance(start, DualDomainNet) else AdaptPictures
    return kind(
        options.model,
        options.settings,
        options.terms,
        learning_rate=options.learning_rate,
        weight_decay=0.0,
        schedule=Cosine(warmup_steps=20, decay_share=0.0),
    )


def trainer_of(options: AdaptOptions, command: str, judge: Judge, clock: Clock) -> Trainer:
    """One device, one bar, and a checkpoint at every verdict."""
    saving = ModelCheckpoint(
        options.folder / "checkpoints",
        "last",
        every_n_train_steps=options.every,
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [AdaptBar(clock), RunFacts(command), judge, clock, saving]
    return Trainer(
        default_root_dir=options.folder,
        max_steps=options.steps or FOREVER,
        devices=1,
        logger=False,
        callbacks=callbacks,
        plugins=[WholeCheckpoints()],
        gradient_clip_val=1.0,
        enable_model_summary=False,
        limit_val_batches=0,
        use_distributed_sampler=False,
    )


def fit(trainer: Trainer, training: NetworkTraining, data: AdaptData, folder: Path) -> bool:
    """Train, from the last checkpoint on if there is one; whether the user interrupted it."""
    last = folder / "checkpoints" / "last.ckpt"
    with warnings.catch_warnings(), graceful(trainer) as interrupts:
        # A run that goes on finds its own checkpoints there.
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", "The '\\w+_dataloader' does not have many workers")
        trainer.fit(training, data, ckpt_path=str(last) if last.exists() else None)
        trainer.save_checkpoint(last)
    return bool(interrupts)


@contextmanager
def graceful(trainer: Trainer) -> Generator[list[int]]:
    """Ctrl-C ends the step and then the training; pressed again, everything."""
    interrupts: list[int] = []

    def stop(number: int, _: object) -> None:
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(number)
        trainer.should_stop = True

    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # signals are for the main thread alone
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def write(options: AdaptOptions, training: NetworkTraining, judge: Judge, trainer: Trainer) -> None:
    """Write the best model and its card, if there is one."""
    if judge.best is None or judge.weights is None:
        return
    training.net.load_state_dict(judge.weights)
    said = metadata(sittings(options.folder), judge.best.step, training.start)
    said |= {"rule": json.dumps(asdict(judge.best))}
    with replacing(options.folder / "card.md") as file:
        file.write(card(trainer, training.net, said).encode())
    save_network(training.net, training.config, options.output, **said)
