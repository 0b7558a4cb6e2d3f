"""Every command that a page names starts: its options are read and what it imports is there."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RIVALS = ("bm3d", "cv2")
"""Of the extra that only benchmarks need."""


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_it_starts(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    try:
        script = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in RIVALS:
            raise
        pytest.skip(f"{error.name} is not installed (the extra `bench`)")
    if not hasattr(script, "main"):
        return
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out
