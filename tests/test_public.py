"""The public surface is what `__all__` says, and the core needs none of the extras."""

import ast
import subprocess
import sys
from pathlib import Path

import pellucid

EXTRAS = (
    "lightning pytorch_lightning torchmetrics torchvision diffusers spandrel tensorboard scipy "
    "skimage"
)


def test_all_is_sorted_and_importable():
    assert pellucid.__all__ == sorted(set(pellucid.__all__))
    assert [name for name in pellucid.__all__ if not hasattr(pellucid, name)] == []


def test_stub_exports_what_it_imports():
    """Checkers of types go by `__all__` of the stub, Python by its imports."""
    stub = ast.parse(Path(pellucid.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    lists = [node.value for node in stub.body if isinstance(node, ast.Assign)]
    assert [ast.literal_eval(each) for each in lists] == [pellucid.__all__]


def test_command_line_is_told_without_pytorch():
    code = "import sys, pellucid.cli.parser as p; p.build_parser(); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_core_imports_no_extra():
    ours = "cli io restore metrics benchmarks.synthetic benchmarks.folder"
    names = ", ".join(f"pellucid.{name}" for name in ours.split())
    code = f"import sys, {names}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) & set(EXTRAS.split()) == set()
