"""A progress bar on stderr, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Progress(Protocol):
    """Takes the progress of an offline command."""

    def begin(self, name: str) -> None:
        """Starts the input `name`."""

    def advance(self, position: int) -> None:
        """Sets the position in the current input, in bytes of its file."""


class _Quiet:
    def begin(self, name: str) -> None:
        pass

    def advance(self, position: int) -> None:
        pass


@contextmanager
def open_progress(names: list[str]) -> Iterator[Progress]:
    """Shows a bar for the files `names` if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield _Quiet()
        return
    from rich import progress as bars
    from rich.console import Console

    class _Bar:
        def __init__(self, bar: bars.Progress) -> None:
            self._bar = bar
            self._task = bar.add_task("", total=sum(map(_size, names)) or None)
            self._before = 0
            self._size = 0

        def begin(self, name: str) -> None:
            self._before += self._size
            self._size = _size(name)
            self._bar.update(self._task, description=Path(name).name)

        def advance(self, position: int) -> None:
            self._bar.update(self._task, completed=self._before + position)

    columns = (
        bars.TextColumn("{task.description}", markup=False),  # a file may be called anything
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


def _size(name: str) -> int:
    try:
        return Path(name).stat().st_size if name != "-" else 0
    except OSError:
        return 0
