"""Noise of a camera, estimated from its pictures (being written)."""

from torch import Tensor

from pellucid.raw import Noise


def estimate_noise(mosaic: Tensor) -> Noise:
    """Shot and read noise of a mosaic, blindly."""
    return Noise(mosaic.new_tensor(1e-4), mosaic.new_tensor(1e-6))
