"""ICC profiles of three primaries and one curve (ICC.1:2010), which Pillow cannot make."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import struct
from collections.abc import Sequence

import torch

from pellucid.color import primaries_to_xyz

# Bradford's cones (Lam 1985) and the profile connection space's white.
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_D50 = (0.9642, 1.0, 0.8249)


def matrix_profile(
    name: str, chromaticities: Sequence[tuple[float, float]], curve: Sequence[float]
) -> bytes:
    """A display profile of red, green and blue chromaticities, under D65.

    The curve is a gamma alone, or ICC's type 3: gamma, a, b, c, d.
    """
    to_xyz = primaries_to_xyz(chromaticities)
    adapted = _to_d50(to_xyz.sum(1))
    columns = (adapted @ to_xyz).T.tolist()
    trc = _curve(curve)
    tags = [(b"desc", _words(name)), (b"cprt", _words("CC0")), (b"wtpt", _xyz(_D50))]
    tags += [(b"chad", b"sf32" + bytes(4) + _fixed(adapted.flatten().tolist()))]
    tags += [
        (b"%cXYZ" % letter, _xyz(column)) for letter, column in zip(b"rgb", columns, strict=True)
    ]
    return _file(tags + [(b"%cTRC" % letter, trc) for letter in b"rgb"])


def _to_d50(white: torch.Tensor) -> torch.Tensor:
    bradford = white.new_tensor(_BRADFORD)
    scale = (bradford @ white.new_tensor(_D50)) / (bradford @ white)
    return torch.inverse(bradford) @ (scale[:, None] * bradford)


def _file(tags: list[tuple[bytes, bytes]]) -> bytes:
    start, places, data = 128 + 4 + 12 * len(tags), dict[bytes, int](), b""
    table = struct.pack(">I", len(tags))
    for name, block in tags:
        if block not in places:  # the curve is shared
            places[block] = start + len(data)
            data += block + bytes(-len(block) % 4)
        table += struct.pack(">4sII", name, places[block], len(block))
    date = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # fixed: equal pictures make equal files
    head = struct.pack(
        ">I4sI12s12s4s", start + len(data), bytes(4), 0x04300000, b"mntrRGB XYZ ", date, b"acsp"
    )
    head = (head + bytes(28) + _fixed(_D50)).ljust(128, b"\0")
    return head + table + data


def _fixed(values: Sequence[float]) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _curve(numbers: Sequence[float]) -> bytes:
    return (
        b"para" + bytes(4) + struct.pack(">HH", 0 if len(numbers) == 1 else 3, 0) + _fixed(numbers)
    )


def _words(words: str) -> bytes:
    text = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
