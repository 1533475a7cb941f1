"""Matches regular expressions from the configuration against hostile text.

RE2 takes time linear in the text for any expression: no command line can stall auditing. Text is
bytes, and each byte is one character, so that invalid UTF-8 hides nothing from an expression.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re2


class PatternSet:
    """Matches many expressions at once."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._count = 0
        self._set: re2.Set | None = None
        for pattern in patterns:
            if self._set is None:
                self._set = _new_set()  # the library takes megabytes: loaded only if needed
            self._set.Add(pattern.encode())
            self._count += 1
        if self._set is not None:
            self._set.Compile()

    def __bool__(self) -> bool:
        return self._count > 0

    def matches(self, text: bytes) -> list[int]:
        """Returns the indices of the expressions that match anywhere in `text`."""
        if self._set is None:
            return []
        found: list[int] | None = self._set.Match(text)
        return found or []


def _new_set() -> re2.Set:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.dot_nl = True  # a line feed in an argument hides nothing either
    return re2.Set.SearchSet(options)
