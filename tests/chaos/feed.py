"""A plugin that is fed: what all that is done to one has in common."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.chaos import outcome, plugin
from tests.chaos.offline import Expected
from tests.chaos.plugin import Plugin
from tests.chaos.sender import Sender
from tests.chaos.settings import Settings
from tests.support.commands import COMMAND

STEP = 0.005
"""Seconds between looks at everything."""

MEMORY_STEP = 0.5
"""Seconds between looks at the memory."""


class Feed:
    """Sends a stream to a plugin, and keeps an eye on it. `also` is called at each look."""

    def __init__(self, running: Plugin, sender: Sender) -> None:
        self.plugin = running
        self.sender = sender
        self.also: list[Callable[[], None]] = []
        self.memory = 0
        """Bytes, the most that all processes held together."""
        self._memory_due = 0.0

    def step(self, limit: int | None = None) -> None:
        """Sends what may be sent, but nothing beyond the position `limit`, and looks around."""
        self.plugin.check()
        self.sender.step(limit)
        self._look_up()

    def until(
        self,
        condition: Callable[[], object],
        what: str,
        seconds: float = 60.0,
        limit: int | None = None,
    ) -> None:
        """Feeds until the condition holds; fails with `what` after the deadline."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.step(limit)
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {what}")

    def finish(self, ours: socket.socket, seconds: float = 60.0) -> None:
        """Sends the rest, ends the input, and returns when the plugin has ended."""
        self.until(lambda: self.sender.done, "all is sent", 600.0)
        ours.close()
        self.wait(seconds)

    def wait(self, seconds: float = 60.0) -> None:
        """Returns when the plugin has ended by itself."""
        deadline = time.monotonic() + seconds
        children = self.plugin.children()
        while self.plugin.process.poll() is None and time.monotonic() < deadline:
            self._look_up()
        self.plugin.ended(children)
        self._look_up()

    def _look_up(self) -> None:
        for each in self.also:
            each()
        if time.monotonic() >= self._memory_due:
            self.memory = max(self.memory, self.plugin.memory())
            self._memory_due = time.monotonic() + MEMORY_STEP
        time.sleep(STEP)


@contextlib.contextmanager
def feeding(
    settings: Settings, stream: bytes, rate: float, command: Sequence[str | Path] = COMMAND
) -> Iterator[tuple[Feed, socket.socket]]:
    """A plugin with this configuration, and our end of its input."""
    with (
        plugin.connection() as (ours, theirs),
        plugin.started(settings.write(), theirs, command) as running,
    ):
        theirs.close()
        yield Feed(running, Sender(ours, stream, rate)), ours


def check(expected: Expected, directory: Path, *, without: Sequence[str] = ()) -> None:
    """Fails unless all files, but those `without`, hold what they should."""
    for name, text in (
        ("audit.log", expected.events),
        ("filtered.log", expected.filtered),
        ("malformed.log", expected.malformed),
    ):
        if name not in without:
            same(name, text, outcome.written(directory / name))


def same(name: str, expected: bytes, found: bytes) -> None:
    """Fails, and says how, if they differ."""
    difference = outcome.difference(expected, found)
    assert difference is None, f"{name}: {difference}"


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Says in an error what was going on."""
    try:
        yield
    except BaseException as error:
        error.add_note(what)
        raise
