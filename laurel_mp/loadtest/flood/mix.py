"""Weights of the kinds of events; by default those of a real capture."""

from __future__ import annotations

from collections.abc import Mapping

# Counted in tests/corpus/builds.raw.txt.xz by tests/loadtest/flood/test_mix.py.
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
"""Events of each kind in a capture of builds, package installations and logins."""

OTHERS = ("argv", "avc", "uring")
"""Kinds that are not in the capture."""

KINDS = (*CAPTURED, *OTHERS)

SHARE_OF_ALL = 0.01
"""Share of each of the other kinds with `all`, relative to the events of the capture."""

_all = sum(CAPTURED.values())
DEFAULT: Mapping[str, float] = CAPTURED
ALL: Mapping[str, float] = {**CAPTURED, **dict.fromkeys(OTHERS, _all * SHARE_OF_ALL)}


def parse(text: str) -> dict[str, float]:
    """Parses `--mix`: weights of kinds, alone or as changes of `default` or `all`.

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
