"""Plots of scores as SVG that stands in a page by itself."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 56, 16, 14, 40
COLOURS = ("#777777", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""The input's grey, then colours that the colour-blind tell apart (Okabe and Ito)."""


class Axes:
    """From values to places in the plot."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """The range of finite values, a little wider."""
        self.x, self.y = _range(xs), _range(ys)

    def right(self, value: float) -> float:
        """Place of a value across."""
        low, high = self.x
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Place of a value from the top."""
        low, high = self.y
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def sorted_plot(values: Mapping[str, Sequence[float]], heading: str) -> str:
    """Each model's scores from worst to best, over the share of items."""
    known = {
        model: sorted(value for value in each if math.isfinite(value))
        for model, each in values.items()
    }
    axes = Axes([0, 100], [value for each in known.values() for value in each])
    parts = [_frame(axes, "items, worst to best (%)", heading)]
    for number, (model, each) in enumerate(known.items()):
        share = 100 / max(1, len(each) - 1)
        points = " ".join(
            f"{axes.right(n * share):.1f},{axes.down(value):.1f}" for n, value in enumerate(each)
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>'
        )
        parts.append(_label(number, model, colour))
    return _svg(parts)


def scatter_plot(
    given: Mapping[str, float], values: Mapping[str, Mapping[str, float]], heading: str
) -> str:
    """Each model's score of an item over the input's; the line is no change."""
    xs = [value for value in given.values() if math.isfinite(value)]
    ys = [v for each in values.values() for v in each.values() if math.isfinite(v)]
    axes = Axes(xs, [*ys, *xs])
    parts = [_frame(axes, f"{heading} of the input", heading)]
    low, high = axes.x
    ends = f'x1="{axes.right(low):.1f}" y1="{axes.down(low):.1f}" '
    ends += f'x2="{axes.right(high):.1f}" y2="{axes.down(high):.1f}"'
    parts.append(f'<line {ends} stroke="#777777" stroke-dasharray="4 3"/>')
    for number, (model, each) in enumerate(values.items(), 1):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_label(number - 1, model, colour))
        for item, value in each.items():
            before = given.get(item, math.nan)
            if math.isfinite(before) and math.isfinite(value):
                place = f'cx="{axes.right(before):.1f}" cy="{axes.down(value):.1f}"'
                title = f"<title>{escape(item)}: {value:.4g}</title>"
                parts.append(
                    f'<circle {place} r="3" fill="{colour}" opacity="0.7">{title}</circle>'
                )
    return _svg(parts)


def _range(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    spare = (high - low) * 0.04 or 0.5
    return low - spare, high + spare


def _frame(axes: Axes, across: str, up: str) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#444444"/>']
    for value in _ticks(*axes.y):
        y = axes.down(value)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in _ticks(*axes.x):
        x = axes.right(value)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
    middle = (LEFT + right) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>'
    )
    parts.append(f'<text x="12" y="{TOP + 2}" class="up">{escape(up)}</text>')
    return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers."""
    step = 10 ** math.floor(math.log10((high - low) / 2))
    step = next(step * k for k in (0.5, 1, 2, 5, 10) if (high - low) / (step * k) <= 6)
    first = math.ceil(low / step)
    return [round(n * step, 10) for n in range(first, math.floor(high / step) + 1)]


def _label(number: int, model: str, colour: str) -> str:
    y = TOP + 14 + 16 * number
    mark = f'<rect x="{LEFT + 10}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
    return f'{mark}<text x="{LEFT + 26}" y="{y}">{escape(model)}</text>'


def _svg(parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
    return head + "".join(parts) + "</svg>"
