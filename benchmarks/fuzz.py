"""Damaged raws, DNGs, JPEGs and TIFFs, restored in processes of bounded memory and time.

python benchmarks/fuzz.py [FILE ...] [--count 5000] [--seed 0] [--jobs 2] [--seconds 30]
                          [--gib 2] [--keep FOLDER] [--json OUT] [--only N]

Small files are made here; real ones (raws of any maker) are damaged too where they are named. Input
N of a seed is always the same, so `--only N` shows one again. A file is refused in one line or
restored; anything else is a fault: a crash (signal), a hang, another exception, words on stderr.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread

import numpy as np
import tifffile
from PIL import Image

Rng = np.random.Generator
ODD = (0, 1, 2, 3, 7, 8, 16, 255, 256, 4096, 65535, 2**31 - 1, 2**31, 2**32 - 1)
LARGEST = 1 << 20
"""Pixels of a photograph that is restored as a whole; of larger ones a part is."""


# -- whole files -----------------------------------------------------------------------------------


def dngs(folder: Path) -> Iterator[Path]:
    """Small DNGs: phases, levels, areas, profiles, tables, opcodes, sensors other than Bayer's."""
    from pellucid.io import Area, DngFields, write_dng
    from pellucid.io.dng_fields import QUAD_BAYER, X_TRANS

    sensor = np.random.default_rng(1).integers(500, 16000, (64, 96), dtype=np.uint16)
    shot = DngFields(make="Canon", model="Canon EOS 5D", iso=800, exposure_time=0.01)
    kinds = {
        "plain": shot,
        "phase": replace(shot, phase="GBRG", noise=((1e-3, 1e-6),), baseline_exposure=0.5),
        "sites": replace(shot, black=(512.0, 513.0, 514.0, 515.0), noise=((1e-3, 1e-6),) * 3),
        "areas": replace(
            shot, active_area=Area(3, 5, 61, 91), default_crop=Area(2, 2, 50, 80), orientation=6
        ),
        "table": replace(shot, linearization=tuple(range(0, 65535, 4))),
        "opcodes": replace(shot, opcode_lists=(mended(), shading(), b"")),
        "xtrans": replace(shot, pattern=X_TRANS),
        "quad": replace(shot, pattern=QUAD_BAYER),
        "grey": replace(shot, pattern=()),
        "linear": replace(shot, pattern=(), opcode_lists=(b"", b"", shading())),
    }
    for name, fields in kinds.items():
        pixels = np.stack([sensor] * 3, -1) if name == "linear" else sensor
        write_dng(folder / f"{name}.dng", pixels, fields)
        yield folder / f"{name}.dng"


def mended() -> bytes:
    """An opcode list: bad pixels."""
    from pellucid.io.gain_opcodes import Opcode, opcode_list

    listed = struct.pack(">2I2I2I4I", 0, 0, 1, 1, 10, 7, 20, 30, 22, 33)
    constant = Opcode(4, 0x01030000, 0, struct.pack(">2I", 7, 0))
    return opcode_list([constant, Opcode(5, 0x01030000, 0, listed)])


def shading() -> bytes:
    """An opcode list: a gain map of 3 x 4 points for all planes."""
    from pellucid.io.gain_opcodes import Opcode, opcode_list

    area = struct.pack(">8I", 0, 0, 64, 96, 0, 3, 1, 1)
    grid = struct.pack(">2I4dI", 3, 4, 0.5, 1 / 3, 0.0, 0.0, 1)
    gains = np.linspace(1, 2, 12, dtype=">f4").tobytes()
    return opcode_list([Opcode(9, 0x01030000, 1, area + grid + gains)])


def jpegs(folder: Path) -> Iterator[Path]:
    """Small JPEGs: baseline and progressive, grey, with EXIF and a profile."""
    from pellucid.io.profiles import srgb_profile

    noise = np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    colour = Image.fromarray(noise)
    exif = Image.Exif()
    exif.update({271: "Canon", 274: 6})
    said = {"exif": exif.tobytes(), "icc_profile": srgb_profile()}
    kinds = {"plain": {}, "progressive": {"progressive": True, **said}, "tagged": said}
    for name, options in kinds.items():
        colour.save(folder / f"{name}.jpg", **options)
        yield folder / f"{name}.jpg"
    colour.convert("L").save(folder / "grey.jpg")
    yield folder / "grey.jpg"


