"""What a camera's noise has become in its JPEG: noise on the raw, developed, sharpened, packed."""
# pyright: reportUnknownMemberType=false

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from pellucid.data.cameras import random_camera
from pellucid.data.degradations import Degradation, Range, eight_bits
from pellucid.data.mirror import mirrored, mirrored_up
from pellucid.data.splat import softened
from pellucid.isp import ISPConfig, Rendering, render, unrender
from pellucid.noise import add_all_noise
from pellucid.noise_laws import REAL_CAMERAS, NoiseLaw, uniform
from pellucid.records import refuse_not_positive


@dataclass(frozen=True)
class CameraNoise(Degradation):
    """A picture as a random camera would have delivered it; exposure and colours stay."""

    law: NoiseLaw | None = None
    """Left out, `REAL_CAMERAS`; `EldLaw()` adds rows and heavy tails."""
    darkest: float = 0.3
    """Pictures are dimmed, log-uniformly, to at least this share of the sensor's range, and
    brightened again when they are developed."""
    tone: Range = (0.0, 0.5)
    """DualDn's alpha."""
    row: Range = (0.0, 0.0)
    """Standard deviation of offsets that the sites of a row share, relative to read noise: 0.02
    to 0.24 in ELD's cameras (Wei et al. 2020)."""
    luma: Range = (0.0, 0.8)
    """Standard deviation in pixels of the camera's own denoiser, which spares edges: it smooths
    what noise has changed. PolyU's noise is like that of 0.7 and chroma 2, plain raws have 0."""
    chroma: Range = (0.0, 3.0)
    """The same for the differences of colours from grey."""
    sharpening: Range = (0.0, 0.5)
    """How much of an unsharp mask of 3x3 pixels is added."""
    jpeg: tuple[int, int] | None = (75, 98)
    """Quality for Pillow; None leaves JPEG and rounding out."""

    def __post_init__(self) -> None:
        """Check that there is something to draw from."""
        refuse_not_positive(self, "darkest")

    @property
    def margin(self) -> int:
        """Demosaicking, smoothing and sharpening look about so far."""
        return 8

    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The noisy picture."""
        height, width = clean.shape[-2:]
        # Even sides for Bayer, and enough of them for demosaicking to mirror.
        even = mirrored_up(clean, max(6, height + height % 2), max(6, width + width % 2))
        camera = random_camera(generator)
        exposure = 1 / math.exp(uniform(math.log(self.darkest), 0, generator))
        rendering = Rendering(exposure, uniform(*self.tone, generator))
        mosaic = unrender(even, camera, rendering)
        noisy = self.noised(mosaic, generator).clamp(max=1)
        clear, picture = (
            render(each, camera, rendering, ISPConfig())[..., :height, :width]
            for each in (mosaic, noisy)
        )
        luma, chroma = uniform(*self.luma, generator), uniform(*self.chroma, generator)
        picture = clear + smoothed(picture - clear, luma, chroma)
        return self.packed(sharpened(picture, uniform(*self.sharpening, generator)), generator)

    def noised(self, mosaic: Tensor, generator: Generator) -> Tensor:
        """The mosaic (1, H, W) with noise of the law, and rows."""
        noise = (self.law or REAL_CAMERAS).sample(generator)
        noisy = add_all_noise(mosaic, noise, generator)
        row = uniform(*self.row, generator) * noise.read.sqrt()
        return noisy + row * torch.randn(mosaic.shape[-2], 1, generator=generator)

    def packed(self, picture: Tensor, generator: Generator) -> Tensor:
        """The picture out of a JPEG of random quality; colours are halved every other time.

        Its blocks begin anywhere, as they do in patches of a large JPEG.
        """
        if self.jpeg is None:
            return picture
        low, high = self.jpeg
        quality = low + int(torch.randint(high - low + 1, (), generator=generator).item())
        halved = bool(torch.randint(2, (), generator=generator).item())
        top, left = (int(torch.randint(8, (), generator=generator).item()) for _ in range(2))
        return jpeg(mirrored(picture, top, 0, left, 0), quality, halved)[..., top:, left:]


def smoothed(noise: Tensor, luma: float, chroma: float) -> Tensor:
    """Noise (3, H, W), its grey part and its colours blurred by Gaussians of so many pixels."""
    grey = noise.mean(-3, keepdim=True)
    return softened(grey, luma) + softened(noise - grey, chroma)


def sharpened(picture: Tensor, amount: float) -> Tensor:
    """Picture (3, H, W) with its difference to a 3x3 binomial blur added, in [0, 1]."""
    line = picture.new_tensor([0.25, 0.5, 0.25])
    kernel = (line[:, None] * line)[None, None]
    soft = F.conv2d(mirrored(picture, 1, 1, 1, 1)[:, None], kernel)[:, 0]
    return (picture + amount * (picture - soft)).clamp(0, 1)


def jpeg(picture: Tensor, quality: int, halved: bool) -> Tensor:
    """Picture (3, H, W) in [0, 1], written and read as JPEG, 4:2:0 where colours are halved."""
    pixels = (eight_bits(picture) * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    file = io.BytesIO()
    subsampling = "4:2:0" if halved else "4:4:4"
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255
