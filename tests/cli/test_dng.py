"""`pellucid dng check`: findings one per line, as JSON, and the exit codes."""

import json
from dataclasses import replace

import pytest
import torch

from pellucid import read_raw
from pellucid.io.clean_dng import Cleaning, write_clean_dng


def test_findings_are_lines_and_exit_code_1(folder, pellucid):
    run = pellucid("dng check a.dng")
    assert (run.code, run.err) == (1, [])
    assert run.out[-1].startswith("a.dng: ") and run.out[-1].endswith(("finding", "findings"))
    assert any(line.startswith("note: preview: there is none; expected ") for line in run.out)
    said = pellucid("dng check a.dng --json")
    findings = json.loads("\n".join(said.out))
    assert said.code == 1 and len(findings) == len(run.out) - 1
    assert set(findings[0]) == {"severity", "where", "found", "expected", "readers"}


def test_a_clean_dng_has_fewer_findings_and_no_error(folder, pellucid):
    raw = read_raw("a.dng")
    srgb = torch.full((3, *raw.mosaic.shape[1:]), 0.5)
    write_clean_dng("b.dng", replace(raw), raw.mosaic, srgb, Cleaning(how="test"))
    before, after = pellucid("dng check a.dng"), pellucid("dng check b.dng")
    assert len(after.out) <= len(before.out)
    assert not [line for line in after.out if line.startswith("error")]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("dng check missing.dng", "missing.dng: no such file or directory"),
        ("dng check text.dng", "text.dng: is no TIFF file; expected a DNG"),
        ("dng check empty.dng", "empty.dng: is no TIFF file; expected a DNG"),
        ("dng check", ""),
        ("dng", ""),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_2(folder, pellucid, command, words):
    run = pellucid(command)
    assert run.code == 2 and len(run.err) == 1 and run.err[0].startswith(f"pellucid: {words}")
