"""Plugins that end in the middle of the stream, and others that go on with it."""

from __future__ import annotations

import re
import signal
from collections import Counter
from pathlib import Path

from tests.chaos import outcome, plugin
from tests.chaos.feed import Feed, check
from tests.chaos.offline import Expected
from tests.chaos.sender import Sender
from tests.chaos.settings import Settings

WORKERS = (2, 1, 0, 4)
"""Those of the plugins, one after another."""

RATE = 3e6

SLOWLY = 1e6
"""So that there are some seconds, and states, before a plugin is killed."""

_end = re.compile(rb"^(?:node=([^ \n]+) )?type=EOE msg=audit\(([^)\n]+)\)", re.MULTILINE)
_event = re.compile(rb'^\{"ID":"([^"]+)"(?:,"NODE":"([^"]+)")?', re.MULTILINE)


def terminated(expected: Expected, directory: Path) -> None:
    """SIGTERM in the middle of the stream: all plugins together write what one would have.

    Lines are sent whole: one that is cut at a restart is not put together again, because auditd
    gives each plugin a new socket, whose first line is a whole one.
    """
    settings = [Settings(directory, each, pipeline="stop-timeout = 0.2") for each in WORKERS]
    size = len(expected.stream)
    with plugin.connection() as (ours, theirs):
        sender = Sender(ours, expected.stream, RATE, whole_lines=True)
        for number, each in enumerate(settings, 1):
            with plugin.started(each.write(), theirs) as running:
                feed = Feed(running, sender)
                if number == len(settings):
                    theirs.close()
                    feed.finish(ours)
                    check(expected, directory)
                    break
                until = number * size // len(settings)
                feed.until(lambda: sender.sent >= until, "sent")  # noqa: B023
                running.process.send_signal(signal.SIGTERM)
                feed.also.append(sender.step)
                feed.wait()


def killed(expected: Expected, directory: Path, workers: int) -> int:
    """Kill -9 of the process that auditd started: the next one continues.

    What was written before stays. What was written before the state is not written again; what is
    missing came in since then. Gives back how many events are missing.
    """
    settings = Settings(directory, workers, state="write-state-period = 1")
    log = directory / "audit.log"
    with plugin.connection() as (ours, theirs):
        sender = Sender(ours, expected.stream, SLOWLY, whole_lines=True)
        with plugin.started(settings.write(), theirs) as running:
            feed = Feed(running, sender)
            feed.until(lambda: sender.sent >= len(expected.stream) // 2, "half is sent")
            children, endpoints = running.children(), running.endpoints()
            running.process.kill()
            running.process.wait()
            plugin.gone(children)
        before = outcome.written(log)
        certain = expected.size_at(int(sender.sent - 2.5 * SLOWLY))
        with plugin.started(settings.write(), theirs) as running:
            feed = Feed(running, sender)
            theirs.close()
            feed.until(lambda: outcome.size(log) > len(before), "output continues")
            left = [each for each in endpoints if each.exists() and each != Path("/")]
            feed.finish(ours)
            found = outcome.written(log)
    assert not left, f"directories of the killed one are there: {left}"
    assert found.startswith(before[: before.rfind(b"\n") + 1]), "what was written is another"
    assert found.startswith(expected.events[:certain]), "what was written long ago is missing"
    return _missing(expected, found)


def _missing(expected: Expected, found: bytes) -> int:
    """Number of events that `found` lacks; fails if one is there twice, or out of order.

    Those that the stream itself repeats do not count: the next plugin may not know the first time.
    """
    ends = Counter((match[2], match[1]) for match in _end.finditer(expected.stream))
    wanted, there = (
        [id_ for match in _event.finditer(text) if ends[id_ := (match[1], match[2])] == 1]
        for text in (expected.events, found)
    )
    twice = [id_ for id_, count in Counter(there).items() if count > 1]
    places = {id_: place for place, id_ in enumerate(wanted)}
    order = [places[id_] for id_ in there if id_ in places]
    assert not twice, f"{len(twice)} events stand there twice: {twice[:5]}"
    assert order == sorted(order), "the order is another"
    return len({*wanted} - {*there})
