"""Published checkpoints, recognised by the names and shapes of their weights alone."""

from pellucid.importers.foreign import load_foreign
from pellucid.importers.published import (
    Imported,
    ISPChoice,
    Misfit,
    PublishedOptions,
    Task,
    recognise,
    unwrap,
)

__all__ = [
    "ISPChoice",
    "Imported",
    "Misfit",
    "PublishedOptions",
    "Task",
    "load_foreign",
    "recognise",
    "unwrap",
]
