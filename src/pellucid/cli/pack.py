"""`pellucid pack`."""
# pyright: reportUnknownMemberType=false

import sys
from pathlib import Path

from jsonargparse import Namespace
from tqdm import tqdm

from pellucid.data.licences import LICENCES, NOT_STATED
from pellucid.data.manifest import read_manifest
from pellucid.data.packing import Packed, PackOptions, pack, plan
from pellucid.data.store_writer import damaged
from pellucid.errors import FileError, PellucidError


def pack_command(options: Namespace) -> int:
    """Pack a folder into a store, or check a store."""
    if options.check is not None:
        if options.folder or options.output:
            raise PellucidError("--check reads a store; expected pellucid pack --check STORE")
        return check(Path(options.check))
    if options.folder is None or options.output is None:
        raise PellucidError("pack got no folder or no store; expected pellucid pack DIR -o STORE")
    said = PackOptions(options.kind, options.reduce, options.patch, options.licence)
    return pack_folder(Path(options.folder), Path(options.output), said)


def pack_folder(folder: Path, store: Path, options: PackOptions) -> int:
    """Pack what is missing; bad files are reported and the others go on."""
    total = len(plan(folder, options)[1])

    def report(error: FileError) -> None:
        tqdm.write(f"pellucid: {error}", file=sys.stderr)

    bar = tqdm(pack(folder, store, options, report), folder.name, total, False, disable=None)
    done = [state for state in bar][-1]
    print(
        f"packed {done.whole} of {total} {done.packing.kind} into {store}, {done.new} of them now"
    )
    if done.gone:
        more = f" and {len(done.gone) - 1} more" if len(done.gone) > 1 else ""
        print(f"left out {done.gone[0]}{more}, no longer in {folder}")
    print(f"licences: {licence_words(done)}")
    if NOT_STATED in done.licences:
        print(f"say a licence with --licence TEXT, or file by file in {folder / LICENCES}")
    return 2 if done.failed else 0


def licence_words(done: Packed) -> str:
    """Each licence with the number of files under it."""
    counts = sorted(done.licences.items())
    return ", ".join(f"{licence} ({count})" for licence, count in counts) or "none"


def check(store: Path) -> int:
    """Read every stored byte again."""
    bad = damaged(store)
    for name in bad:
        error = FileError.of(store, f"{name} is damaged; expected the bytes that were packed")
        print(f"pellucid: {error}", file=sys.stderr)
    manifest = read_manifest(store)
    print(
        f"{len(manifest.items) - len(bad)} of {len(manifest.items)} items are as they were packed"
    )
    if not manifest.finished:
        print("packing was not finished; the same pellucid pack goes on with it")
    return 2 if bad else 0