def tiffs(folder: Path) -> Iterator[Path]:
    """Small TIFFs: 8 and 16 bits, floats, strips and tiles, compressed and not, planar, grey."""
    rng = np.random.default_rng(2)
    deep = rng.integers(0, 65536, (64, 96, 3), dtype=np.uint16)
    kinds = {
        "deep": (deep, {}),
        "zlib": (deep, {"compression": "zlib", "predictor": True}),
        "lzw": ((deep >> 8).astype(np.uint8), {"compression": "lzw"}),
        "tiles": (deep, {"tile": (32, 32), "compression": "zlib"}),
        "float": ((deep / 65535).astype(np.float32), {}),
        "planar": (deep.transpose(2, 0, 1).copy(), {"planarconfig": "separate"}),
    }
    for name, (pixels, options) in kinds.items():
        path = folder / f"{name}.tif"
        tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
        yield path
    tifffile.imwrite(folder / "grey.tif", deep[..., 0], photometric="minisblack", metadata=None)
    yield folder / "grey.tif"


def whole_files(folder: Path, real: list[Path]) -> dict[str, list[Path]]:
    """What is to be damaged, by kind."""
    kinds = {"dng": list(dngs(folder)), "jpeg": list(jpegs(folder)), "tiff": list(tiffs(folder))}
    return {"raw": real, **kinds} if real else kinds


# -- damage ----------------------------------------------------------------------------------------


def flip_bits(data: bytearray, rng: Rng) -> None:
    """Turn a few bits over, most often near the beginning, where the structure is."""
    end = len(data) if rng.random() < 0.3 else min(len(data), 4096)
    for at in rng.integers(0, end, 1 + int(rng.integers(0, 24))):
        data[at] ^= 1 << int(rng.integers(0, 8))


def cut_off(data: bytearray, rng: Rng) -> None:
    """Lose the end."""
    del data[int(len(data) * rng.random() ** 2) :]


def overwrite(data: bytearray, rng: Rng) -> None:
    """Put zeros, ones or noise over a stretch."""
    at, length = int(rng.integers(0, len(data))), int(rng.integers(1, 512))
    fill = [bytes(length), b"\xff" * length, rng.bytes(length)][int(rng.integers(0, 3))]
    data[at : at + length] = fill


def move_bytes(data: bytearray, rng: Rng) -> None:
    """Take a stretch out, or put one in a second time."""
    at, to = (int(value) for value in rng.integers(0, len(data), 2))
    length = int(rng.integers(1, 300))
    if rng.random() < 0.5:
        del data[at : at + length]
    else:
        data[to:to] = data[at : at + length]


def odd_number(data: bytearray, rng: Rng) -> None:
    """Put an unlikely number of two or four bytes somewhere near the beginning."""
    form = rng.choice(["<H", ">H", "<I", ">I"])
    value = ODD[int(rng.integers(0, len(ODD)))] & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
    if len(data) > 8:
        struct.pack_into(form, data, int(rng.integers(0, min(len(data) - 4, 2048))), value)


def edit_tag(data: bytearray, rng: Rng) -> None:
    """Change code, type, count or value of a TIFF entry; sizes get huge, links go in circles."""
    entries, links, order = directories(data)
    if not entries:
        return odd_number(data, rng)
    at = entries[int(rng.integers(0, len(entries)))]
    match int(rng.integers(0, 6)):
        case 0:
            struct.pack_into(order + "H", data, at, int(rng.choice([254, 256, 273, 330, 34665])))
        case 1:
            struct.pack_into(order + "H", data, at + 2, int(rng.integers(0, 20)))
        case 2:
            struct.pack_into(order + "I", data, at + 4, ODD[int(rng.integers(0, len(ODD)))])
        case 3:
            struct.pack_into(order + "I", data, at + 8, ODD[int(rng.integers(0, len(ODD)))])
        case 4:
            struct.pack_into(order + "I", data, at + 8, int(rng.integers(0, len(data))))
        case _:
            target = int(rng.choice([8, *entries])) - int(rng.choice([0, 2]))
            link = links[int(rng.integers(0, len(links)))]
            if rng.random() < 0.5:
                # An entry that names subdirectories, which name themselves.
                struct.pack_into(order + "HHI", data, at, int(rng.choice([330, 34665])), 4, 1)
                link = at + 8
            struct.pack_into(order + "I", data, link, max(0, target))
    return None


