"""A benchmark's rows as text, Markdown and LaTeX."""

import math
from collections.abc import Callable, Sequence

from pellucid.benchmarks.statistics import Interval
from pellucid.benchmarks.summary import Comparison, Row, Summary
from pellucid.metrics import Column


def shown(value: float, digits: int) -> str:
    """A number; a dash for what could not be measured."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def between(interval: Interval | None, digits: int) -> str:
    """An interval in brackets; a dash where there is none."""
    if interval is None:
        return "-"
    return f"[{shown(interval.low, digits)}, {shown(interval.high, digits)}]"


def text(said: Summary, columns: Sequence[Column]) -> list[str]:
    """Lines for a terminal: a heading and each row, with the first column's interval."""
    grouped = any(row.group for row in said.rows)
    head = ["model", *(["group"] if grouped else []), *(c.heading for c in columns)]
    cells = [[*head, "seconds", "n"]]
    for row in said.rows:
        values = [shown(row.means[column.name], column.digits) for column in columns]
        named = [row.model, *([row.group or "-"] if grouped else [])]
        cells.append([*named, *values, f"{row.seconds:.3f}", str(row.n)])
    left = 2 if grouped else 1
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    widths[0] = max(widths[0], 20)
    return [
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def interval_lines(said: Summary, columns: Sequence[Column]) -> list[str]:
    """The 95 % interval of each row's first column."""
    first = columns[0]
    return [
        f"{_named(row)}: {first.heading} {shown(row.means[first.name], first.digits)} "
        f"{between(row.intervals[first.name], first.digits)} over {row.scenes} scenes"
        for row in said.rows
        if row.intervals[first.name] is not None
    ]


def comparison_lines(said: Summary, columns: Sequence[Column]) -> list[str]:
    """Who is better than whom, and how surely."""
    return [comparison_words(one, columns) for one in said.comparisons if one.paired.p is not None]


def comparison_words(one: Comparison, columns: Sequence[Column]) -> str:
    """One comparison."""
    column = next(each for each in columns if each.name == one.column)
    digits = column.digits
    where = f"{one.group}: " if one.group else ""
    apart = shown(one.paired.difference, digits)
    sign = "" if apart.startswith("-") else "+"
    p = "-" if one.paired.p is None else f"{one.paired.p:.2g}"
    return (
        f"{where}{one.other} against {one.model}: {column.heading} {sign}{apart} "
        f"{between(one.paired.interval, digits)}, p = {p}"
    )


def _named(row: Row) -> str:
    return f"{row.group}: {row.model}" if row.group else row.model


def markdown(said: Summary, columns: Sequence[Column]) -> str:
    """A table with the interval of every column, the best of each group in bold."""
    head = ["", *(column.heading for column in columns), "seconds", "n"]
    lines = [_piped(head), _piped(["---"] * len(head))]
    best = best_rows(said, columns)
    for number, row in enumerate(said.rows):
        cells = [
            _cell(row, column, (number, column.name) in best, lambda word: f"**{word}**")
            for column in columns
        ]
        lines.append(_piped([_named(row), *cells, f"{row.seconds:.3f}", str(row.n)]))
    return "\n".join(lines) + "\n"


def latex(said: Summary, columns: Sequence[Column]) -> str:
    """A tabular as papers print it (booktabs), the best of each group in bold."""
    best, lines = best_rows(said, columns), [f"\\begin{{tabular}}{{l{'c' * len(columns)}}}"]
    arrows = [f"{_escaped(c.heading)} $\\{'up' if c.higher else 'down'}arrow$" for c in columns]
    lines += ["\\toprule", f"& {' & '.join(arrows)} \\\\", "\\midrule"]
    group = said.rows[0].group if said.rows else ""
    for number, row in enumerate(said.rows):
        if row.group != group:
            lines.append("\\midrule")
            group = row.group
        cells = [
            _bold(shown(row.means[c.name], c.digits), (number, c.name) in best) for c in columns
        ]
        lines.append(f"{_escaped(_named(row))} & {' & '.join(cells)} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def best_rows(said: Summary, columns: Sequence[Column]) -> set[tuple[int, str]]:
    """Rows that are the best of their group in a column, where there are several."""
    found: set[tuple[int, str]] = set()
    for group in {row.group for row in said.rows}:
        numbers = [n for n, row in enumerate(said.rows) if row.group == group]
        for column in columns:
            known = [n for n in numbers if not math.isnan(said.rows[n].means[column.name])]
            if len(known) > 1:
                values = {n: said.rows[n].means[column.name] for n in known}
                top = max(values.values()) if column.higher else min(values.values())
                found |= {(n, column.name) for n in known if values[n] == top}
    return found


def _cell(row: Row, column: Column, best: bool, bold: Callable[[str], str]) -> str:
    mean = shown(row.means[column.name], column.digits)
    spread = row.intervals[column.name]
    words = bold(mean) if best else mean
    return words if spread is None else f"{words} {between(spread, column.digits)}"


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _bold(word: str, best: bool) -> str:
    return f"\\textbf{{{word}}}" if best else word


def _escaped(words: str) -> str:
    return "".join(f"\\{one}" if one in "&%$#_{}" else one for one in words)
