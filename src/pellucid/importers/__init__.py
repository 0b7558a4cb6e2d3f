"""Published checkpoints, recognised by the names and shapes of their weights alone."""

from pellucid.importers.foreign import load_foreign
from pellucid.importers.published import Imported, Misfit, PublishedOptions, recognise, unwrap

__all__ = [
    "Imported",
    "Misfit",
    "PublishedOptions",
    "load_foreign",
    "recognise",
    "unwrap",
]
