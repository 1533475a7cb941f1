"""Picks environment variables out of the text of /proc/PID/environ.

The user who starts a program chooses that text, up to 6 MiB (a quarter of the stack, and at most
that [kernel: bprm_stack_limits() in fs/exec.c]). So no list of all variables is made: bytes.find()
takes 5 ms for 6 MiB of one-letter variables, and a few microseconds for usual environments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_TEXT = 6 << 20
"""Bytes of environment to read: the kernel's own limit."""

MAX_VARIABLE = 4096
"""Shown bytes of a variable, name and value; PATH_MAX, since most values are paths."""

MAX_VARIABLES = 64
"""Shown variables for each pattern that ends in `*`."""


class Variables(NamedTuple):
    """Variables that match."""

    values: dict[bytes, bytes]
    """Values by name. Of a repeated name the last one counts, as for ld.so(8)."""
    cut: bool
    """True if a limit was hit, so that some are missing or cut."""


class VariableFilter:
    """Finds variables by patterns: exact names, or prefixes followed by `*`."""

    def __init__(self, patterns: Iterable[str]) -> None:
        encoded = [pattern.encode() for pattern in patterns]
        self._names = [name for name in encoded if not name.endswith(b"*")]
        self._prefixes = [name[:-1] for name in encoded if name.endswith(b"*")]

    def pick(self, environ: bytes) -> Variables:
        """Returns the variables that match in NUL-terminated `NAME=value` strings."""
        text = b"\0" + environ
        found: dict[bytes, bytes] = {}
        cut = len(environ) >= MAX_TEXT
        for name in self._names:
            at = text.rfind(b"\0%b=" % name)
            if at >= 0:
                _, value, is_cut = _variable(text, at)
                found[name] = value
                cut |= is_cut
        for prefix in self._prefixes:
            for count, at in enumerate(_all(text, b"\0" + prefix)):
                if count == MAX_VARIABLES:
                    cut = True
                    break
                name, value, is_cut = _variable(text, at)
                if name:
                    found[name] = value
                cut |= is_cut
        return Variables(found, cut)


def _all(text: bytes, wanted: bytes) -> Iterator[int]:
    """Yields the index of each occurrence of `wanted` in `text`."""
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def _variable(text: bytes, at: int) -> tuple[bytes, bytes, bool]:
    """Returns name and value behind the NUL at `at`, and True if they were cut.

    The name is empty without a `=`.
    """
    end = text.find(b"\0", at + 1)
    variable = text[at + 1 : len(text) if end < 0 else end]
    name, equals, value = variable[:MAX_VARIABLE].partition(b"=")
    return name if equals else b"", value, len(variable) > MAX_VARIABLE
