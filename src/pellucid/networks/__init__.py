"""Restoration networks: tensors in, tensors out."""

from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet, Restored
from pellucid.networks.picture import PictureConfig, PictureNet
from pellucid.networks.unet import UNet, UNetConfig

__all__ = [
    "DualDomainConfig",
    "DualDomainNet",
    "PictureConfig",
    "PictureNet",
    "Restored",
    "UNet",
    "UNetConfig",
]
