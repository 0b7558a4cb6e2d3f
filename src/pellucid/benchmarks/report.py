"""A folder that shows what a benchmark found: tables, plots, pictures, the largest errors.

`index.html` needs nothing but its folder. Pictures are made again from the models, so a report is
the same whether or not the scores came from one run.
"""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks import tables
from pellucid.benchmarks.benchmark import Benchmark, Given, Item, Model, Sample
from pellucid.benchmarks.crops import error_picture, fitted, worst_corner
from pellucid.benchmarks.journal import Judged
from pellucid.benchmarks.plots import scatter_plot, sorted_plot
from pellucid.benchmarks.summary import Summary, summary, write_json
from pellucid.errors import FileError
from pellucid.io import replacing, write_picture

CROP = 96
LONGEST = 640
PICTURES = "pictures"


def write_report(
    folder: Path,
    benchmark: Benchmark[Given, Tensor],
    models: Mapping[str, Model[Given, Tensor]],
    judged: Sequence[Judged],
    count: int,
) -> None:
    """Write summary.json, table.md, table.tex and index.html with pictures of `count` items."""
    said = summary(judged, benchmark.columns)
    facts: dict[str, object] = {"benchmark": benchmark.name, "protocol": benchmark.protocol}
    facts |= {"source": benchmark.source, **benchmark.facts, "models": list(models)}
    write_json(folder / "summary.json", judged, said, facts)
    _write(folder / "table.md", tables.markdown(said, benchmark.columns))
    _write(folder / "table.tex", tables.latex(said, benchmark.columns))
    shown = [
        _figures(folder, benchmark, models, item, judged, number)
        for number, item in enumerate(items_to_show(benchmark, judged, count), 1)
    ]
    _write(folder / "index.html", page(benchmark, said, judged, shown))


def _write(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode())


def items_to_show(
    benchmark: Benchmark[Given, Tensor], judged: Sequence[Judged], count: int
) -> list[Item[Given]]:
    """The items at which models are worst by the first column, the models in turn."""
    first = benchmark.columns[0]
    models = list(dict.fromkeys(one.model for one in judged))
    # The input is what it is: it is only looked at where there is nothing else.
    asked = [name for name in models if name != "input"] or models
    order = [
        sorted(
            (one for one in judged if one.model == name and not math.isnan(one.scores[first.name])),
            key=lambda one: one.scores[first.name] * (1 if first.higher else -1),
        )
        for name in asked
    ]
    turns = [one for row in zip(*order, strict=False) for one in row]
    wanted = list(dict.fromkeys((one.group, one.item) for one in turns))[:count]
    items = {(item.group, item.name): item for item in benchmark.items}
    return [items[key] for key in wanted if key in items]


# -- pictures --------------------------------------------------------------------------------------


def _figures(
    folder: Path,
    benchmark: Benchmark[Given, Tensor],
    models: Mapping[str, Model[Given, Tensor]],
    item: Item[Given],
    judged: Sequence[Judged],
    number: int,
) -> str:
    """One item: all pictures, and for each model the place where it errs most."""
    sample = item.load()
    outputs = {name: model([sample.given])[0] for name, model in models.items()}
    if sample.truth is not None:
        outputs["truth"] = sample.truth
    stem = f"{number:02}-{re.sub(r'[^A-Za-z0-9._-]+', '-', item.name)[:60]}"
    inside = folder / PICTURES
    try:
        inside.mkdir(exist_ok=True)
    except OSError as error:
        raise FileError.from_os(inside, error) from error
    captions = _captions(benchmark, item, judged)
    whole = [
        _figure(inside / f"{stem}-{_plain(name)}.jpg", fitted(picture, LONGEST), name, captions)
        for name, picture in outputs.items()
    ]
    title = f"{item.group}: {item.name}" if item.group else item.name
    crops = _crops(inside, stem, outputs, sample)
    return (
        f"<section><h3>{escape(title)}</h3><div class='row'>{''.join(whole)}</div>{crops}</section>"
    )


def _crops(inside: Path, stem: str, outputs: Mapping[str, Tensor], sample: Sample[Given]) -> str:
    """For each model the square with its largest error, as all models have it."""
    if sample.truth is None:
        return ""
    rows: list[str] = []
    for name, output in outputs.items():
        if name == "truth" or (name == "input" and len(outputs) > 2):
            continue
        top, left = worst_corner(output, sample.truth, CROP)
        cut = slice(top, top + CROP), slice(left, left + CROP)
        parts = {other: picture[:, *cut] for other, picture in outputs.items()}
        parts["error, 4 times"] = error_picture(parts[name], parts["truth"])
        figures = [
            _figure(inside / f"{stem}-{_plain(name)}-at-{_plain(other)}.png", part, other, {})
            for other, part in parts.items()
        ]
        words = f"largest error of {escape(name)}, from row {top}, column {left}"
        rows.append(f"<h4>{words}</h4><div class='row crops'>{''.join(figures)}</div>")
    return "".join(rows)


