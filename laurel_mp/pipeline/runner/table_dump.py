"""The process table in the debug log, to find out why an event has its parent or label.

There is a line for each process: `process ` and a JSON object.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import orjson

from laurel_mp.processes.process_table import Process, ProcessTables

log = logging.getLogger(__name__)
# The lines are for the debug log only, which `Plugin` adds as a handler here.
log.propagate = False


def dump(tables: ProcessTables) -> None:
    """Logs all processes, including those that ended lately."""
    shown = ended = 0
    for node, table in tables.items():
        for process in table.current.values():
            log.info("process %s", _text(node, process, "running"))
        for _, process in table.ended.values():
            log.info("process %s", _text(node, process, "ended"))
        shown += len(table.current)
        ended += len(table.ended)
    log.info("process table: %d running, %d ended", shown, ended)


def _text(node: bytes, process: Process, state: str) -> str:
    """Returns a JSON object; long members come last, as a message has a limit."""
    return json.dumps(dict(_members(node, process, state)), separators=(",", ":"))


def _members(node: bytes, process: Process, state: str) -> Iterator[tuple[str, object]]:
    if node:
        yield "node", _value(node)
    yield "PID", int(process.pid)
    yield "PPID", int(process.ppid)
    yield "state", state
    yield ("START_TIME" if process.by_start_time else "EVENT_ID"), process.id.decode()
    if process.is_init:
        yield "init", True
    if process.labels:
        yield "LABELS", sorted(map(_word, process.labels))
    if process.container:
        yield "container", _word(process.container)
    if process.services:
        yield "services", list(map(_word, process.services))
    yield "comm", _value(process.comm)
    yield "exe", _value(process.exe)


def _word(text: bytes) -> str:
    return text.decode(errors="backslashreplace")


def _value(text: bytes) -> object:
    """Returns the value of a table entry, which is JSON."""
    return orjson.loads(text) if text else None
