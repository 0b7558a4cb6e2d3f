"""The programs in benchmarks/ answer bad input as the command line does."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("restore.py --size 64x64 --model nowhere", "pellucid: nowhere: no such model"),
        (
            "degrade.py --photos nowhere --degradation '{kind: gaussian}' -o made",
            "pellucid: nowhere: ",
        ),
    ],
)
def test_bad_input_is_one_line_and_code_2(words, said, tmp_path):
    script, *rest = shlex.split(words)
    command = [sys.executable, str(FOLDER / script), *rest]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith(said) and run.stderr.count("\n") == 1
