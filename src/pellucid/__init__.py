"""Pellucid restores real photographs with networks trained on synthetic degradation."""

from importlib.metadata import version as _version

from pellucid.calibration.blind import estimate_noise
from pellucid.checkpoint import load_network
from pellucid.errors import FileError, PellucidError
from pellucid.io import read_picture, read_raw, write_dng, write_mosaic, write_picture
from pellucid.isp import ISPConfig, Rendering, render, unrender
from pellucid.networks import DualDomainConfig, DualDomainNet, Restored, UNetConfig
from pellucid.raw import Camera, Noise, RawImage
from pellucid.restore import Restorer, develop

__version__ = _version("pellucid")

__all__ = [
    "Camera",
    "DualDomainConfig",
    "DualDomainNet",
    "FileError",
    "ISPConfig",
    "Noise",
    "PellucidError",
    "RawImage",
    "Rendering",
    "Restored",
    "Restorer",
    "UNetConfig",
    "develop",
    "estimate_noise",
    "load_network",
    "read_picture",
    "read_raw",
    "render",
    "unrender",
    "write_dng",
    "write_mosaic",
    "write_picture",
]
