"""Real colour matrices, from which training and benchmarks draw their cameras."""

import torch
from torch import Generator

from pellucid.noise_laws import uniform
from pellucid.raw import Camera

# XYZ to camera RGB under D65 (ColorMatrix2): DND's four cameras (Ploetz and Roth 2017) in the order
# of its list, and the Canon Kiss X4 (also 550D).
XYZ_TO_CAM: dict[str, tuple[tuple[float, float, float], ...]] = {
    "Nexus6P": ((1.0234, -0.2969, -0.2266), (-0.5625, 1.6328, -0.0469), (-0.0703, 0.2188, 0.6406)),
    "SonyA7R": ((0.4913, -0.0541, -0.0202), (-0.613, 1.3513, 0.2906), (-0.1564, 0.2151, 0.7183)),
    "OMD_EM10": ((0.838, -0.263, -0.0639), (-0.2887, 1.0725, 0.2496), (-0.0627, 0.1427, 0.5438)),
    "SonyRX100": ((0.6596, -0.2079, -0.0562), (-0.4782, 1.3016, 0.1933), (-0.097, 0.1581, 0.5181)),
    "KissX4": ((0.6461, -0.1164, -0.0857), (-0.3825, 1.1597, 0.2534), (-0.0416, 0.154, 0.6039)),
}


def random_camera(generator: Generator) -> Camera:
    """A camera between two of the real ones, with gains as under daylight, cloud or lamps."""
    matrices = torch.tensor(list(XYZ_TO_CAM.values()))
    first, second = matrices[torch.randint(len(matrices), (2,), generator=generator)]
    mix = uniform(0, 1, generator)
    matrix = mix * first + (1 - mix) * second
    gains = torch.tensor([uniform(1.2, 2.8, generator), 1.0, uniform(1.1, 2.8, generator)])
    return Camera.of(matrix, gains)
