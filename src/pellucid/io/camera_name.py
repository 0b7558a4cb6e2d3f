"""The maker and model that a raw file names, also in containers that are not TIFF."""

import re
from io import BytesIO
from typing import BinaryIO

from pellucid.io.tiff_tags import TiffTags, read_tags

_HEAD = 65536


def camera_name(file: BinaryIO, tags: TiffTags) -> tuple[str, str]:
    """Make and model, empty where the file does not say."""
    if tags.text(271) or tags.text(272):
        return tags.text(271), tags.text(272)
    if unique := tags.text(50708):  # UniqueCameraModel: some DNGs have nothing else
        return "", unique
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return "FUJIFILM", head[28:60].split(b"\0")[0].decode("ascii", "replace")
    if head[6:14] == b"HEAPCCDR":
        return _ciff_name(file)
    if head[4:12] == b"ftypcrx ":
        return _cr3_name(head)
    return "", ""


def _cr3_name(head: bytes) -> tuple[str, str]:
    """Of Canon's CR3: its CMT1 box holds a TIFF directory."""
    start = head.find(b"CMT1")
    if start < 0:
        return "", ""
    inner = read_tags(BytesIO(head[start + 4 :]))
    return inner.text(271), inner.text(272)


def _ciff_name(file: BinaryIO) -> tuple[str, str]:
    """Of Canon's CRW: maker and model follow each other in the heap, which closes the file."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 4 * _HEAD))
    found = re.search(rb"(Canon)\0(Canon [ -~]{2,30})\0", file.read())
    return (found[1].decode(), found[2].decode()) if found else ("", "")
