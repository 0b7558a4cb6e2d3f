"""Where recipes hold records, and every kind that they may be of."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from pellucid.data.blur import MotionBlur
from pellucid.data.camera_noise import CameraNoise
from pellucid.data.degradations import Degradation, GaussianNoise
from pellucid.data.kernels import CameraShake, KernelFolder, LinearMotion
from pellucid.data.mixtures import Mixed
from pellucid.data.picture_sets import PAIR_SETS, REAL_SETS, PictureSet
from pellucid.data.rain import Rain
from pellucid.data.synthesis import RawSynthesis
from pellucid.networks.backbones import BACKBONES
from pellucid.networks.dual_domain import DualDomainConfig
from pellucid.networks.picture import PictureConfig
from pellucid.objectives.adaptation import Constant, Ramp
from pellucid.objectives.supervised import Supervised
from pellucid.training.real_raws import RealRawSet
from pellucid.training.schedules import SCHEDULES

Kinds = Mapping[str, type[Any]]
DEGRADATIONS: dict[str, type[Degradation]] = {
    "gaussian": GaussianNoise,
    "camera_noise": CameraNoise,
    "rain": Rain,
    "motion_blur": MotionBlur,
    "mixed": Mixed,
}
KERNELS: Kinds = {
    "linear_motion": LinearMotion,
    "camera_shake": CameraShake,
    "kernel_folder": KernelFolder,
}
WEIGHTS: Kinds = {"ramp": Ramp, "constant": Constant}
KINDS: Kinds = {**BACKBONES, **SCHEDULES, **DEGRADATIONS, **KERNELS, **REAL_SETS, **WEIGHTS}
"""Every record that a recipe names by its `kind`."""
CLASSES = {kind: f"{record.__module__}.{record.__name__}" for kind, record in KINDS.items()}
PLAIN = frozenset({"diffusion"})
"""Records with a `kind` of their own: noise levels fall as a cosine too."""
BY_CLASS = {name: kind for kind, name in CLASSES.items()}


class Place(NamedTuple):
    """Where a recipe holds a record that has a kind."""

    key: str
    kinds: Kinds
    unsaid: str | None
    """Its kind where the recipe says none; None where there is no record then."""


SCHEDULE = Place("model.schedule", SCHEDULES, "cosine")
RAW_NETWORKS = (
    Place("model.network.raw", BACKBONES, "unet"),
    Place("model.network.srgb", BACKBONES, "unet"),
)
DEGRADED = Place("data.degradation", DEGRADATIONS, "gaussian")
WEIGHT = Place("model.adaptation.weight", WEIGHTS, "ramp")
PLACES: dict[str, tuple[Place, ...]] = {
    "raw": (*RAW_NETWORKS, SCHEDULE),
    "pictures": (
        Place("model.network.net", BACKBONES, "noiseda_unet"),
        SCHEDULE,
        WEIGHT,
        DEGRADED,
        Place("data.degradation.kernels", KERNELS, None),
        Place("data.pairs", PAIR_SETS, None),
        Place("data.real", REAL_SETS, None),
        Place("data.real.degradation", DEGRADATIONS, None),
        Place("data.validation_pairs", PAIR_SETS, None),
    ),
    "raw_adaptation": (*RAW_NETWORKS, SCHEDULE, WEIGHT),
}
"""Of each kind of training."""
RAW_RECORDS: dict[str, type[Any]] = {
    "model.network": DualDomainConfig,
    "model.objective": Supervised,
    "data.synthesis": RawSynthesis,
}
RECORDS: dict[str, dict[str, type[Any]]] = {
    "raw": RAW_RECORDS,
    "pictures": {
        "model.network": PictureConfig,
        "data.clean": PictureSet,
        "data.unpaired": PictureSet,
    },
    "raw_adaptation": {**RAW_RECORDS, "data.real": RealRawSet},
}
"""Where recipes hold records without a kind."""


def records_of(training: str) -> dict[str, type[Any]]:
    """Where recipes of a kind of training hold records without a kind."""
    if training == "raw":
        return RECORDS["raw"]
    # The others do without the diffusion library.
    from pellucid.objectives.adaptation_config import ADAPTATION_RECORDS

    inside = {f"model.adaptation{key}": record for key, record in ADAPTATION_RECORDS.items()}
    return RECORDS.get(training, {}) | inside


def has_kind(record: type[Any]) -> bool:
    """Whether the kind is a field of the record, which is one of a union then."""
    return any(field.name == "kind" for field in fields(record))
