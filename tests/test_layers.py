"""Imports only go up: a module knows its own floor of DESIGN.md's layout and the floors below."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "pellucid"
MODULES = sorted(SOURCE.rglob("*.py"))
FLOORS = (
    "errors choices records planes bayer color noise noise_laws noise_profiles camera_tables raw "
    "demosaic isp noise_map look detail hot_pixels pattern_demosaic",
    "networks diffusion critic control ensemble linear_light",
    "io data",
    "objectives",
    "importers",
    "checkpoint calibration tiling developing passes restore weights models demo batch training "
    "adapt",
    "metrics benchmarks",
    "cli app __init__ __main__",
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=aliases):
                dotted = [alias.name for alias in aliases]
            case ast.ImportFrom(level=0, module=str(module), names=aliases):
                dotted = [f"{module}.{alias.name}" for alias in aliases]
            case ast.ImportFrom():
                pytest.fail(f"{path}:{node.lineno} imports relatively; write the whole name")
            case _:
                continue
        for package, name in ((part.split(".") + [""])[:2] for part in dotted):
            if package == "pellucid":
                yield name if name in FLOOR or (SOURCE / name).exists() else "__init__"


def test_there_are_modules():
    assert MODULES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_go_up(path):
    name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert name in FLOOR, f"{name} is on no floor of tests/test_layers.py"
    above = {other for other in imported(path) if FLOOR[other] > FLOOR[name]}
    assert not above, f"{name} (floor {FLOOR[name]}) imports {sorted(above)} from above"
