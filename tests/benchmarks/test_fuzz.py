"""The fuzzer damages by number alone, and a few hundred of its inputs are restored or refused."""

from collections import Counter

import fuzz
import pytest


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return fuzz.whole_files(tmp_path_factory.mktemp("whole"), [])


def test_an_input_is_its_number(files, tmp_path):
    again = fuzz.whole_files(tmp_path, [])
    first, second = (
        [fuzz.damaged(known, 7, number) for number in range(30)] for known in (files, again)
    )
    assert first == second
    assert len({data for _, _, data in first}) == 30
    assert fuzz.damaged(files, 8, 0) != first[0]


def test_whole_files_are_restored(files, tmp_path):
    restore = fuzz.restorers(tmp_path)
    for paths in files.values():
        assert {fuzz.attempt(restore, path)[0] for path in paths} == {"restored"}


def test_damaged_files_are_restored_or_refused_in_silence(files, tmp_path, capfd):
    restore, outcomes = fuzz.restorers(tmp_path), Counter()
    for number in range(150):
        _, ending, data = fuzz.damaged(files, 0, number)
        path = tmp_path / f"input{ending}"
        path.write_bytes(data)
        outcome, words = fuzz.attempt(restore, path)
        assert outcome in ("restored", "refused"), (number, outcome, words)
        outcomes[outcome] += 1
    assert capfd.readouterr() == ("", "")
    assert min(outcomes["restored"], outcomes["refused"]) > 30
