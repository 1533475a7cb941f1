"""Compares one event of an output with its truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

JsonObject = dict[str, Any]


class Difference(NamedTuple):
    """An error in an event."""

    kind: str
    expected: Any
    found: Any


def differences(
    truth: JsonObject, event: JsonObject, *, lenient: bool = False
) -> Iterator[Difference]:
    """Yields the errors in `event`, each kind once. `truth` is its line of the truth.

    With `lenient`, missing values are no errors, nor are parents that the stream has not shown:
    LAUREL knows processes from their first exec on, and others from `/proc`.
    """
    reasons = event.get("INCOMPLETE")
    # If nothing in the stream ends an event, no-eoe is right.
    if reasons is not None and not (truth["end"] == "timeout" and reasons == ["no-eoe"]):
        yield Difference("incomplete", None, reasons)
    if "pid" not in truth:
        return
    call = _object(event, "SYSCALL")
    process = {name: truth[name] for name in ("pid", "ppid", "comm", "exe")}
    found: JsonObject = {name: call.get(name) for name in process}
    process["EVENT_ID"] = truth["self"]
    found["EVENT_ID"] = _object(call, "PID").get("EVENT_ID")
    yield from _compared("process", process, found, lenient)
    parent = {"PARENT_INFO": truth["parent"], "SPAWNED_BY": truth["spawned_by"]}
    found = {"PARENT_INFO": event.get("PARENT_INFO"), "SPAWNED_BY": call.get("SPAWNED_BY")}
    if lenient and "ID" not in _object(found, "PARENT_INFO"):
        found["PARENT_INFO"] = None
    yield from _compared("parent", parent, found, lenient)
    labels = call.get("LABELS", [])
    if labels != truth["labels"] and (labels or not lenient):
        yield Difference("label", truth["labels"], labels)
    if "argc" in truth:
        yield from _arguments(truth, event)


def _arguments(truth: JsonObject, event: JsonObject) -> Iterator[Difference]:
    arguments = _object(event, "EXECVE").get("ARGV")
    expected = {"argc": truth["argc"], "bytes": truth["argv_bytes"]}
    if not isinstance(arguments, list) or not all(isinstance(word, str) for word in arguments):
        yield Difference("argument", expected, arguments)
        return
    found = {"argc": len(arguments), "bytes": sum(map(len, arguments))}
    if found != expected:
        yield Difference("argument", expected, found)


def _compared(
    kind: str, expected: JsonObject, found: JsonObject, lenient: bool
) -> Iterator[Difference]:
    """Yields a difference with the members that differ, if there are any."""
    wrong = [
        name
        for name in expected
        if expected[name] != found[name] and not (lenient and found[name] is None)
    ]
    if wrong:
        yield Difference(
            kind, {name: expected[name] for name in wrong}, {name: found[name] for name in wrong}
        )


def _object(parent: JsonObject, key: str) -> JsonObject:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
