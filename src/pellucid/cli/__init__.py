"""The command line: `pellucid COMMAND`; each command imports what it needs only when it runs."""
# pyright: reportUnknownMemberType=false

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

from pellucid.cli.parser import parse
from pellucid.errors import PellucidError


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command; bad input gets one line on stderr and exit code 2."""
    if isinstance(sys.stdout, TextIOWrapper):
        # The name of a photograph may hold letters that the terminal lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Large pages: a photograph's planes are mapped and cleared in a fraction of the faults.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    try:
        code = parse(arguments)()
        sys.stdout.flush()
    except PellucidError as error:
        print(f"pellucid: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("pellucid: interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        # Our output's reader has gone; what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
