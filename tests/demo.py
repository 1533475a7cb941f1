"""`python3 -m tests.demo`: convert a real capture on a bare Python, and show what came of it."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests import environment

SAMPLE = environment.ROOT / "docs" / "sample" / "audit.log"

# The shell that `su alice` starts.
SHOWN = "1795332283.711:40647"

Event = dict[str, Any]


def main() -> int:
    """Set up, convert the sample, show one event before and after, and then who ran what."""
    environment.prepare()
    command: list[str | Path] = [environment.BIN / "laurel-mp", "convert", SAMPLE]
    converted = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if converted.returncode:
        return converted.returncode
    events: list[Event] = [json.loads(line) for line in converted.stdout.splitlines()]
    shown = next(event for event in events if event["ID"] == SHOWN)
    _heading("One event, as auditd writes it")
    for line in SAMPLE.read_text().splitlines():
        if f"({SHOWN})" in line:
            _wrapped(line)
    _heading("and as laurel-mp does (one line, broken here)")
    for key, value in shown.items():
        _wrapped(f'"{key}": {json.dumps(value)}')
    _heading("Who ran what")
    for event in events:
        if "EXECVE" in event and event["SYSCALL"]["success"] == "yes":
            parent = event.get("PARENT_INFO", {}).get("comm", "?")
            arguments = " ".join(str(argument) for argument in event["EXECVE"]["ARGV"])
            uid = event["SYSCALL"]["uid"]
            print(f"  {event['ID']}  uid {uid:<5} {parent:>10} ran: {arguments}")
    relative = [str(part).removeprefix(f"{environment.ROOT}{os.sep}") for part in command]
    print(f"\nAll {len(events)} events: {' '.join(relative)}")
    return 0


def _heading(text: str) -> None:
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{text}{plain}\n")


def _wrapped(text: str) -> None:
    width = min(shutil.get_terminal_size().columns, 120)
    lines = textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
