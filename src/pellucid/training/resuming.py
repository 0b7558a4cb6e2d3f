"""What a run that goes on must have in common with its checkpoint."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import pickle
from pathlib import Path
from typing import Any

import torch

from pellucid.errors import FileError
from pellucid.training.network import NetworkTraining

ELSEWHERE = ", or another trainer.default_root_dir"


def check_checkpoint(path: Path, training: NetworkTraining) -> None:
    """Raise FileError for a checkpoint that is damaged, or of another network or optimiser."""
    try:
        held: dict[str, Any] = torch.load(path, "cpu", mmap=True, weights_only=False)
        theirs = {name: tuple(value.shape) for name, value in held["state_dict"].items()}
        groups = held["optimizer_states"][0]["param_groups"]
    except (OSError, RuntimeError, EOFError, LookupError, pickle.UnpicklingError) as error:
        raise FileError.of(path, f"damaged ({error}); expected a checkpoint") from error
    ours = {name: tuple(value.shape) for name, value in training.state_dict().items()}
    other = next((name for name in ours | theirs if ours.get(name) != theirs.get(name)), None)
    if other is not None:
        got = f"holds another network ({other} is {theirs.get(other, 'missing')}; "
        raise FileError.of(path, got + f"expected {ours.get(other, 'none')}){ELSEWHERE}")
    if sizes(groups) != sizes(training.new_optimizer().param_groups):
        raise FileError.of(path, f"holds another optimiser than {training.optimizer}{ELSEWHERE}")


def sizes(groups: list[dict[str, Any]]) -> list[tuple[object, int]]:
    """What tells optimisers apart: which parameters Muon moves, and how many there are."""
    return [(group.get("muon"), len(group["params"])) for group in groups]
