"""Whether one can see in a picture where its tiles met."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math

from torch import Tensor

from pellucid.metrics.fidelity import luma
from pellucid.tiling import Grid, tiles


def seam_score(change: Tensor, tile: int, stride: int = 1) -> float:
    """Mean jump across the borders of tiles, over that of all other lines; 1 without a seam.

    `change` (3, H, W) is what the model made of the picture, less what it was given, so that the
    content counts little. Not a number where there was one tile.
    """
    height, width = change.shape[-2:]
    rows, columns = zip(*tiles(height, width, Grid(tile, stride, 0)), strict=True)
    grey = luma(change)[0]
    scores = [
        _jump(part, sorted({span.start for span in spans} - {0}))
        for part, spans in ((grey, rows), (grey.T, columns))
    ]
    found = [score for score in scores if score is not None]
    return sum(found) / len(found) if found else math.nan


def _jump(lines: Tensor, borders: list[int]) -> float | None:
    """Of borders between row b - 1 and row b."""
    inside = [border - 2 for border in borders if 2 <= border < len(lines) - 1]
    if not inside:
        return None
    step = lines.diff(dim=0)
    # A border's step beside those before and after it: slopes are no seams.
    jumps = (step[1:-1] - (step[:-2] + step[2:]) / 2).abs().mean(1)
    rest = jumps.new_ones(len(jumps), dtype=jumps.dtype).bool()
    rest[inside] = False
    usual = jumps[rest].mean().item()
    at_borders = jumps[inside].mean().item()
    return at_borders / usual if usual else (1.0 if at_borders == 0 else math.inf)
