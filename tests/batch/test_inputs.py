"""Which files a batch has, whose they are, and what their results are called."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.batch.inputs import Shard, Source, find_sources, in_shard, result_names
from pellucid.errors import FileError, PellucidError

NAMES = st.lists(st.text("ab.", min_size=1, max_size=5).map(lambda n: f"x{n}.dng"), unique=True)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def named(given: list[str]) -> list[Source]:
    return [Source(Path(name), name) for name in given]


def names(
    inputs: list[Path], pictures: bool = False, leave_out: Path | None = None
) -> tuple[list[str], list[FileError]]:
    errors: list[FileError] = []
    found = find_sources(inputs, pictures, leave_out, errors.append)
    return [source.name for source in found], errors


def test_a_tree_gives_its_raws_in_order_and_nothing_hidden(tmp_path: Path) -> None:
    touch(tmp_path, "b.CR2", "a.dng", "day/c.nef", "day/deep/d.ARW", "e.jpg", "notes.txt")
    touch(tmp_path, "._b.CR2", ".Trash/f.dng", "out/g.dng")
    raws = ["a.dng", "b.CR2", "day/c.nef", "day/deep/d.ARW"]
    assert names([tmp_path], leave_out=tmp_path / "out") == (raws, [])
    with_pictures = sorted([*raws, "e.jpg"])
    assert names([tmp_path], True, tmp_path / "out") == (with_pictures, [])
    assert names([tmp_path], leave_out=tmp_path / "not there")[0] == [*raws, "out/g.dng"]


def test_folders_keep_their_names_where_there_are_several(tmp_path: Path) -> None:
    touch(tmp_path, "day1/a.dng", "day2/a.dng", "b.dng")
    inputs = [tmp_path / "day1", tmp_path / "day2", tmp_path / "b.dng"]
    assert names(inputs)[0] == ["day1/a.dng", "day2/a.dng", "b.dng"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    touch(tmp_path, "day/a.dng")
    (tmp_path / "day" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    assert names([tmp_path]) == (["day/a.dng"], [])


def test_a_folder_that_cannot_be_listed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listdir(folder: Path) -> list[str]:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return original(folder)

    original = os.listdir
    monkeypatch.setattr(os, "listdir", listdir)
    touch(tmp_path, "a.dng", "locked/b.dng")
    found, errors = names([tmp_path])
    assert found == ["a.dng"]
    assert [str(error) for error in errors] == [f"{tmp_path / 'locked'}: permission denied"]


def test_what_cannot_be_looked_at_is_said_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that may be listed and not entered, which would not stop root."""

    def stat(path: Path, **how: bool) -> os.stat_result:
        if Path(path).parent.name == "locked":
            raise PermissionError(13, "Permission denied")
        return original(path, **how)

    touch(tmp_path, "a.dng", "locked/b.dng", "z.dng")
    original = os.stat
    monkeypatch.setattr(os, "stat", stat)
    found, errors = names([tmp_path])
    assert found == ["a.dng", "z.dng"]
    assert [str(error) for error in errors] == [f"{tmp_path / 'locked/b.dng'}: permission denied"]
    assert names([tmp_path / "locked/b.dng"]) == (["b.dng"], [])


def test_shards_part_the_files_by_name_alone() -> None:
    sources = [Source(Path(f"/any/{n}.dng"), f"{n}.dng") for n in range(400)]
    parts = [[s for s in sources if in_shard(s, Shard(i, 4))] for i in (1, 2, 3, 4)]
    assert sorted(s for part in parts for s in part) == sorted(sources)
    assert all(60 < len(part) < 140 for part in parts)
    moved = [Source(Path("elsewhere") / s.name, s.name) for s in parts[0]]
    assert all(in_shard(source, Shard(1, 4)) for source in moved)
    composed, decomposed = (Source(Path("x"), name) for name in ("caf\xe9.dng", "cafe\u0301.dng"))
    assert [in_shard(composed, Shard(i, 9)) for i in range(1, 10)] == [
        in_shard(decomposed, Shard(i, 9)) for i in range(1, 10)
    ]


def test_results_have_the_names_of_their_files() -> None:
    given_names = ["a.dng", "a.CRW", "A.jpg", "day/a.dng", "b.dng", "b.c.dng"]
    assert result_names(named(given_names), ".png") == [
        "a.dng.png",
        "a.CRW.png",
        "A.jpg.png",
        "day/a.png",
        "b.png",
        "b.c.png",
    ]
    twice = [Source(Path(folder) / "a.dng", "a.dng") for folder in ("mon", "tue")]
    said = "mon/a.dng and tue/a.dng: two inputs have the same name"
    with pytest.raises(PellucidError, match=said):
        result_names(twice, ".png")


@given(NAMES)
def test_results_never_meet(given_names: list[str]) -> None:
    results = result_names(named([*given_names, *(f"{n}.tif" for n in given_names)]), ".png")
    assert len(set(results)) == 2 * len(given_names)
