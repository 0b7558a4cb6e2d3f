"""Scores of restored pictures: against the truth, or without one."""

from pellucid.metrics.fidelity import Scores, luma, psnr, score
from pellucid.metrics.measures import MEASURES, Column, Measure, MeasureName, Needs, measures_of
from pellucid.metrics.protocol import Compared, Protocol

__all__ = [
    "MEASURES",
    "Column",
    "Compared",
    "Measure",
    "MeasureName",
    "Needs",
    "Protocol",
    "Scores",
    "luma",
    "measures_of",
    "psnr",
    "score",
]
