"""The public surface is what `__all__` says, and the core needs none of the extras."""

import subprocess
import sys
from types import ModuleType

import pellucid

EXTRAS = (
    "lightning pytorch_lightning torchmetrics torchvision diffusers spandrel tensorboard scipy "
    "skimage"
)


def test_all_is_sorted_and_importable():
    assert pellucid.__all__ == sorted(set(pellucid.__all__))
    assert [name for name in pellucid.__all__ if not hasattr(pellucid, name)] == []


def test_all_misses_nothing():
    public = {
        name
        for name, value in vars(pellucid).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public <= set(pellucid.__all__)


def test_core_imports_no_extra():
    code = "import sys, pellucid.cli, pellucid.io, pellucid.restore; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) & set(EXTRAS.split()) == set()
