"""The program, but for some lines on which a worker ends as if Python itself had crashed.

`poisoned.py lines ...` ends when it sees such a line; `poisoned.py events ...` when an event with
such a line is complete. The other arguments are the program's.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from laurel_mp.cli.main import main
from laurel_mp.events.reassembly.coalescer import Coalescer

MARK = b"this-is-poison"


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _on_lines(feed: Callable[..., None]) -> Callable[..., None]:
    def fed(self: Coalescer, blob: bytes, start: int, end: int, offset: int) -> None:
        if blob.find(MARK, start, end) >= 0:
            _crash()
        feed(self, blob, start, end, offset)

    return fed


def _on_events(complete: Callable[..., None]) -> Callable[..., None]:
    def completed(self: Coalescer, key: bytes, *arguments: Any, **more: Any) -> None:
        if any(MARK in body for _, body in self._in_flight[key].records):
            _crash()
        complete(self, key, *arguments, **more)

    return completed


if __name__ == "__main__":
    how = sys.argv.pop(1)
    if how == "lines":
        Coalescer.feed = _on_lines(Coalescer.feed)  # type: ignore[method-assign]
    else:
        Coalescer._complete = _on_events(Coalescer._complete)  # type: ignore[method-assign]
    sys.exit(main())
