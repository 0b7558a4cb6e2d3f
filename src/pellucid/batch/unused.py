"""Options that can apply to none of the files, or not with the model: said, not passed over."""

from collections.abc import Sequence
from pathlib import Path

from pellucid.batch.job import DNG, Settings
from pellucid.checkpoint import Network
from pellucid.errors import PellucidError
from pellucid.io import PICTURE_SUFFIXES
from pellucid.networks.picture import PictureNet

_OF_RAWS = ("reference", "white_balance", "exposure", "tone", "noise", "stars")
"""What only the developing of a raw, or its network, asks for."""
_OF_RAW_NETWORKS = ("noise", "stars")
_OF_LIGHT = ("exposure", "tone")
"""What a reference says as well."""


def check_used(settings: Settings, net: Network, paths: Sequence[Path]) -> None:
    """Raise PellucidError where the settings say what nothing can heed."""
    if settings.reference is not None:
        _refuse(settings, _OF_LIGHT, "with --reference, which says how bright the picture is")
    if paths and all(path.suffix.lower() in PICTURE_SUFFIXES for path in paths):
        _refuse(settings, _OF_RAWS, "for finished pictures")
    if isinstance(net, PictureNet):
        _refuse(settings, _OF_RAW_NETWORKS, "with a model that restores pictures")
    if settings.ending.lower() == DNG and (isinstance(net, PictureNet) or net.raw_net is None):
        raise PellucidError("the model restores pictures; expected -o PICTURE, got a DNG")


def _refuse(settings: Settings, names: Sequence[str], why: str) -> None:
    unsaid = Settings()
    for name in names:
        if getattr(settings, name) != getattr(unsaid, name):
            option = f"--{name.replace('_', '-')}"
            raise PellucidError(f"{option} does nothing {why}; expected none")
