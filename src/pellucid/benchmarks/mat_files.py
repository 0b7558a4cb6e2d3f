"""MATLAB's files: variables of v5 to v7 and of v7.3 read, v7.3 written.

v7.3 is HDF5 with a MATLAB header in front. It holds arrays with their axes reversed, cells as
references into `#refs#`, and the class of each in an attribute.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from pellucid.errors import FileError
from pellucid.io import replacing

MatArray = npt.NDArray[Any]

_HEADER = "MATLAB 7.3 MAT-file, Platform: GLNXA64, Created by Pellucid, HDF5 schema 1.00 ."
_USER_BLOCK = 512
_CLASSES = {"f4": "single", "f8": "double", "u1": "uint8", "u2": "uint16", "b1": "logical"}


def read_variable(path: Path, name: str) -> MatArray:
    """A variable in MATLAB's order of axes; a cell is an array of objects."""
    with _reading(path):
        if not h5py.is_hdf5(path):
            return _of_v5(path, name)
        with h5py.File(path, "r") as file:
            return _read(file, _entry(file, path, name))


def read_window(path: Path, name: str, rows: slice, columns: slice) -> MatArray:
    """Rows and columns of a matrix, without the rest of it where the file allows that."""
    with _reading(path):
        if not h5py.is_hdf5(path):
            return _of_v5(path, name)[rows, columns]
        with h5py.File(path, "r") as file:
            return np.asarray(_entry(file, path, name)[columns, rows]).T


def shape_of(path: Path, name: str) -> tuple[int, ...]:
    """Shape of a variable."""
    with _reading(path):
        if not h5py.is_hdf5(path):
            return _of_v5(path, name).shape
        with h5py.File(path, "r") as file:
            return tuple(reversed(_entry(file, path, name).shape))


@contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, NotImplementedError, TypeError) as error:
        raise FileError.of(path, f"cannot be read as a MATLAB file: {error}") from error


def _of_v5(path: Path, name: str) -> MatArray:
    held = loadmat(path, variable_names=[name])
    if name not in held:
        raise FileError.of(path, f"has no variable {name}")
    return held[name]


def _entry(file: h5py.File, path: Path, name: str) -> Any:
    if name not in file:
        raise FileError.of(path, f"has no variable {name}; it has {', '.join(_visible(file))}")
    return file[name]


def _visible(file: h5py.File) -> list[str]:
    return [name for name in map(str, file) if not name.startswith("#")]


def _read(file: h5py.File, entry: Any) -> MatArray:
    values = entry[()]
    if values.dtype != object:
        return values.T
    cell = np.empty(values.shape, object)
    for place in np.ndindex(values.shape):
        cell[place] = _read(file, file[values[place]])
    return cell.T


def write_v73(path: Path, variables: Mapping[str, object]) -> None:
    """Write arrays, cells (arrays of objects), texts, numbers, and structs (mappings) of texts."""
    with replacing(path) as target:
        # HDF5 wants a file of its own; a driver in memory would hold all of it twice.
        with h5py.File(target, "w", userblock_size=_USER_BLOCK) as file:
            for name, value in variables.items():
                _write(file, file, name, value)
        target.seek(0)
        target.write(_header())


def _header() -> bytes:
    return _HEADER.encode().ljust(116) + bytes(8) + b"\x00\x02IM" + bytes(_USER_BLOCK - 128)


def _write(file: h5py.File, group: h5py.Group, name: str, value: object) -> None:
    match value:
        case str():
            _write_text(group, name, value)
        case Mapping():
            struct = group.create_group(name)
            _classify(struct, "struct")
            for key, part in value.items():
                _write(file, struct, key, part)
        case np.ndarray() if value.dtype == object:
            _write_cell(file, group, name, value)
        case _:
            array = np.atleast_2d(np.asarray(value))
            written = group.create_dataset(name, data=array.T)
            _classify(written, _CLASSES[array.dtype.str[1:]])


def _write_text(group: h5py.Group, name: str, value: str) -> None:
    # HDF5 has no empty arrays: MATLAB writes the shape in their place, and says so.
    empty = np.zeros(2, np.uint64)
    codes = np.array([[ord(letter)] for letter in value], np.uint16) if value else empty
    written = group.create_dataset(name, data=codes)
    _classify(written, "char")
    written.attrs["MATLAB_int_decode"] = np.int32(2)
    if not value:
        written.attrs["MATLAB_empty"] = np.uint8(1)


def _write_cell(file: h5py.File, group: h5py.Group, name: str, cell: MatArray) -> None:
    inside = file.require_group("#refs#")
    references = np.empty(cell.T.shape, h5py.ref_dtype)
    for place in np.ndindex(cell.shape):
        key = f"c{len(inside)}"
        _write(file, inside, key, cell[place])
        references[place[::-1]] = inside[key].ref
    _classify(group.create_dataset(name, data=references, dtype=h5py.ref_dtype), "cell")


def _classify(written: h5py.Dataset | h5py.Group, name: str) -> None:
    written.attrs["MATLAB_class"] = np.bytes_(name)
