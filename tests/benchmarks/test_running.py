"""The frame: running, resuming, means, intervals, comparisons, tables."""

import json
import math
import re

import numpy as np
import pytest
import torch
from scipy.stats import permutation_test

from pellucid.benchmarks import tables
from pellucid.benchmarks.benchmark import Item, Sample, pictures_of
from pellucid.benchmarks.crops import fitted, worst_corner
from pellucid.benchmarks.journal import SCORES, Journal, Judged
from pellucid.benchmarks.running import each, run, untouched
from pellucid.benchmarks.statistics import interval, mean_of, paired
from pellucid.benchmarks.summary import summary, write_json
from pellucid.errors import FileError, PellucidError
from pellucid.metrics import Column, Protocol, measures_of

MEASURES = measures_of(["psnr", "ssim"])


def sample(seed):
    clean = torch.rand(3, 16, 20, generator=torch.Generator().manual_seed(seed))
    return Sample((clean + 0.1).clamp(0, 1), clean)


def benchmark_of(count=5, groups=("a",)):
    items = [
        Item(f"{n}.png", lambda n=n: sample(n), group, f"scene{n // 2}")
        for group in groups
        for n in range(count)
    ]
    return pictures_of("toy", items, Protocol(), MEASURES, "here", {"data": "toy"})


def half(picture):
    return picture - 0.05


MODELS = {"input": untouched, "half": each(half)}


def scores(judged):
    return [(one.model, one.group, one.item, one.scores) for one in judged]


def opened(folder, **changed):
    said = {"benchmark": "toy", "protocol": "p", **changed}
    return Journal.open(folder, said, {name: name for name in MODELS}, ["psnr", "ssim"])


# -- running ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_batches_give_what_single_items_give(batch):
    sizes = []

    def watched(pictures):
        sizes.append(len(pictures))
        return [half(picture) for picture in pictures]

    benchmark, calls = benchmark_of(5, ("a", "b")), []
    models = {"input": untouched, "half": watched}
    found = list(run(benchmark, models, batch=batch, done=lambda: calls.append(1)))
    assert sorted(map(str, scores(found))) == sorted(map(str, scores(run(benchmark, MODELS))))
    assert len(calls) == 20 and sum(sizes) == 10
    # Never across groups.
    assert max(sizes) == min(batch, 5)


def test_items_are_loaded_once_and_only_when_needed():
    loaded = []

    def load(n):
        loaded.append(n)
        return sample(n)

    items = [Item(str(n), lambda n=n: load(n)) for n in range(4)]
    benchmark = pictures_of("toy", items, Protocol(), MEASURES, "here", {})
    stream = run(benchmark, MODELS)
    next(stream)
    assert loaded == [0]
    list(stream)
    assert loaded == [0, 1, 2, 3]


def test_an_interrupted_run_goes_on_and_no_number_changes(tmp_path):
    benchmark = benchmark_of()
    whole = scores(run(benchmark, MODELS))
    broken = {"input": untouched, "half": each(half)}
    journal = opened(tmp_path)
    for one, _ in zip(run(benchmark, broken, journal), range(4), strict=False):
        assert one.scores
    journal.close()
    # A line that was being written is lost, and judged again.
    with (tmp_path / SCORES).open("a") as file:
        file.write("half,a,3.png,sce")
    kept = len((tmp_path / SCORES).read_text().splitlines()) - 2
    calls = []

    def counted(pictures):
        calls.append(len(pictures))
        return [half(picture) for picture in pictures]

    journal = opened(tmp_path)
    again = scores(run(benchmark, {"input": untouched, "half": counted}, journal))
    journal.close()
    assert again == whole
    assert 0 < sum(calls) < 5 and kept + sum(calls) >= 5
    journal = opened(tmp_path)
    models = dict.fromkeys(MODELS, lambda _: pytest.fail("all is known"))
    assert scores(run(benchmark, models, journal)) == whole
    journal.close()


