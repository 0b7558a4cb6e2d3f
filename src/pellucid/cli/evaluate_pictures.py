"""The benchmarks of finished pictures under `pellucid evaluate`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace
from torch import Tensor

from pellucid.cli.evaluation import judge, measures_of, needs_of, path_or_none, report
from pellucid.cli.restore import parse_device
from pellucid.cli.train import needs_train_extra

if TYPE_CHECKING:
    from pellucid.benchmarks.benchmark import Benchmark


def pictures_command(name: str, said: Namespace) -> int:
    """A benchmark of pictures."""
    with needs_train_extra():
        from pellucid.benchmarks.models import picture_models
    benchmark = picture_benchmark(name, said)
    benchmark = replace(benchmark, items=benchmark.items[said.skip :][: said.limit])
    parse_device(said.device)
    models = picture_models(said.models or [], said.tile, said.device)
    found = judge(benchmark, models, said, said.batch)
    if said.out is not None:
        report(benchmark, models, found, said)
    return 0


def picture_benchmark(name: str, said: Namespace) -> "Benchmark[Tensor, Tensor]":
    """The benchmark of a name, as the options say."""
    from pellucid.benchmarks import blur, cc, folder, nam, noreference, polyu, rain
    from pellucid.data.picture_sets import Scenes

    needs = needs_of(said)
    if name == "folder":
        protocol = replace(folder.PROTOCOL, border=said.border, window=said.ssim_window)
        measures = measures_of(said, folder.MEASURES)
        paths = Path(said.input), Path(said.target)
        return folder.folder_benchmark(*paths, protocol, measures, needs)
    data = Path(said.data)
    match name:
        case "polyu":
            part = None if said.scenes == "all" else Scenes(said.scenes, said.share, said.seed)
            return polyu.polyu_benchmark(data, part, measures_of(said, polyu.MEASURES), needs)
        case "cc":
            return cc.cc_benchmark(data, measures_of(said, cc.MEASURES), needs)
        case "nam":
            return nam.nam_benchmark(data, measures_of(said, nam.MEASURES), needs)
        case "rain":
            chosen = measures_of(said, rain.MEASURES)
            return rain.rain_benchmark(data, path_or_none(said.list), chosen, needs)
        case "blur":
            chosen = measures_of(said, blur.MEASURES)
            listed = path_or_none(said.list)
            return blur.blur_benchmark(data, said.set, listed, chosen, needs)
        case _:
            chosen = measures_of(said, noreference.MEASURES)
            return noreference.noreference_benchmark(data, chosen, needs)
