"""The command line: `pellucid COMMAND`; each command imports what it needs only when it runs."""
# pyright: reportUnknownMemberType=false

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn

from pellucid.cli.memory import thrifty_memory
from pellucid.cli.parser import parse
from pellucid.errors import FileError, PellucidError


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command."""
    exit_with(lambda: parse(arguments)())


def exit_with(command: Callable[[], int | None]) -> NoReturn:
    """Run with `thrifty_memory` and exit; bad input, and what the system refuses, is one line and
    exit code 2."""
    thrifty_memory()
    if isinstance(sys.stdout, TextIOWrapper):
        # The name of a photograph may hold letters that the terminal lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command() or 0
        sys.stdout.flush()
    except PellucidError as error:
        print(f"pellucid: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("pellucid: interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # our output's reader has gone
        code = 1
    except OSError as error:
        # Without a name it is of what we print.
        print(f"pellucid: {FileError.from_os(error.filename or 'output', error)}", file=sys.stderr)
        code = 2
    _flush()
    sys.exit(code)


def _flush() -> None:
    """Print what is left in the buffer; where that is refused it must not raise again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
