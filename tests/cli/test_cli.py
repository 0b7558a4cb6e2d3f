"""The command line: what a command writes and says, and one line where it cannot."""

import json
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pellucid import Rendering, Restorer, develop, read_picture, read_raw, write_picture
from pellucid.cli import main
from pellucid.cli.options.evaluate import polyu_options
from pellucid.cli.options.restore import restore_options
from pellucid.io import DngFields, write_dng
from pellucid.io.png import bit_depth
from pellucid.passes import TILE

MODEL = "--model net.safetensors"
COMMANDS = (
    "restore",
    "develop",
    "inspect",
    "demo",
    "pack",
    "train",
    "evaluate",
    "evaluate synthetic",
)


def contents(folder: Path) -> dict[str, bytes | None]:
    """All files, with what is in them, and folders."""
    paths = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def assert_shows(path: Path, picture: torch.Tensor) -> None:
    """The file is this picture, to 8 bits."""
    torch.testing.assert_close(read_picture(path), picture.clamp(0, 1), atol=0.5 / 255, rtol=1e-3)


# -- what commands do ------------------------------------------------------------------------------


def test_restore_writes_what_the_restorer_gives_and_says_the_noise(folder, pellucid):
    run = pellucid(f"restore a.dng -o out.png {MODEL}")
    assert run.code == 0 and run.err == []
    assert run.out == [
        "a.dng: noise shot 0.002, read 1e-06, the file's noise profile",
        "wrote out.png",
    ]
    raw = read_raw("a.dng")
    restored = Restorer.load("net.safetensors")(raw).srgb
    assert (restored - develop(raw)).abs().max() > 0.01, "the network must do something"
    assert_shows(folder / "out.png", restored)


def test_restore_takes_a_given_noise_level_or_estimates_one(folder, pellucid):
    given = pellucid(f"restore a.dng -o out.png --noise 1e-4,3e-5 {MODEL}")
    assert given.out[0] == "a.dng: noise shot 0.0001, read 3e-05, given"
    guessed = pellucid(f"restore b.dng -o out.png {MODEL}")
    assert guessed.code == 0
    assert guessed.out[0].endswith(", estimated from the picture")


def test_the_commands_tiles_are_the_librarys():
    for options in (restore_options(), polyu_options()):
        assert options.get_default("tile") == TILE


def test_restore_in_tiles_and_with_a_look(folder, pellucid):
    assert (
        pellucid(f"restore a.dng -o out.png --tile 32 --exposure -1 --tone 0.5 {MODEL}").code == 0
    )
    rendering = Rendering(0.5, 0.5)
    whole = Restorer.load("net.safetensors")(read_raw("a.dng"), rendering=rendering).srgb
    assert_shows(folder / "out.png", whole)


def test_restore_many_beside_their_files(folder, pellucid):
    run = pellucid(f"restore a.dng raws/a.dng {MODEL}")
    assert run.code == 0 and run.err == [] and run.out[-1] == "restored 2 of 2"
    for path in (folder / "a-restored.png", folder / "raws" / "a-restored.png"):
        assert read_picture(path).shape == (3, 64, 96)


def test_restore_many_into_a_new_folder(folder, pellucid):
    assert pellucid(f"restore a.dng b.dng -o clean/2024.11.22 {MODEL}").code == 0
    names = sorted(path.name for path in (folder / "clean/2024.11.22").glob("*.png"))
    assert names == ["a.png", "b.png"]


def test_restore_reports_the_bad_and_writes_the_good(folder, pellucid):
    run = pellucid(f"restore a.dng text.dng missing/c.dng b.dng -o clean {MODEL}")
    assert run.code == 2 and run.out[-1] == "restored 2 of 4"
    assert {line.split(":")[1].strip() for line in run.err} == {"text.dng", "missing/c.dng"}
    assert len(run.err) == 2
    assert sorted(p.name for p in (folder / "clean").glob("*.png")) == ["a.png", "b.png"]


def test_develop_writes_what_develop_gives(folder, pellucid):
    run = pellucid("develop a.dng -o out.tif --exposure -1")
    assert (run.code, run.out, run.err) == (0, ["wrote out.tif"], [])
    assert_shows(folder / "out.tif", develop(read_raw("a.dng"), Rendering(0.5)))


@pytest.mark.parametrize("bits", [8, 16])
def test_bits(folder, pellucid, bits):
    assert pellucid(f"develop a.dng -o out.png --bits {bits} --demosaic bilinear").code == 0
    assert bit_depth((folder / "out.png").read_bytes()) == bits


def test_inspect_as_json(folder, pellucid):
    run = pellucid("inspect a.dng --json")
    facts = json.loads("\n".join(run.out))
    assert run.code == 0 and run.err == []
    assert (facts["camera"], facts["iso"], facts["size"]) == ("Pellucid Test", 800, [96, 64])
    assert facts["noise_profile"] == pytest.approx({"shot": 2e-3, "read": 1e-6})
    assert facts["white_balance"] == [1, 1, 1]


