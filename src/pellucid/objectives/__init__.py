"""What training minimises."""

from pellucid.objectives.supervised import Supervised

__all__ = ["Supervised"]