def test_scores_of_something_else_are_not_mixed_in(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(PellucidError, match="another evaluation: protocol was p, is q; expected"):
        opened(tmp_path, protocol="q")
    with pytest.raises(PellucidError, match="other weights of half; expected another folder"):
        Journal.open(
            tmp_path, {"benchmark": "toy", "protocol": "p"}, {"half": "new"}, ["psnr", "ssim"]
        )
    (tmp_path / SCORES).write_text("model,group,item,scene,seconds,psnr,ssim\na,b,c,d,x,1,2\n")
    with pytest.raises(FileError, match="is damaged"):
        opened(tmp_path)


def test_a_model_may_be_added(tmp_path):
    opened(tmp_path).close()
    facts = {"benchmark": "toy", "protocol": "p"}
    Journal.open(tmp_path, facts, {"third": "3"}, ["psnr", "ssim"]).close()
    held = json.loads((tmp_path / "settings.json").read_text())
    assert set(held["models"]) == {"input", "half", "third"}


# -- statistics ------------------------------------------------------------------------------------


def test_an_interval_covers_the_mean_as_often_as_it_says():
    stream = np.random.RandomState(0)
    covered = 0
    for _ in range(100):
        values = stream.normal(0, 1, 40)
        found = interval(values.tolist(), list(map(str, range(40))))
        covered += found.low <= 0 <= found.high
    assert 0.87 <= covered / 100 <= 0.99
    assert interval([1.0, 2.0], ["a", "a"]) is None
    assert interval([1.0, math.inf], ["a", "b"]) is None


def test_scenes_are_drawn_whole():
    """Ten items that are all alike in their scene say no more than one."""
    values = np.random.RandomState(1).normal(0, 1, 12)
    single = interval(values.tolist(), list(map(str, range(12))))
    many = interval(np.repeat(values, 10).tolist(), [str(n // 10) for n in range(120)])
    assert many == pytest.approx(single)
    apart = interval(np.repeat(values, 10).tolist(), list(map(str, range(120))))
    assert apart.high - apart.low < 0.5 * (single.high - single.low)


@pytest.mark.parametrize("count", [8, 40])
def test_the_paired_test_agrees_with_scipy(count):
    stream = np.random.RandomState(2)
    one = stream.normal(30, 3, count)
    other = one + stream.normal(0.3, 1, count)
    found = paired(one.tolist(), other.tolist(), list(map(str, range(count))))

    def mean(a, b, axis):
        return (b - a).mean(axis)

    expected = permutation_test(
        (one, other), mean, permutation_type="samples", vectorized=True, n_resamples=4000, rng=0
    )
    assert found.difference == pytest.approx((other - one).mean())
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9 if count == 8 else 0.03)
    assert found == paired(one.tolist(), other.tolist(), list(map(str, range(count))))


def test_what_cannot_be_measured_is_left_out():
    assert mean_of([1.0, math.nan, 3.0]) == 2 and math.isnan(mean_of([math.nan]))
    found = paired([1.0, math.inf, math.nan], [2.0, math.inf, 4.0], ["a", "b", "c"])
    assert found.difference == 0.5 and found.items == 2


# -- tables ----------------------------------------------------------------------------------------


def judged_rows():
    return [
        Judged(model, "set_1", f"{n}", f"{n}", 0.5, {"psnr": 30 + n + better, "error": 2 - better})
        for model, better in (("input", 0.0), ("net|a", 1.0))
        for n in range(3)
    ]


COLUMNS = [Column("psnr", "PSNR", 2), Column("error", "error", 3, higher=False)]


def test_tables_hold_the_means_and_mark_the_best(tmp_path):
    said = summary(judged_rows(), COLUMNS)
    heading, first, second = tables.text(said, COLUMNS)
    assert heading.split() == ["model", "group", "PSNR", "error", "seconds", "n"]
    assert first.split() == ["input", "set_1", "31.00", "2.000", "0.500", "3"]
    assert second.split()[2:4] == ["32.00", "1.000"]
    markdown = tables.markdown(said, COLUMNS).splitlines()
    assert "**32.00** [" in markdown[3] and "**1.000**" in markdown[3] and "net\\|a" in markdown[3]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in markdown}) == 1
    latex = tables.latex(said, COLUMNS)
    assert r"set\_1: net|a & \textbf{32.00} & \textbf{1.000} \\" in latex
    assert r"error $\downarrow$" in latex and latex.count(r"\\") == 3
    (words, _) = tables.comparison_lines(said, COLUMNS)
    assert words == "set_1: net|a against input: PSNR +1.00 [1.00, 1.00], p = 0.25"
    write_json(tmp_path / "summary.json", judged_rows(), said, {"benchmark": "toy"})
    held = json.loads((tmp_path / "summary.json").read_text())
    assert held["rows"][1]["psnr"] == 32 and held["comparisons"][0]["p"] == 0.25


def test_the_largest_error_is_found():
    truth = torch.rand(3, 60, 70, generator=torch.Generator().manual_seed(0)) * 0.5
    restored = truth.clone()
    restored[:, 30:40, 50:60] += 0.4
    top, left = worst_corner(restored, truth, 16)
    assert 24 <= top <= 30 and 44 <= left <= 50
    assert worst_corner(restored, truth, 500) == (0, 0)
    assert fitted(truth, 35).shape == (3, 30, 35) and fitted(truth, 500) is truth
