"""Files: raw photographs in, DNG and pictures out."""

from pellucid.io.clean_dng import Cleaning, write_clean_dng
from pellucid.io.dng import Area, DngFields, noise_pairs, quantise, write_dng, write_mosaic
from pellucid.io.dng_check import check_dng
from pellucid.io.picture_reader import read_picture
from pellucid.io.picture_writer import (
    PICTURE_SUFFIXES,
    Bits,
    check_bits,
    check_output,
    write_picture,
)
from pellucid.io.raw_files import RAW_SUFFIXES, is_raw, read_bayer, read_raw
from pellucid.io.replacing import replacing

__all__ = [
    "PICTURE_SUFFIXES",
    "RAW_SUFFIXES",
    "Area",
    "Cleaning",
    "Bits",
    "DngFields",
    "check_bits",
    "check_dng",
    "check_output",
    "is_raw",
    "noise_pairs",
    "quantise",
    "read_bayer",
    "read_picture",
    "read_raw",
    "replacing",
    "write_clean_dng",
    "write_dng",
    "write_mosaic",
    "write_picture",
]
