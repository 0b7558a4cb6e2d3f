"""`pellucid dng`."""
# pyright: reportUnknownMemberType=false

import json
from pathlib import Path

from jsonargparse import Namespace

from pellucid.io.dng_check import check_dng


def dng_command(options: Namespace) -> int:
    """Check one DNG; 0 if readers agree on it, 1 if there are findings."""
    said: Namespace = options.check
    file = Path(said.file)
    findings = check_dng(file)
    if said.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        for finding in findings:
            print(finding.line)
        count = len(findings)
        print(f"{file}: {count or 'no'} finding{'' if count == 1 else 's'}")
    return 1 if findings else 0
