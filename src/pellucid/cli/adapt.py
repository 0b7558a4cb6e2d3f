"""`pellucid adapt`."""

import shlex
import sys
import warnings
from pathlib import Path

from jsonargparse import Namespace

from pellucid.cli.train import needs_train_extra

NOTHING_GAINED = 1


def adapt_command(options: Namespace) -> int:
    """Adapt a model to a folder of noisy files; 1 where nothing was gained by the rule."""
    with needs_train_extra():
        from pellucid.adapt.options import AdaptOptions
        from pellucid.adapt.run import Outcome, adapt

    def say(line: str) -> None:
        print(line, flush=True)

    def warn(line: object) -> None:
        print(f"pellucid: {line}", file=sys.stderr, flush=True)

    said = AdaptOptions(
        model=options.model,
        real=Path(options.real),
        output=Path(options.output),
        photos=None if options.photos is None else Path(options.photos),
        camera=options.camera,
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        terms=options.terms,
    )
    quiet_lightning()
    outcome: Outcome = adapt(said, shlex.join(["pellucid", *sys.argv[1:]]), say, warn)
    best, steps, ended_by, why = outcome
    code = 128 + ended_by if ended_by else 0
    if best is None:
        reason = why or f"{steps} steps brought no gain on what was held out"
        say(f"{reason}: no model is written, --model {said.model} stays the best for these files")
        return code or NOTHING_GAINED
    say(f"held-out error fell by {1e6 * best.gain:.1f}e-6 ± {1e6 * best.error:.1f}e-6")
    say(f"wrote {said.output}, the best of {steps} steps (step {best.step})")
    if ended_by:
        say(f"interrupted; the same command goes on, from {said.folder}")
    return code


def quiet_lightning() -> None:
    """Leave devices and tips unsaid; what matters is said here."""
    import logging

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", ".*does not have many workers.*")
    warnings.filterwarnings("ignore", ".isinstance.treespec, LeafSpec.. is deprecated")
