"""Many files restored in one go: what is done is skipped, what is bad is reported, nothing lost."""

from pellucid.batch.inputs import Shard
from pellucid.batch.job import Settings, read_photo, restore_photo
from pellucid.batch.run import BatchOptions, Step, restore_all
from pellucid.batch.unused import check_used

__all__ = [
    "BatchOptions",
    "Settings",
    "Shard",
    "Step",
    "check_used",
    "read_photo",
    "restore_all",
    "restore_photo",
]
