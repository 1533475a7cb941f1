"""Environment variables that are worth showing, out of the text of /proc/PID/environ.

That text is whatever the user who started the program wanted it to be, up to 6 MiB of it (a
quarter of the stack, and at most that [kernel: bprm_stack_limits() in fs/exec.c]). So no list of
all variables is made: bytes.find() is through with 6 MiB of one-letter variables in 5 ms, and
with those that occur in practice in a few microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_TEXT = 6 << 20
"""Bytes of environment that are worth reading: the kernel's own limit."""

MAX_VARIABLE = 4096
"""Bytes of a variable, name and value, that are shown; PATH_MAX, as it mostly is a path."""

MAX_VARIABLES = 64
"""Variables that are shown for each pattern that ends in `*`."""


class Variables(NamedTuple):
    """What was found."""

    values: dict[bytes, bytes]
    """By name. Of a name that occurs twice it is the last one, as ld.so(8) takes it."""
    cut: bool
    """Whether a limit was hit, so that there is more than this."""


class VariableFilter:
    """Finds variables by patterns: their exact names, or how they start, with a `*` at the end."""

    def __init__(self, patterns: Iterable[str]) -> None:
        encoded = [pattern.encode() for pattern in patterns]
        self._names = [name for name in encoded if not name.endswith(b"*")]
        self._prefixes = [name[:-1] for name in encoded if name.endswith(b"*")]

    def pick(self, environ: bytes) -> Variables:
        """The variables that match, out of NUL-terminated `NAME=value` strings."""
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
    """Where `wanted` occurs in `text`."""
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + 1)


def _variable(text: bytes, at: int) -> tuple[bytes, bytes, bool]:
    """Name and value behind the NUL at `at`, and whether they were cut; no name without a `=`."""
    end = text.find(b"\0", at + 1)
    variable = text[at + 1 : len(text) if end < 0 else end]
    name, equals, value = variable[:MAX_VARIABLE].partition(b"=")
    return name if equals else b"", value, len(variable) > MAX_VARIABLE
