"""Clean pictures and raws, and the training samples made of them."""

from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.fivek import FiveK
from pellucid.data.photos import PhotoFolder, PhotoStore
from pellucid.data.raws import RawFolder, RawStore
from pellucid.data.sources import CleanRaw, Source, WeightedSource
from pellucid.data.store import Store
from pellucid.data.synthesis import RawSynthesis, Sample, SyntheticRaw

__all__ = [
    "CleanRaw",
    "DeadLeaves",
    "FiveK",
    "PhotoFolder",
    "PhotoStore",
    "RawFolder",
    "RawStore",
    "RawSynthesis",
    "Sample",
    "Source",
    "Store",
    "SyntheticRaw",
    "WeightedSource",
]
