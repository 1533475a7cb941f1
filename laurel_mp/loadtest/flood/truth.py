"""What a consumer of a flood must find out, as JSON lines."""

from __future__ import annotations

import json
from typing import Any

from laurel_mp import __version__
from laurel_mp.loadtest.flood import configuration
from laurel_mp.loadtest.flood.configuration import Labels
from laurel_mp.loadtest.flood.events import Events
from laurel_mp.loadtest.flood.flood_options import Options

VERSION = 1


class Truth:
    """Describes events, each right after it was made."""

    def __init__(self, options: Options) -> None:
        self._eoe = options.eoe
        self._node = f'"node":"{options.node}",' if options.node else ""
        self._options = options.shown()
        self._labels: dict[Labels, str] = {}

    def header(self) -> str:
        """The first line."""
        header: dict[str, Any] = {
            "truth": VERSION,
            "version": __version__,
            "options": self._options,
            "labels": configuration.shown(),
        }
        return json.dumps(header) + "\n"

    def line(self, events: Events, lines: int) -> str:
        """The line of the event that was made last, which has so many lines."""
        process = events.actor
        head = f'{{"id":"{events.id}",{self._node}"kind":"{events.kind}","lines":{lines},"end":'
        if process is None:
            return f'{head}"{self._end_of(events.kind)}"}}\n'
        labels = self._labels.get(process.labels)
        if labels is None:
            labels = json.dumps(sorted(process.labels), separators=(",", ":"))
            self._labels[process.labels] = labels
        command = ""
        if events.command is not None:
            number, size = events.command
            command = f',"argc":{number},"argv_bytes":{size}'
        return (
            f'{head}"{"eoe" if self._eoe else "proctitle"}","syscall":"{events.call}",'
            f'"pid":{process.pid},"ppid":{process.ppid},"comm":"{process.comm}",'
            f'"exe":"{process.exe}","self":"{process.shown}","parent":{process.parent_info()},'
            f'"spawned_by":{process.origin},"labels":{labels}{command}}}\n'
        )

    def _end_of(self, kind: str) -> str:
        """How an event ends that has no SYSCALL record."""
        if kind != "uring":
            return "single"
        return "eoe" if self._eoe else "timeout"
