"""BlackLevelDeltaV and H: what single rows and columns of a DNG have above its black level."""

import numpy as np

from pellucid.io.dng_fields import Area
from pellucid.io.tiff_tags import TiffTags
from pellucid.raw import Deltas

_OF_COLUMNS, _OF_ROWS = 50715, 50716


def shared_delta(tags: TiffTags) -> int:
    """What LibRaw adds to the level of all sites: the mean of the rows, and of the columns."""
    said = (tags.numbers(code) for code in (_OF_ROWS, _OF_COLUMNS))
    return sum(_mean(values) for values in said if values)


def black_deltas(tags: TiffTags, active: Area, visible: Area) -> tuple[Deltas, Deltas]:
    """The rest, of the visible rows (height, 1) and columns (width,); zero where none is said."""
    rows = tags.numbers(_OF_ROWS, active.bottom - active.top)
    columns = tags.numbers(_OF_COLUMNS, active.right - active.left)
    return (
        _deltas(rows, visible.top - active.top, visible.bottom - visible.top)[:, None],
        _deltas(columns, visible.left - active.left, visible.right - visible.left),
    )


def _deltas(values: tuple[float, ...] | None, start: int, count: int) -> Deltas:
    if values is None or not 0 <= start <= len(values) - count:
        return np.zeros(1, np.float32)
    return (np.array(values[start : start + count]) - _mean(values)).astype(np.float32)


def _mean(values: tuple[float, ...]) -> int:
    return int(sum(values) / len(values) + 0.5)  # towards zero, as LibRaw does