def directories(data: bytearray) -> tuple[list[int], list[int], str]:
    """Where the entries and the links of the chained directories of a TIFF are."""
    order = ">" if data[:2] == b"MM" else "<"
    entries, links, seen = list[int](), list[int](), set[int]()
    if data[:2] not in (b"II", b"MM") or len(data) < 8:
        return [], [], order
    (at,) = struct.unpack_from(order + "I", data, 4)
    while 8 <= at < len(data) - 6 and at not in seen and len(seen) < 16:
        seen.add(at)
        (count,) = struct.unpack_from(order + "H", data, at)
        end = at + 2 + 12 * count
        if end + 4 > len(data):
            break
        entries += range(at + 2, end, 12)
        links.append(end)
        (at,) = struct.unpack_from(order + "I", data, end)
    return entries, links, order


DAMAGES: tuple[Callable[[bytearray, Rng], None], ...] = (
    flip_bits,
    cut_off,
    overwrite,
    move_bytes,
    odd_number,
    edit_tag,
    edit_tag,
    edit_tag,
)


def damaged(files: dict[str, list[Path]], seed: int, number: int) -> tuple[str, str, bytes]:
    """Kind, ending and bytes of an input."""
    rng = np.random.default_rng((seed, number))
    kind = list(files)[number % len(files)]
    path = files[kind][int(rng.integers(0, len(files[kind])))]
    data = bytearray(path.read_bytes())
    for _ in range(int(rng.integers(1, 4))):
        if len(data) > 16:
            DAMAGES[int(rng.integers(0, len(DAMAGES)))](data, rng)
    return kind, path.suffix, bytes(data)


# -- in the process --------------------------------------------------------------------------------


def serve(said: argparse.Namespace) -> None:
    """Restore the inputs whose numbers come in, and say what became of each."""
    files = whole_files(said.folder, said.files)
    restore = restorers(said.folder)
    limit_memory(int(said.gib * 2**30))
    for line in sys.stdin:
        kind, ending, data = damaged(files, said.seed, int(line))
        path = said.folder / f"input{ending}"
        path.write_bytes(data)
        outcome, words = attempt(restore, path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps([kind, outcome, words, round(peak, 3)]), flush=True)


def limit_memory(most: int) -> None:
    """Let the address space grow by what is left of so many bytes of memory.

    The libraries of torch map more than 2 GiB by themselves, of which a small part is ever read.
    """
    pages = Path("/proc/self/statm").read_text().split()
    mapped, resident = (int(count) * resource.getpagesize() for count in pages[:2])
    limit = mapped + most - resident
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def restorers(folder: Path) -> Callable[[Path], None]:
    """Restores a raw with a small network of raws, a picture with one of pictures."""
    import torch

    from pellucid.batch import Settings, read_photo, restore_photo
    from pellucid.networks.backbones import UNetConfig
    from pellucid.networks.dual_domain import DualDomainConfig
    from pellucid.networks.picture import PictureConfig
    from pellucid.restore import Restorer

    torch.set_num_threads(1)
    small = UNetConfig(widths=(4, 8))
    raws = Restorer(DualDomainConfig(small, UNetConfig(shuffle=2, widths=(4, 8))).build())
    pictures = Restorer(PictureConfig(small).build())

    def restore(path: Path) -> None:
        photo = read_photo(path)
        if isinstance(photo, torch.Tensor):
            restore_photo(photo, folder / "out.png", pictures, Settings(), lambda _: None)
            return
        if photo.mosaic.numel() > LARGEST:
            photo = replace(photo, mosaic=photo.mosaic[:, :512, :512], source=None)
        restore_photo(photo, folder / "out.png", raws, Settings(), lambda _: None)

    return restore


def attempt(restore: Callable[[Path], None], path: Path) -> tuple[str, str]:
    """What became of an input: restored, refused, or how it went wrong."""
    from pellucid.errors import PellucidError

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            restore(path)
    except PellucidError as error:
        words = str(error)
        return ("refused" if "\n" not in words else "several lines"), words
    except BaseException as error:  # the faults that are looked for
        where = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in where if "pellucid" in frame.filename] or where
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
        return type(error).__name__, f"{place}: {error}"
    return ("restored", "") if not said.getvalue() else ("words on stderr", said.getvalue())


# -- on the other side -----------------------------------------------------------------------------