def test_inspect_as_text(folder, pellucid):
    known, unknown = pellucid("inspect a.dng"), pellucid("inspect b.dng")
    assert known.code == unknown.code == 0
    assert "noise profile    shot 0.002, read 1e-06" in known.out
    assert "noise profile    not said" in unknown.out
    assert any(line.startswith("noise estimate   shot ") for line in unknown.out)
    assert all(word not in line for line in known.out for word in ("None", "[", "{", "tensor"))


def test_evaluate_prints_and_writes_its_rows(folder, pellucid):
    (folder / "photos").mkdir()
    photo = torch.rand(3, 70, 70, generator=torch.Generator().manual_seed(0))
    write_picture("photos/one.png", photo)
    levels = "--noise-levels 0.01 --tones 0"
    run = pellucid(f"evaluate synthetic --photos photos {levels} {MODEL} --json rows.json")
    assert run.code == 0 and run.err == []
    rows = json.loads((folder / "rows.json").read_text())["rows"]
    assert [row["model"] for row in rows] == 3 * ["input", "net.safetensors"]
    assert len(run.out) == 1 + len(rows) + 1 and run.out[-1].startswith("protocol: ")


def test_demo_prints_its_scores(folder, pellucid, monkeypatch):
    monkeypatch.setattr("pellucid.demo.sample", lambda: torch.full((3, 64, 96), 0.5))
    run = pellucid(f"demo -o shown {MODEL}")
    assert run.code == 0 and run.err == []
    scores = json.loads((folder / "shown" / "demo.json").read_text())
    assert f"{scores['psnr_noisy']:.2f} dB" in run.out[0]
    assert f"{scores['psnr_restored']:.2f} dB" in run.out[1]


# -- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_for_people(pellucid, command):
    run = pellucid(f"{command} --help")
    text = "\n".join(run.out)
    assert run.code == 0 and run.err == []
    assert text.startswith(f"usage: pellucid {command}".rstrip())
    assert all(word not in text for word in ("type:", "null", "None", "Optional", "Literal"))


def test_nothing_said_shows_the_help(pellucid):
    run = pellucid("")
    assert run.code == 2 and all(any(name in line for line in run.out) for name in COMMANDS[:7])


@pytest.mark.parametrize(("said", "held"), [(None, "1"), ("0", "0")])
def test_large_pages_are_asked_for_unless_the_user_says_otherwise(
    pellucid, monkeypatch, said, held
):
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", said or "")
    if said is None:
        monkeypatch.delenv("THP_MEM_ALLOC_ENABLE")
    pellucid("--version")
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == held


