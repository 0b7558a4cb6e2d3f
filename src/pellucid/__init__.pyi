from .calibration.blind import estimate_noise
from .checkpoint import load_network
from .errors import FileError, PellucidError
from .io import read_picture, read_raw, write_dng, write_mosaic, write_picture
from .isp import ISPConfig, Rendering, render, unrender
from .networks import DualDomainConfig, DualDomainNet, Restored, UNetConfig
from .raw import Camera, Noise, RawImage
from .restore import Restorer, develop

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

__version__: str
