"""Clean pictures, and the training samples made of them."""

from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.photos import PhotoFolder
from pellucid.data.synthesis import RawSynthesis, Sample, SyntheticRaw

__all__ = ["DeadLeaves", "PhotoFolder", "RawSynthesis", "Sample", "SyntheticRaw"]
