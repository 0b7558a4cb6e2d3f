"""`pellucid restore` on folders: what is done, skipped, reported, and left when it is stopped."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pellucid import read_picture
from pellucid.cli.restore import duration

MODEL = "--model net.safetensors"


def pictures(folder: Path) -> dict[str, tuple[int, int]]:
    """The results, with what changes when one is written again."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.png")}
    stats = {name: path.stat() for name, path in sorted(paths.items()) if name[0] != "."}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def manifest(folder: Path) -> list[dict[str, object]]:
    path = folder / "pellucid.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()[1:]]


@pytest.fixture
def tree(folder: Path) -> Path:
    """Raws of two days, one of them bad, with a name that two files share but for its ending."""
    tree = folder / "tree"
    (tree / "day" / "more").mkdir(parents=True)
    for name in ("x.dng", "x.raw", "day/y.DNG", "day/more/z.dng", "._x.dng"):
        shutil.copy(folder / "a.dng", tree / name)
    shutil.copy(folder / "text.dng", tree / "day" / "bad.dng")
    (tree / "day" / "again").symlink_to(tree)
    return tree


RESULTS = ["day/more/z.png", "day/y.png", "x.dng.png", "x.raw.png"]


def test_a_folder_is_restored_once_and_again_where_something_changed(tree, folder, pellucid):
    command = f"restore tree -o tree/out {MODEL}"
    first = pellucid(command)
    assert first.code == 2 and first.out[-1] == "restored 4 of 5"
    assert any(line.startswith("about ") and line.endswith(" for 3 more") for line in first.out)
    assert len(first.err) == 1 and first.err[0].startswith("pellucid: tree/day/bad.dng: no raw")
    made = pictures(tree / "out")
    assert list(made) == RESULTS
    assert sorted(os.listdir(tree / "out")) == ["day", "pellucid.jsonl", "x.dng.png", "x.raw.png"]
    told = {line["name"]: line for line in manifest(tree / "out")}
    assert told["day/bad.dng"]["error"] and told["day/y.DNG"]["output"] == "day/y.png"
    assert told["x.dng"]["noise"]["origin"] == "the file's noise profile"
    (tree / "day/bad.dng").unlink()
    again = pellucid(command)
    assert (again.code, again.err) == (0, [])
    assert again.out == ["restored 4 of 4, 4 of them before"]
    assert pictures(tree / "out") == made

    shutil.copy(folder / "b.dng", tree / "x.raw")
    os.utime(tree / "x.dng")
    changed = pellucid(command)
    assert changed.code == 0 and changed.out[-1] == "restored 4 of 4, 3 of them before"
    now = pictures(tree / "out")
    assert {name for name in made if made[name] != now[name]} == {"x.raw.png"}

    (tree / "out/x.dng.png").write_bytes(b"retouched by hand")
    brighter = pellucid(f"{command} --exposure 1")
    assert brighter.code == 2 and brighter.out[-1] == "restored 3 of 4"
    assert (
        len(brighter.err) == 1
        and "x.dng.png: is not as pellucid restore left it" in (brighter.err[0])
    )
    assert (tree / "out/x.dng.png").read_bytes() == b"retouched by hand"
    assert not any(
        a == b for a, b in zip(now.values(), pictures(tree / "out").values(), strict=True)
    )


def test_pictures_keep_their_exif_alone_and_in_folders(folder, pellucid):
    exif = Image.Exif()
    exif.get_ifd(34665)[36867] = "2020:02:29 12:34:56"
    (folder / "pictures").mkdir()
    Image.new("RGB", (40, 32), "grey").save(folder / "pictures/x.jpg", exif=exif)
    assert pellucid("restore pictures -o out --task denoise").code == 0
    assert pellucid("restore pictures/x.jpg -o alone.jpg").code == 0
    for path in (folder / "out/x.png", folder / "alone.jpg"):
        with Image.open(path) as picture:
            assert picture.getexif().get_ifd(34665)[36867] == "2020:02:29 12:34:56"


