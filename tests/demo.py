"""`python3 -m tests.demo`: convert a real capture on a bare Python, and show the result."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests import environment

SAMPLE = environment.ROOT / "docs" / "sample" / "audit.log"

COMMAND = (environment.BIN / "laurel-mp", "convert", SAMPLE)

# The shell that `su alice` starts.
SHOWN = "1795332283.711:40647"

WIDTH = 104
"""Columns of the output."""

_MEMBERS = ("syscall", "ppid", "pid", "uid", "comm", "exe")
"""Members of SYSCALL that are shown; the others add length, and no idea."""

Event = dict[str, Any]


def main() -> int:
    """Set up, convert the sample, show one event before and after, and then who ran what."""
    environment.prepare()
    converted = subprocess.run(COMMAND, stdout=subprocess.PIPE, check=False)
    if converted.returncode:
        return converted.returncode
    events: list[Event] = [json.loads(line) for line in converted.stdout.splitlines()]
    _heading("One event, as auditd writes it")
    print("\n".join(records()))
    _heading("and as laurel-mp writes it (one line; broken and shortened here)")
    print("\n".join(members(events)))
    _heading("Who ran what")
    for event in events:
        if "EXECVE" in event and event["SYSCALL"]["success"] == "yes":
            parent = event.get("PARENT_INFO", {}).get("comm", "?")
            arguments = " ".join(str(argument) for argument in event["EXECVE"]["ARGV"])
            uid = event["SYSCALL"]["uid"]
            print(_cut(f"{event['ID']}  uid {uid:<5} {parent:>10} ran: {arguments}"))
    relative = [str(part).removeprefix(f"{environment.ROOT}{os.sep}") for part in COMMAND]
    print(f"\nAll {len(events)} events: {' '.join(relative)}")
    return 0


def records() -> Sequence[str]:
    """The lines of the event that is shown, cut to the width."""
    return [_cut(line) for line in SAMPLE.read_text().splitlines() if f"({SHOWN})" in line]


def members(events: Sequence[Event]) -> Sequence[str]:
    """The same event as JSON, a line for each member; what was left out is `…`."""
    event = next(event for event in events if event["ID"] == SHOWN)
    call = event["SYSCALL"]
    plain = ", ".join(f"{_json(name)}: {_json(call[name])}" for name in _MEMBERS)
    spawned = _json(call["SPAWNED_BY"])
    shown = {
        "ID": _json(event["ID"]),
        "SYSCALL": f'{{{plain}, …,\n  "SPAWNED_BY": {spawned}}}',
        "PARENT_INFO": _json(event["PARENT_INFO"]),
        "EXECVE": _json(event["EXECVE"]),
        "CWD": _json(event["CWD"]),
        "PATH": "[…]",
        "PROCTITLE": "{…}",
    }
    assert shown.keys() == event.keys()
    text = ",\n".join(f' "{key}": {value}' for key, value in shown.items())
    return f"{{{text[1:]}}}".splitlines()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _heading(text: str) -> None:
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}{text}{plain}\n")


if __name__ == "__main__":
    sys.exit(main())