@pytest.mark.parametrize("told", [None, "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_tiles_free_is_kept_unless_the_user_says_otherwise(pellucid, monkeypatch, told):
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    if told:
        monkeypatch.setenv(told, "")
    asked = []
    library = SimpleNamespace(mallopt=lambda *words: asked.append(words))
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    pellucid("--version")
    assert asked == ([] if told or sys.platform != "linux" else [(-3, 256 << 20), (-1, 2**31 - 1)])


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_tensors_of_one_size_are_cleared_once():
    code = """
import resource, sys, torch
from pellucid.cli.memory import thrifty_memory
if sys.argv[1] == "kept":
    thrifty_memory()
torch.empty(2**25).fill_(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.empty(2**25).fill_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    alike = {**os.environ, "THP_MEM_ALLOC_ENABLE": "0"}
    words = {how: [sys.executable, "-c", code, how] for how in ("kept", "returned")}
    kept, returned = (
        int(subprocess.run(words[how], env=alike, stdout=subprocess.PIPE, check=True).stdout)
        for how in words
    )
    assert kept < returned / 2


def test_version(pellucid):
    run = pellucid("--version")
    assert run.code == 0 and run.out[0].startswith("pellucid ")


def test_train_lists_the_options_of_a_recipe(folder, pellucid):
    run = pellucid("train recipe.yaml --help")
    assert run.code == 0 and any("--data.photos" in line for line in run.out)


# -- errors ----------------------------------------------------------------------------------------

GOOD = f"restore a.dng -o out.png {MODEL}"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("restore missing.dng -o out.png", "missing.dng: no such file"),
        ("restore missing.dng -o new", "missing.dng: no such file"),
        ("restore missing/a.dng", "missing/a.dng: no such file"),
        ("restore text.dng -o out.png", "text.dng: no raw file"),
        ("restore empty.dng -o out.png", "the file is empty"),
        ("restore half.dng -o out.png", "cut off"),
        ("restore raws -o out.png", "raws: is a directory"),
        ("restore .", "is a directory"),
        ("restore a.dng -o a.dng", "a.dng: is the same file as a.dng; expected another one"),
        ("restore a.dng -o link.dng", "link.dng: is the same file as a.dng; expected another one"),
        ("develop linked.tif -o linked.tif", "linked.tif: is the same file as linked.tif"),
        ("restore a.dng --reference look.png -o look.png", "is the same file as look.png"),
        ("restore a.dng -o missing/out.png", "the folder missing does not exist"),
        ("restore a.dng -o directory.png", "directory.png: is a directory"),
        (f"restore b.dng {MODEL}", "b-restored.png: is a directory"),
        ("restore a.dng -o out.gif", "unknown ending '.gif'; expected one of .dng, .jpeg, .jpg"),
        ("restore a.dng -o net.safetensors", "unknown ending '.safetensors'"),
        ("restore a.dng -o out.jpg --bits 16", ".jpg cannot hold 16 bits"),
        ("restore a.dng b.dng -o out.png", "names one picture, for 2 inputs"),
        (
            "restore a.dng raws/a.dng -o clean",
            "a.dng and raws/a.dng: two inputs have the same name",
        ),
        ("restore a.dng a.dng", "two inputs have the same name"),
        (f"{GOOD} --noise 1", "--noise 1: expected two numbers"),
        (f"{GOOD} --noise a,b", "--noise a,b: expected two numbers"),
        (f"{GOOD} --noise 0,0", "not both 0"),
        (f"{GOOD} --noise nan,1e-6", "from 0 to 1"),
        (f"{GOOD} --device gpu", "--device gpu: not on this machine"),
        (f"{GOOD} --device meta", "--device meta: not on this machine"),
        (f"{GOOD} --device hpu", "--device hpu: not on this machine"),
        (f"{GOOD} --tone 3", "--tone: 3: expected a number from 0 to 1"),
        (f"{GOOD} --tone nan", "--tone: nan: expected a number from 0 to 1"),
        (f"{GOOD} --exposure much", "--exposure: much: expected a number from -10 to 10"),
        (f"{GOOD} --tile 0", "--tile: 0: expected a whole number, 2 or more"),
        (f"{GOOD} --tile 1.5", "--tile: 1.5: expected a whole number"),
        (f"{GOOD} --bits 12", "--bits: invalid choice: 12"),
        (f"{GOOD} --unknown 1", "unrecognized arguments: --unknown"),
        (f"{GOOD} --exposre 1", "unknown option --exposre; the nearest one is --exposure"),
        ("restore a.dng --outptu x", "unknown option --outptu; the nearest one is --output"),
        ("models show default --tsk derain", "unknown option --tsk; the nearest one is --task"),
        ("develop a.dng", "got no output; expected pellucid develop -o OUT IN;"),
        ("restore", "got no inputs; expected pellucid restore IN;"),
        ("adapt", "got no real and no output; expected pellucid adapt --real DIR -o FILE;"),
        ("evaluate synthetic", "got no photos; expected pellucid evaluate synthetic --photos DIR;"),
        ("evaluate", "got no benchmark; expected one of synthetic, folder,"),
        ("dng", "got no action; expected one of check; see pellucid dng --help"),
        ("restore a.dng -o out.png --model nope", "nope: no such model"),
        ("restore a.dng -o out.png --model raws", "raws: holds no weights.safetensors"),
        ("restore a.dng -o out.png --model a.dng", "a.dng: not a safetensors file"),
        ("develop text.dng -o out.png", "text.dng: no raw file"),
        ("develop a.dng -o missing/out.png", "the folder missing does not exist"),
        ("develop a.dng -o out.png --demosaic best", "invalid choice: 'best'"),
        ("develop grey.dng -o out.png --white-balance 3,1,2", "grey.dng: has no colours; expected"),
        ("restore grey.dng -o out.png --white-balance auto", "grey.dng: has no colours; expected"),
        ("develop grey.dng -o out.png --demosaic bilinear", "grey.dng: is no Bayer mosaic; expect"),
        ("inspect half.dng", "cut off"),
        ("inspect raws", "raws: is a directory"),
        ("demo -o a.dng", "a.dng: file exists"),
        ("inspect a.dng --noise a.dng", "a.dng: unknown ending '.dng'; expected .png"),
        ("inspect a.dng --noise camera.json", "unknown ending '.json'; expected .png"),
        ("calibrate a.dng -o a.dng", "a.dng: unknown ending '.dng'; expected .json"),
        ("calibrate a.dng -o c.json --plot a.dng", "unknown ending '.dng'; expected .png"),
        ("calibrate a.dng -o c.json --darktable a.dng", "unknown ending '.dng'; expected .json"),
        ("calibrate a.dng -o c.json --darktable ./c.json", "is the same file as c.json; expected"),
        ("evaluate", "see pellucid evaluate --help"),
        ("evaluate synthetic --photos missing", "missing: no such folder"),
        ("evaluate synthetic --photos raws", "raws: no photographs"),
        ("evaluate synthetic --photos raws --noise-levels 0", "expected a number from 1e-06 to 1"),
        ("evaluate synthetic --photos raws --tones 0,2", "--tones: 2: expected a number"),
        ("evaluate synthetic --photos raws --limit 0", "--limit: 0: expected a whole number"),
        ("evaluate synthetic --photos raws --json no/rows.json", "the folder no does not exist"),
        ("evaluate synthetic --photos raws --json a.dng", "unknown ending '.dng'; expected .json"),
        ("train", "expected pellucid train RECIPE.yaml"),
        ("train missing.yaml", "missing.yaml: no such recipe"),
        ("train recipe.yaml --unknown.key 1", "unknown option unknown.key"),
        ("train recipe.yaml --trainer.max_steps many", "trainer.max_steps"),
        ("train half.dng", "half.dng: "),
        ("enhance a.dng", "invalid choice: 'enhance'"),
    ],
)
def test_an_error_is_one_line_and_leaves_nothing_behind(folder, pellucid, command, words):
    for link in ("link.dng", "linked.tif"):
        (folder / link).symlink_to("a.dng")
    write_dng("grey.dng", np.full((32, 48), 900, np.uint16), DngFields(pattern=()))
    write_picture("look.png", torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)))
    before = contents(folder)
    run = pellucid(command)
    assert run.code == 2 and len(run.err) == 1 and run.out == [], run
    assert run.err[0].startswith("pellucid: ") and words in run.err[0]
    assert contents(folder) == before


LONG = 300 * "n"


@pytest.mark.parametrize(
    "command",
    [
        f"restore a.dng -o {LONG}.png",
        f"restore a.dng -o {LONG}",
        f"restore {LONG}.dng -o out",
        f"restore a.dng -o out.png --model {LONG}",
        f"models show {LONG}",
        f"calibrate {LONG}",
        f"inspect {LONG}",
        f"develop a.dng -o {LONG}.png",
        f"develop {LONG} -o out.png",
    ],
)
def test_a_name_that_is_too_long_is_said_in_one_line(folder, pellucid, command):
    before = contents(folder)
    run = pellucid(command)
    assert run.code == 2 and len(run.err) == 1 and "file name too long" in run.err[0], run
    assert LONG in run.err[0] and contents(folder) == before


def test_training_without_its_photographs_makes_no_run_folder(folder, pellucid):
    before = contents(folder)
    run = pellucid("train recipe.yaml --data.photos missing --trainer.default_root_dir run")
    assert run.code == 2 and "missing: no such folder" in run.err[-1]
    assert contents(folder) == before


def test_an_interruption_leaves_no_picture(folder, pellucid, monkeypatch):
    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("pellucid.io.picture_writer.encode_png", interrupted)
    before = contents(folder)
    run = pellucid(GOOD)
    assert (run.code, run.err) == (130, ["pellucid: interrupted"])
    assert contents(folder) == before


def test_names_that_the_terminal_lacks_are_printed_all_the_same(folder, monkeypatch):
    stdout = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit, match="0"):
        main(["develop", "a.dng", "-o", "caf\xe9.png"])
    assert stdout.buffer.getvalue() == b"wrote caf\\xe9.png\n"  # pyright: ignore


# -- as a program ----------------------------------------------------------------------------------


def test_the_module_runs_and_restoring_needs_nothing_of_training(folder):
    command = [sys.executable, "-X", "importtime", "-m", "pellucid"]
    command += f"restore a.dng -o out.png {MODEL}".split()
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("wrote out.png\n") and read_picture("out.png").shape == (3, 64, 96)
    imported = {line.split("|")[-1].strip() for line in run.stderr.splitlines()}
    assert "pellucid.cli.restore" in imported
    assert imported.isdisjoint(
        {
            "lightning",
            "torchmetrics",
            "torchvision",
            "diffusers",
            "pellucid.training",
            "pellucid.adapt",
        }
    )


def test_a_reader_that_goes_away_is_no_error(folder):
    command = [sys.executable, "-m", "pellucid", "inspect", "a.dng"]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=buffered) as program:
        assert program.stdout is not None and program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 1


@pytest.mark.parametrize("command", [["inspect", "a.dng"], ["inspect", "text.dng"]])
def test_output_that_cannot_be_printed_is_one_line(folder, command):
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "pellucid", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    words = "output: no space left on device" if "a.dng" in command else "text.dng: no raw file"
    assert run.returncode == 2 and run.stderr.startswith(f"pellucid: {words}")
    assert len(run.stderr.splitlines()) == 1