class Server:
    """A process that restores, begun anew after each that dies."""

    def __init__(self, said: argparse.Namespace, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        options = ["--seed", str(said.seed), "--gib", str(said.gib), "--folder", str(folder)]
        self.words = (folder / "stderr").open("wb+")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", *options]
            + [str(path.resolve()) for path in said.files],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.words,
        )

    def ask(self, number: int, seconds: float) -> tuple[str, str, str, float]:
        """Kind, outcome, words and peak memory of an input; the outcome may be a signal or hang."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{number}\n".encode())
        self.process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                self.close()
                return "", "hang", f"more than {seconds:g} s", 0.0
        line = self.process.stdout.readline()
        if line:
            kind, outcome, words, peak = json.loads(line)
            return kind, outcome, self._spoken(outcome, words), peak
        code = self.process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self.words.seek(0)
        return "", how, self.words.read().decode(errors="replace").strip()[-300:], 0.0

    def _spoken(self, outcome: str, words: str) -> str:
        """What was said, with what libraries wrote to stderr behind our back."""
        self.words.seek(0, os.SEEK_SET)
        more = self.words.read().decode(errors="replace").strip()
        self.words.seek(0)
        self.words.truncate()
        return f"{words} [stderr: {more[-200:]}]" if more else words

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.words.close()


class Account:
    """What became of all inputs."""

    def __init__(self, said: argparse.Namespace, files: dict[str, list[Path]]) -> None:
        self.said, self.files = said, files
        self.numbers = iter([said.only] if said.only is not None else range(said.count))
        self.counts: dict[str, Counter[str]] = {kind: Counter() for kind in files}
        self.faults: list[tuple[int, str, str, str]] = []
        self.peak, self.slowest, self.noisy = 0.0, 0.0, 0
        self.lock = Lock()

    def run(self, folder: Path) -> None:
        """Ask one process after another until there are no more inputs."""
        server = Server(self.said, folder)
        while (number := self._next()) is not None:
            begun = time.perf_counter()
            # The first input of a process waits for its imports.
            _, outcome, words, peak = server.ask(number, self.said.seconds)
            self._note(number, outcome, words, peak, time.perf_counter() - begun)
            if server.process.poll() is not None:
                server = Server(self.said, folder)
        server.close()

    def _next(self) -> int | None:
        with self.lock:
            return next(self.numbers, None)

    def _note(self, number: int, outcome: str, words: str, peak: float, seconds: float) -> None:
        with self.lock:
            kind, ending, data = damaged(self.files, self.said.seed, number)
            self.counts[kind][outcome] += 1
            self.peak, self.slowest = max(self.peak, peak), max(self.slowest, seconds)
            spoken = "[stderr:" in words
            self.noisy += spoken
            if self.said.only is not None or spoken or outcome not in ("restored", "refused"):
                print(f"{number} {kind}{ending}: {outcome}: {words}", flush=True)
            if outcome not in ("restored", "refused"):
                self.faults.append((number, kind, outcome, words))
                if self.said.keep is not None:
                    (self.said.keep / f"{number}{ending}").write_bytes(data)

    def table(self) -> str:
        """Counts by kind and outcome."""
        outcomes = sorted({outcome for counts in self.counts.values() for outcome in counts})
        rows = [["", *outcomes]]
        rows += [
            [kind, *(str(counts[o]) for o in outcomes)] for kind, counts in self.counts.items()
        ]
        return "\n".join("  ".join(cell.rjust(10) for cell in row) for row in rows)

    def facts(self) -> dict[str, object]:
        """The same for a file."""
        return {
            "seed": self.said.seed,
            "files": [path.name for path in self.said.files],
            "counts": self.counts,
            "faults": self.faults,
            "stderr": self.noisy,
            "peak_gib": round(self.peak, 2),
            "slowest_seconds": round(self.slowest, 1),
        }


def main() -> int:
    """Damage, restore and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.serve:
        serve(said)
        return 0
    folder = Path(tempfile.mkdtemp(prefix="pellucid-fuzz-"))
    try:
        if said.keep is not None:
            said.keep.mkdir(parents=True, exist_ok=True)
        account = Account(said, whole_files(folder, said.files))
        print(f"seed {said.seed}, {said.count} inputs", flush=True)
        threads = [Thread(target=account.run, args=(folder / f"{n}",)) for n in range(said.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        shutil.rmtree(folder)
    print(account.table())
    print(f"faults: {len(account.faults)}; largest process {account.peak:.2f} GiB, ", end="")
    print(f"slowest input {account.slowest:.1f} s; words on stderr: {account.noisy}")
    if said.json is not None:
        said.json.write_text(json.dumps(account.facts(), indent=1) + "\n")
    return 1 if account.faults else 0


if __name__ == "__main__":
    sys.exit(main())
