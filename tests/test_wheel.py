"""The wheel holds the files that the package reads, which hatchling could leave out unseen."""

from pathlib import Path

import pytest

from pellucid.models import SHIPPED

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def sizes() -> dict[str, int]:
    """Bytes of each file of a wheel of this checkout, by its path there; none is built."""
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed")
    files = wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    return {file.distribution_path: Path(file.path).stat().st_size for file in files}


def test_the_wheel_holds_all_that_lies_in_the_package(sizes):
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "pellucid").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert files == set(sizes)
    models = {
        f"pellucid/weights/{name}{end}" for name in SHIPPED for end in (".safetensors", ".md")
    }
    read = {
        "pellucid/metrics/niqe.safetensors",
        "pellucid/samples/seeding.jpg",
        "pellucid/py.typed",
    }
    assert models | read <= set(sizes)


def test_no_model_is_above_5_megabytes_and_the_wheel_not_above_25(sizes):
    weights = {path: size for path, size in sizes.items() if path.startswith("pellucid/weights/")}
    assert len(weights) >= 2 * len(SHIPPED) and max(weights.values()) <= 5e6
    assert sum(sizes.values()) <= 25e6
