"""Makes text of unknown origin fit for a log: one line, printable, of bounded length."""

from __future__ import annotations

import traceback

LIMIT = 1000
"""Characters. Longer messages are cut: syslog daemons take 1024 to 8192 bytes."""

_PLACES = 4


def printable(text: str, limit: int = LIMIT) -> str:
    """Returns the text with escapes for everything that is not printable; cut at `limit`."""
    shown = text[:limit]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(
            each if each.isprintable() else ascii(each)[1:-1] for each in shown
        )  # fmt: skip
    if len(text) <= limit and len(shown) <= limit:
        return shown
    return shown[:limit] + "…"


def describe(error: BaseException) -> str:
    """Returns an exception on one line: the error and its innermost frames, nearest first."""
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-_PLACES))
    ]
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{what} ({' < '.join(places)})" if places else what
