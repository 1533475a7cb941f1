"""How many events there are of each kind, as a real capture has them.

`python -m laurel_mp.loadtest.flood.mix CAPTURE` counts the events of a capture by kind.
"""

from __future__ import annotations

import argparse
import lzma
import re
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

# python -m laurel_mp.loadtest.flood.mix tests/corpus/builds.raw.txt.xz
# The capture holds no long argument lists, no AVC and no io_uring.
CAPTURED: Mapping[str, float] = {
    "fork": 1864,
    "exit": 1855,
    "exec": 1858,
    "socket": 1163,
    "connect": 1149,
    "file": 1602,
    "open": 57,
    "config": 31,
    "login": 14,
}
"""Events of each kind in a capture of builds, packages and users coming and going."""

OTHERS = ("argv", "avc", "uring")
"""Kinds that the capture has no event of."""

KINDS = (*CAPTURED, *OTHERS)

SHARE_OF_ALL = 0.01
"""With `all`, of each of the other kinds, relative to the events of the capture."""

_CALLS = {
    **dict.fromkeys((56, 57, 58, 435), "fork"),
    **dict.fromkeys((60, 231), "exit"),
    **dict.fromkeys((59, 322), "exec"),
    **dict.fromkeys((2, 85, 257, 437), "open"),
    41: "socket",
    42: "connect",
}
# unlink, rename, chmod and the like, and their siblings that take a directory.
_FILE_CALLS = {*range(76, 78), *range(82, 95), *range(258, 264), 264, 265, 266, 268, 280, 316}

_record = re.compile(rb"(?m)^(?:node=\S+ )?type=(\S+) msg=audit\(([0-9.:]+)\):(?: ([^\n]*))?$")
_syscall = re.compile(rb"arch=\S+ syscall=([0-9]+)").match
_LONG_ARGUMENTS = re.compile(rb" a[0-9]+_len=|argc=[0-9]{3,} ").search


def kind_of(records: Mapping[bytes, bytes]) -> str | None:
    """The kind of an event by the bodies of its records; None for one that flood does not make."""
    types = records.keys()
    for sign, kind in ((b"AVC", "avc"), (b"URINGOP", "uring"), (b"CONFIG_CHANGE", "config")):
        if sign in types:
            return kind
    if b"LOGIN" in types or b"SYSCALL" not in types:
        return None if any(name.startswith(b"DAEMON_") for name in types) else "login"
    if _LONG_ARGUMENTS(records.get(b"EXECVE", b"")):
        return "argv"
    call = _syscall(records[b"SYSCALL"])
    number = int(call[1]) if call else -1
    return "file" if number in _FILE_CALLS else _CALLS.get(number)


def count(capture: bytes) -> Counter[str]:
    """Events of a capture by kind; `other` are those that flood does not make."""
    events: dict[bytes, dict[bytes, bytes]] = {}
    for kind, id_, body in _record.findall(capture):
        events.setdefault(id_, {}).setdefault(kind, body)
    return Counter(kind_of(records) or "other" for records in events.values())


def parse(text: str) -> dict[str, float]:
    """What `--mix` says: weights of kinds, on their own or changing those of `default` or `all`.

    Raises ValueError with a message for the user.
    """
    weights: dict[str, float] = {}
    for index, word in enumerate(text.split(",")):
        name, equals, number = word.strip().partition("=")
        if not equals and name in ("default", "all") and index == 0:
            weights.update(DEFAULT if name == "default" else ALL)
        elif name not in KINDS:
            raise ValueError(f"no kind of event: {name!r} (there are {', '.join(KINDS)})")
        else:
            try:
                weights[name] = float(number) if equals else 1.0
            except ValueError:
                raise ValueError(f"{name}: not a number: {number!r}") from None
    if not 0 < sum(weights.values()) < float("inf") or min(weights.values()) < 0:
        raise ValueError("weights are numbers from 0 up, and one of them is more")
    return {kind: weights[kind] for kind in KINDS if weights.get(kind)}


_all = sum(CAPTURED.values())
DEFAULT: Mapping[str, float] = CAPTURED
ALL: Mapping[str, float] = {**CAPTURED, **dict.fromkeys(OTHERS, _all * SHARE_OF_ALL)}


def main(arguments: list[str] | None = None) -> int:
    """Print the mix of a capture."""
    parser = argparse.ArgumentParser(
        prog="laurel_mp.loadtest.flood.mix", description="Count the events of a capture by kind."
    )
    parser.add_argument("capture", type=Path, help="what auditd wrote; a name in .xz is unpacked")
    path = parser.parse_args(arguments).capture
    capture = path.read_bytes()
    counts = count(lzma.decompress(capture) if path.suffix == ".xz" else capture)
    for kind, number in counts.most_common():
        sys.stdout.write(f"{kind:8} {number:8} {100 * number / counts.total():6.2f} %\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
