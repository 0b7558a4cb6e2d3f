"""EXIF orientations 1 to 8: how a stored picture is turned to be seen upright."""

from typing import TypeGuard

from torch import Tensor

# (transpose first, then flip rows, then flip columns); EXIF 2.32, tag 274.
_MOVES: dict[int, tuple[bool, bool, bool]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}

# LibRaw's flip is a sum: 1 mirrors columns, 2 mirrors rows, 4 transposes.
_OF_FLIP: dict[int, int] = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


def upright(picture: Tensor, orientation: int) -> Tensor:
    """Picture (..., H, W), stored with an EXIF orientation, as it should be seen."""
    transpose, rows, columns = _MOVES[orientation]
    turned = picture.mT if transpose else picture
    sides = [side for side, flipped in ((-2, rows), (-1, columns)) if flipped]
    return turned.flip(sides) if sides else turned


def as_stored(picture: Tensor, orientation: int) -> Tensor:
    """The inverse of `upright`."""
    transpose, rows, columns = _MOVES[orientation]
    sides = [side for side, flipped in ((-2, rows), (-1, columns)) if flipped]
    turned = picture.flip(sides) if sides else picture
    return turned.mT if transpose else turned


def orientation_of_flip(flip: int) -> int:
    """EXIF orientation of LibRaw's `sizes.flip`; 1 where the number is none."""
    return _OF_FLIP.get(flip, 1)


def is_orientation(value: object) -> TypeGuard[int]:
    """Whether a tag's value is an EXIF orientation."""
    return isinstance(value, int) and value in _MOVES
