"""One adaptation: from a user's noisy files and a model to a model that restores them better."""
# pyright: reportUnknownMemberType=false

import json
import os
import signal
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from pellucid.adapt.bar import AdaptBar, Clock
from pellucid.adapt.files import Kind
from pellucid.adapt.identity import agree
from pellucid.adapt.judge import Bench, Judge, Verdict
from pellucid.adapt.material import Material, Say, Warn, clean_sources, gather
from pellucid.adapt.options import AdaptOptions
from pellucid.adapt.raw_levels import SIDE
from pellucid.adapt.streams import NOISE_ALONE
from pellucid.adapt.training import AdaptData, AdaptPictures, AdaptRaws
from pellucid.checkpoint import Network, save_network
from pellucid.data.mixtures import Mixture
from pellucid.data.unpaired import Draw
from pellucid.errors import PellucidError
from pellucid.io import replacing
from pellucid.io.locks import alone_in
from pellucid.io.places import check_apart
from pellucid.io.replacing import check_file
from pellucid.models import load_model
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.training.network import NetworkTraining
from pellucid.training.resuming import check_checkpoint
from pellucid.training.run_folder import RunFacts, WholeCheckpoints, card, metadata, sittings, tidy
from pellucid.training.schedules import Cosine

NO_NOISE = 0.5 / 255
"""Standard deviation below which pictures have no noise: 8 bits round by 0.3 levels."""
NOT_NOISE = ("derain", "deblur")
"""Models whose pictures the rule cannot judge: it knows of noise alone."""
FOREVER = 10**9


class Outcome(NamedTuple):
    """What came of it."""

    best: Verdict | None
    """None where nothing was gained, and no model is written."""
    steps: int
    signal: int = 0
    """That ended it, where one did."""
    said: str = ""
    """Why nothing could be gained, where that is known."""


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
        return Outcome(None, 0, said=f"the pictures show no noise ({level})")
    if kind == "raws" and material.level > NOISE_ALONE:
        times = f"{material.level:.1f} times as strong as their noise"
        return Outcome(None, 0, said=f"the raws show too little noise: even calm parts are {times}")
    photos, sources = None, []
    if options.minimised != "own":
        photos, sources = clean_sources(options.photos, say)
    elif options.terms is None:
        say("learning from your files alone; --photos DIR adds clean pictures of anything")
    options.folder.mkdir(exist_ok=True)
    with alone_in(options.folder, "pellucid adapt"):
        tidy(options.folder)
        agree(options, material)
        return run(options, command, start, material, photos, sources)


def check(options: AdaptOptions) -> None:
    """Raise PellucidError for what cannot be adapted, or written."""
    if options.model in NOT_NOISE:
        raise PellucidError(
            f"--model {options.model}: the rule that ends an adaptation knows of noise alone; "
            f"expected a model that removes noise, or pellucid train "
            f"recipes/adapt_{options.model}.yaml, which has no such rule"
        )
    check_file(options.output, ".safetensors")
    check_apart(options.output, options.model)


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
    if not bench.start.any():
        return Outcome(None, 0, said="what was held out is black or clipped, and judges nothing")
    judge = Judge(bench, options.folder, options.every, options.patience, start)
    clock = Clock(None if options.steps else options.minutes)
    trainer = trainer_of(options, command, judge, clock)
    ended_by = fit(trainer, training, data, options.folder)
    write(options, training, judge, trainer)
    return Outcome(judge.best, trainer.global_step, ended_by)


def held_patch(material: Material, options: AdaptOptions, n: int) -> Any:
    """Patch n of those that judge."""
    return material.held.patch(SIDE, Draw(options.seed + 1, "real", n))


def training_of(options: AdaptOptions, start: Network) -> NetworkTraining:
    """What is trained."""
    kind = AdaptRaws if isinstance(start, DualDomainNet) else AdaptPictures
    return kind(
        options.model,
        options.settings,
        options.minimised,
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


def fit(trainer: Trainer, training: NetworkTraining, data: AdaptData, folder: Path) -> int:
    """Train, from the last checkpoint on if there is one; the signal that ended it, or 0."""
    last = folder / "checkpoints" / "last.ckpt"
    begun = last.exists()
    if begun:
        check_checkpoint(last, training)
    with warnings.catch_warnings(), graceful(trainer) as interrupts:
        # A run that goes on finds its own checkpoints there.
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", "The '\\w+_dataloader' does not have many workers")
        try:
            trainer.fit(training, data, ckpt_path=str(last) if begun else None)
        except SystemExit:
            if not trainer.received_sigterm:
                raise KeyboardInterrupt from None  # Lightning makes an exit of it, with code 1
            return signal.SIGTERM  # all is torn down: the checkpoint of the last verdict stays
        trainer.save_checkpoint(last)
    return signal.SIGINT if interrupts else 0


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
