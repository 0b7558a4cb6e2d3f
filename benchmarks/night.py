"""A night of restoring with its accidents: a folder of raws, killed again and again.

python benchmarks/night.py [--files 200] [--bad 5] [--kills 10] [--jobs 1] [--seed 0] [--json OUT]

Makes a tree of small raws, some of them bad, and restores it with a small network as a user would,
with `pellucid restore DIR -o OUT`. The program gets SIGKILL at random moments, sometimes while it
starts, sometimes with all its processes, and is started again until it ends by itself. Then every
result is compared, byte by byte, with those of a run that nobody disturbed.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from pellucid import Camera, DualDomainConfig, Noise, UNetConfig, unrender, write_mosaic
from pellucid.checkpoint import save_network
from pellucid.cli import exit_with
from pellucid.io import DngFields
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor([[0.5, 0, 0], [-0.6, 1.3, 0.3], [-0.1, 0.2, 0.7]]), torch.ones(3))
NOISE = Noise(2e-3, 1e-6)


def write_photo(path: Path, seed: int, size: tuple[int, int]) -> None:
    """A noisy raw of smooth shades."""
    generator = torch.Generator().manual_seed(seed)
    picture = F.interpolate(torch.rand(1, 3, 5, 7, generator=generator), size, mode="bilinear")
    noisy = add_noise(unrender(picture[0], CAMERA), NOISE, generator=generator)
    write_mosaic(path, noisy, CAMERA, NOISE, DngFields(make="Pellucid", model="Night", iso=800))


def write_network(path: Path) -> None:
    """A small network that is not the identity."""
    torch.manual_seed(0)
    config = DualDomainConfig(UNetConfig(widths=(8, 16)), UNetConfig(shuffle=2, widths=(8, 16)))
    net = config.build()
    for inner in (net.raw_net, net.srgb_net):
        nn.init.normal_(inner.body.head.weight, std=0.1)
    save_network(net, config, path)


SPOILT: tuple[Callable[[bytes], bytes], ...] = (
    lambda whole: b"",
    lambda whole: b"no raw photograph",
    lambda whole: whole[: len(whole) // 2],
    lambda whole: bytes(len(whole)),
    lambda whole: whole[::-1],
)
"""The ways in which files are bad."""


def write_tree(folder: Path, files: int, bad: int, size: tuple[int, int], seed: int) -> list[str]:
    """Fill a folder; the names of the bad files."""
    for number in range(files):
        path = folder / f"day{number % 4}" / f"IMG_{number // 4:04}.dng"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_photo(path, number, size)
    paths = sorted(folder.rglob("*.dng"))
    spoilt = random.Random(seed).sample(paths, bad)
    for number, path in enumerate(spoilt):
        path.write_bytes(SPOILT[number % len(SPOILT)](path.read_bytes()))
    return sorted(path.relative_to(folder).as_posix() for path in spoilt)


def start(root: Path, output: str, jobs: int) -> subprocess.Popen[str]:
    """The program, in a group of its own."""
    words = f"restore photos -o {output} --model net.safetensors --jobs {jobs}"
    return subprocess.Popen(
        [sys.executable, "-m", "pellucid", *words.split()],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def results(folder: Path) -> dict[str, tuple[int, int]]:
    """Every picture in sight with what changes when it is written again."""
    paths = [path for path in folder.rglob("*.png") if ".pellucid" not in path.parts[-2]]
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in paths}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def lines(folder: Path) -> list[dict[str, object]]:
    """The whole lines of the manifest behind the first."""
    path = folder / "pellucid.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()[1:]]


def kill_somewhere(root: Path, jobs: int, rng: random.Random, files: int, kills: int) -> str:
    """Start the program, and kill it at a random moment; what had happened until then."""
    before = len(lines(root / "out"))
    program = start(root, "out", jobs)
    further = 0 if rng.random() < 0.2 else rng.randint(1, max(1, 2 * files // (kills + 2)))
    while program.poll() is None and len(lines(root / "out")) < before + further:
        time.sleep(0.002)
    time.sleep(rng.random() * (3.0 if further == 0 else 0.2))
    whole_group = rng.random() < 0.5
    if program.poll() is None:
        (os.killpg if whole_group else os.kill)(program.pid, signal.SIGKILL)
    program.communicate()
    who = "all processes" if whole_group else "the program"
    return f"{who} killed, {len(results(root / 'out'))} results"


def account(root: Path, said: argparse.Namespace, bad: list[str]) -> dict[str, object]:
    """Kill and go on, and compare with a run that nobody disturbed."""
    rng, seen, again = random.Random(said.seed), dict[str, tuple[int, int]](), 0
    for number in range(said.kills):
        print(f"kill {number + 1}: {kill_somewhere(root, said.jobs, rng, said.files, said.kills)}")
        now = results(root / "out")
        again += sum(now.get(name) != stat for name, stat in seen.items())
        seen = now
    last = start(root, "out", said.jobs)
    out, err = last.communicate()
    print(*(out.splitlines()[-1:] or [err]))
    now = results(root / "out")
    again += sum(now.get(name) != stat for name, stat in seen.items())
    start(root, "undisturbed", said.jobs).communicate()
    expected = results(root / "undisturbed")
    told = Counter(line["name"] for line in lines(root / "out") if line["result"])
    return {
        "files": said.files,
        "kills": said.kills,
        "jobs": said.jobs,
        "seed": said.seed,
        "exit_code": last.returncode,
        "results": len(now),
        "missing": len(set(expected) - set(now)),
        "not_whole": sum(
            (root / "out" / name).read_bytes() != (root / "undisturbed" / name).read_bytes()
            for name in set(expected) & set(now)
        ),
        "written_again": again,
        "lines_without_result": sum(told.values()) - len(told),
        "bad_planted": len(bad),
        "bad_reported": sum(any(name in line for line in err.splitlines()) for name in bad),
        "lines_on_stderr": len(err.splitlines()),
        "drafts_left": len(list((root / "out").glob(".pellucid*"))),
    }


def main() -> int:
    """Make the night, and print its account."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--bad", type=int, default=5)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--size", default="128x192")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    height, width = map(int, said.size.split("x"))
    root = Path(tempfile.mkdtemp(prefix="pellucid-night-"))
    begun = time.perf_counter()
    try:
        write_network(root / "net.safetensors")
        bad = write_tree(root / "photos", said.files, said.bad, (height, width), said.seed)
        facts = account(root, said, bad)
    finally:
        shutil.rmtree(root)
    facts["seconds"] = round(time.perf_counter() - begun)
    print("\n".join(f"{key.replace('_', ' '):22} {value}" for key, value in facts.items()))
    if said.json is not None:
        said.json.write_text(json.dumps(facts, indent=1) + "\n")
    good = (
        facts["results"] == said.files - said.bad
        and facts["bad_reported"] == facts["lines_on_stderr"] == said.bad
        and not any(facts[key] for key in ("missing", "not_whole", "written_again", "drafts_left"))
    )
    print("nothing lost" if good else "SOMETHING WAS LOST")
    return 0 if good else 1


if __name__ == "__main__":
    exit_with(main)
