"""What can be chosen from on the command line, known without PyTorch."""

from typing import Literal

Task = Literal["denoise", "derain", "deblur"]
"""What a finished picture suffers from: a model ships for each, and Noise-DA published some."""
ISPChoice = Literal["dualdn", "pellucid"]
"""The pipeline around a published DualDn: the one it was trained with, or ours."""
Preset = Literal["fast", "normal", "best"]
"""`fast` leaves the sRGB network out where there is one for raws; `best` takes the mean of each
network over mirrored inputs, in four times the time."""
Precision = Literal["auto", "float32", "bfloat16"]
"""What the networks compute in; the camera pipeline between them is always float32. `auto` is
bfloat16 on processors that multiply it, where it is half again as fast."""
Stars = Literal["auto", "keep", "remove"]
"""Whether lonely points are given back: where they are stars, always, or never."""
Demosaic = Literal["nearest", "bilinear", "malvar2004", "ahd"]
"""How the colours of a Bayer mosaic are filled in, from the crudest to the most careful."""
Truth = Literal["mosaic", "colour"]
"""What the pictures of a network of raws are to be: the clean mosaic, developed as the noisy one is
(Li et al. 2024), or the scene itself, all colours of every site. Nothing but photographs holds
those; they teach the network behind the pipeline to mend what its demosaicking does, too."""
OutputProfile = Literal["srgb", "display-p3", "rec2020", "linear"]
"""Colours of a finished picture; `linear` is linear light of sRGB's primaries."""
