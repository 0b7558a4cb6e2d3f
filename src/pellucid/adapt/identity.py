"""What tells an adaptation from others, so that a run folder goes on with its own alone."""

import hashlib
import json
from pathlib import Path
from typing import cast

from pellucid.adapt.material import Material
from pellucid.adapt.options import AdaptOptions
from pellucid.errors import FileError
from pellucid.io import replacing
from pellucid.io.checksums import sha256_of
from pellucid.models import weights_of

Identity = dict[str, str]


def agree(options: AdaptOptions, material: Material) -> None:
    """Raise PellucidError where the run folder holds an adaptation that is not this one."""
    path, now = options.folder / "adapt.json", identity(options, material)
    before = asked_before(path) if path.exists() else now
    other = next((name for name in now if before.get(name) != now[name]), None)
    if other is not None:
        raise FileError.of(
            options.folder,
            f"holds an adaptation with {other} {before.get(other)}, not {now[other]}; expected the "
            "same again, or another -o",
        )
    with replacing(path) as file:
        file.write(json.dumps(now, indent=1).encode())


def identity(options: AdaptOptions, material: Material) -> Identity:
    """What must not change when a run goes on: what was gained would be of something else.

    With other files others would be held out, among them some that were trained on.
    """
    with weights_of(options.model) as path:
        weights = sha256_of(path)
    names = sorted({*material.kept.names, *material.held.names})
    digest = hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest()
    return options.same | {"weights": weights, "files": f"{len(names)} (SHA-256 {digest[:12]})"}


def asked_before(path: Path) -> Identity:
    """What a run folder was made for; raises FileError."""
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise FileError.of(path, f"damaged ({error}); expected what was asked for") from None
    if not isinstance(said, dict):
        raise FileError.of(path, "damaged (no object); expected what was asked for")
    return cast(Identity, said)
