"""A folder of generated photographs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs of different sizes, one of them JPEG."""
    folder = tmp_path / "photos"
    folder.mkdir()
    stream = np.random.RandomState(0)
    for name, size in {"a.png": (150, 190), "b.jpg": (130, 200), "c.png": (300, 141)}.items():
        pixels = stream.randint(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder
