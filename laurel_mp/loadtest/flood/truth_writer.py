"""Writes the truth of a flood as JSON lines."""

from __future__ import annotations

import json
from typing import Any

from laurel_mp import __version__
from laurel_mp.loadtest.flood import truth_configuration
from laurel_mp.loadtest.flood.event_maker import EventMaker
from laurel_mp.loadtest.flood.flood_options import Options
from laurel_mp.loadtest.flood.truth_configuration import Labels

VERSION = 1


class TruthWriter:
    """Describes each event right after it was made."""

    def __init__(self, options: Options) -> None:
        self._eoe = options.eoe
        self._node = f'"node":"{options.node}",' if options.node else ""
        self._options = options.shown()
        self._labels: dict[Labels, str] = {}

    def header(self) -> str:
        """Returns the first line."""
        header: dict[str, Any] = {
            "truth": VERSION,
            "version": __version__,
            "options": self._options,
            "labels": truth_configuration.shown(),
        }
        return json.dumps(header) + "\n"

    def line(self, events: EventMaker, lines: int) -> str:
        """Returns the truth of the last event, which has so many lines in the stream."""
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
        """Returns the end of an event without a SYSCALL record."""
        if kind != "uring":
            return "single"
        return "eoe" if self._eoe else "timeout"
