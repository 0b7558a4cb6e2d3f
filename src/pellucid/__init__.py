"""Pellucid restores real photographs with networks trained on synthetic degradation.

What it offers stands in `__init__.pyi`, and is imported when it is first asked for: the command
line answers without PyTorch where it needs none.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from importlib.metadata import version as _version

from lazy_loader import attach_stub as _attach_stub

__version__ = _version("pellucid")

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)