def test_shards_do_each_file_once_in_the_format_asked_for(tree, folder, pellucid):
    (tree / "day/bad.dng").unlink()
    for part in ("1/2", "2/2 --jobs 2"):
        assert pellucid(f"restore tree -o out --format jpg --shard {part} {MODEL}").code == 0
    manifests = [path.read_text().splitlines()[1:] for path in (folder / "out").glob("*.jsonl")]
    names = [json.loads(line)["name"] for lines in manifests for line in lines]
    assert sorted(names) == ["day/more/z.dng", "day/y.DNG", "x.dng", "x.raw"]
    together = pellucid(f"restore tree -o out --format jpg {MODEL}")
    assert together.out == ["restored 4 of 4, 4 of them before"]


def start(*more: str) -> subprocess.Popen[str]:
    words = ["-m", "pellucid", "restore", "many", "-o", "out", *MODEL.split(), *more]
    pipe = subprocess.PIPE
    # What a shell starts in the background ignores Ctrl-C, and would hand that down.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, *words], stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for(program: subprocess.Popen[str], lines: int) -> None:
    while program.poll() is None and len(manifest(Path("out"))) < lines:
        time.sleep(0.001)
    assert program.poll() is None, program.communicate()


def test_killed_and_interrupted_it_loses_nothing_and_does_nothing_twice(folder):
    rng, many = random.Random(0), 80  # enough that quick machines are caught at it
    (folder / "many").mkdir()
    for number in range(many):
        shutil.copy(folder / "a.dng", folder / "many" / f"{number}.dng")
    before: dict[str, tuple[int, int]] = {}
    for end, lines in ((signal.SIGKILL, 4), (signal.SIGINT, 11)):
        program = start()
        wait_for(program, lines)
        time.sleep(rng.random() * 0.03)
        if end == signal.SIGKILL:
            program.kill()
            program.communicate()
        else:
            os.killpg(program.pid, end)
            assert program.communicate()[1] == "pellucid: interrupted\n"
            assert program.returncode == 130
        now = pictures(Path("out"))
        assert before.items() <= now.items(), "a result was written again"
        assert lines - 2 <= len(now) < many
        before = now
    program = start()
    out, err = program.communicate()
    assert program.returncode == 0 and err == "", err
    assert out.splitlines()[-1] == f"restored {many} of {many}, {len(before)} of them before"
    now = pictures(Path("out"))
    assert before.items() <= now.items() and len(now) == many
    assert all(read_picture(f"out/{name}").shape == (3, 64, 96) for name in now)
    assert sorted(os.listdir("out")) == sorted([*now, "pellucid.jsonl"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("restore raws", "raws: is a directory; expected -o and a folder"),
        ("restore a.dng raws", "raws: is a directory; expected -o and a folder"),
        ("restore directory.png -o out", "directory.png: holds no raws; expected some"),
        ("restore raws -o out --shard 3/2", "--shard 3/2: expected I/N with I from 1 to N"),
        ("restore raws -o out --shard half", "--shard half: expected I/N"),
        ("restore a.dng -o out.png --shard 1/2", "--shard is for many files"),
        ("restore a.dng -o out.png --format jpg", "-o out.png says the format"),
        ("restore raws -o out --format jpg --bits 16", ".jpg cannot hold 16 bits"),
        ("restore raws -o out --format gif", "--format: invalid choice: 'gif'"),
        ("restore raws -o out --jobs 0", "--jobs: 0: expected a whole number, 1 or more"),
        ("restore raws -o raws", "-o raws is the folder of the inputs; expected another one"),
        ("restore raws -o a.dng/out", "a.dng/out: not a directory"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(folder, pellucid, command, words):
    before = sorted(folder.rglob("*"))
    run = pellucid(f"{command} {MODEL}")
    assert run.code == 2 and run.out == [] and len(run.err) == 1, run
    assert run.err[0].startswith("pellucid: ") and words in run.err[0]
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_an_estimate_is_in_the_words_that_one_would_use(seconds, words):
    assert duration(seconds) == words