def _captions(
    benchmark: Benchmark[Given, Tensor], item: Item[Given], judged: Sequence[Judged]
) -> dict[str, str]:
    return {
        one.model: ", ".join(
            f"{column.heading} {tables.shown(one.scores[column.name], column.digits)}"
            for column in benchmark.columns
        )
        for one in judged
        if (one.group, one.item) == (item.group, item.name)
    }


def _figure(path: Path, picture: Tensor, name: str, captions: Mapping[str, str]) -> str:
    write_picture(path, picture.clamp(0, 1))
    caption = escape(name) + (f"<br><small>{captions[name]}</small>" if name in captions else "")
    height, width = picture.shape[-2:]
    source = f"{PICTURES}/{escape(path.name)}"
    return (
        f"<figure><img src='{source}' width='{width}' height='{height}' alt='{escape(name)}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _plain(name: str) -> str:
    """A model's name as part of a file's; weights files have long ones."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.removesuffix(".safetensors"))[-40:].strip("-")


# -- the page --------------------------------------------------------------------------------------


def page(
    benchmark: Benchmark[Given, Tensor],
    said: Summary,
    judged: Sequence[Judged],
    shown: Sequence[str],
) -> str:
    """The whole page."""
    title = f"pellucid evaluate {benchmark.name}"
    facts = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>"
        for key, value in {
            "source": benchmark.source,
            "protocol": benchmark.protocol,
            **benchmark.facts,
            "intervals": "95 %, bootstrap over scenes, 4,000 rounds, seeded",
            "comparisons": "paired by item; p of a sign-flip permutation test over scenes",
        }.items()
        if value is not None
    )
    compared = "".join(
        f"<li>{escape(line)}</li>" for line in tables.comparison_lines(said, benchmark.columns)
    )
    parts = [
        f"<h1>{escape(title)}</h1><dl>{facts}</dl>",
        f"<h2>Scores</h2>{html_table(said, benchmark)}",
        f"<h2>Models against each other</h2><ul>{compared}</ul>" if compared else "",
        f"<h2>Plots</h2>{_plots(benchmark, judged)}",
        f"<h2>Pictures</h2>{''.join(shown)}" if shown else "",
    ]
    head = f"<meta charset='utf-8'><title>{escape(title)}</title><link rel='icon' href='data:,'>"
    viewport = "<meta name='viewport' content='width=device-width'>"
    return (
        f"<!doctype html><html lang='en'><head>{head}{viewport}<style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def html_table(said: Summary, benchmark: Benchmark[Given, Tensor]) -> str:
    """Rows with their intervals, the best of each group in bold."""
    grouped = any(row.group for row in said.rows)
    names = ["model", *(["group"] if grouped else []), *(c.heading for c in benchmark.columns)]
    head = "".join(f"<th>{escape(name)}</th>" for name in [*names, "seconds", "n", "scenes"])
    best, lines = tables.best_rows(said, benchmark.columns), list[str]()
    for number, row in enumerate(said.rows):
        cells = [escape(row.model), *([escape(row.group)] if grouped else [])]
        for column in benchmark.columns:
            word = tables.shown(row.means[column.name], column.digits)
            word = f"<b>{word}</b>" if (number, column.name) in best else word
            spread = tables.between(row.intervals[column.name], column.digits)
            cells.append(word if spread == "-" else f"{word} <small>{spread}</small>")
        cells += [f"{row.seconds:.3f}", str(row.n), str(row.scenes)]
        lines.append("".join(f"<td>{cell}</td>" for cell in cells))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<div class='wide'><table><tr>{head}</tr>{body}</table></div>"


def _plots(benchmark: Benchmark[Given, Tensor], judged: Sequence[Judged]) -> str:
    """The first column, in each group."""
    first, found = benchmark.columns[0], list[str]()
    for group in dict.fromkeys(one.group for one in judged):
        values: dict[str, dict[str, float]] = {}
        for one in judged:
            if one.group == group:
                values.setdefault(one.model, {})[one.item] = one.scores[first.name]
        plots = [
            sorted_plot({name: list(each.values()) for name, each in values.items()}, first.heading)
        ]
        given = values.pop("input", None)
        if given and values:
            plots.append(scatter_plot(given, values, first.heading))
        title = f"<h3>{escape(group)}</h3>" if group else ""
        found.append(f"{title}<div class='plots'>{''.join(plots)}</div>")
    return "".join(found)


_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1400px; padding: 0 1rem;
  color: #1a1a1a; background: #fff; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #ddd;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
small { color: #666; }
.row, .plots { display: flex; flex-wrap: wrap; gap: .8rem; }
.plots svg { width: 640px; max-width: 100%; height: auto; font-size: 12px; }
figure { margin: 0; } figure img { max-width: 100%; height: auto; display: block; }
.row figure { flex: 0 1 auto; max-width: 420px; }
.crops figure { max-width: 192px; overflow-wrap: anywhere; }
.crops img { width: 192px; height: auto; image-rendering: pixelated; }
h3 { margin-top: 2rem; } h4 { margin: .8rem 0 .3rem; font-weight: 600; }
"""
