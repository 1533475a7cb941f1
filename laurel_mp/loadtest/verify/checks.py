"""What one event of an output says, beside what is true of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

JsonObject = dict[str, Any]


class Difference(NamedTuple):
    """One kind of thing that is wrong with an event, with what stands where it should be right."""

    kind: str
    expected: Any
    found: Any


def differences(truth: JsonObject, event: JsonObject) -> Iterator[Difference]:
    """All that is wrong with `event`, each kind once. `truth` is its line of the truth."""
    reasons = event.get("INCOMPLETE")
    # Where nothing in the stream ends an event, it is right to say so.
    if reasons is not None and not (truth["end"] == "timeout" and reasons == ["no-eoe"]):
        yield Difference("incomplete", None, reasons)
    if "pid" not in truth:
        return
    call = _object(event, "SYSCALL")
    process = {name: truth[name] for name in ("pid", "ppid", "comm", "exe")}
    found: JsonObject = {name: call.get(name) for name in process}
    process["EVENT_ID"] = truth["self"]
    found["EVENT_ID"] = _object(call, "PID").get("EVENT_ID")
    if found != process:
        yield _shortened("process", process, found)
    parent = {"PARENT_INFO": truth["parent"], "SPAWNED_BY": truth["spawned_by"]}
    found = {"PARENT_INFO": event.get("PARENT_INFO"), "SPAWNED_BY": call.get("SPAWNED_BY")}
    if found != parent:
        yield _shortened("parent", parent, found)
    labels = call.get("LABELS", [])
    if labels != truth["labels"]:
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


def _shortened(kind: str, expected: JsonObject, found: JsonObject) -> Difference:
    """The two without what is equal in them."""
    wrong = [name for name in expected if expected[name] != found[name]]
    return Difference(
        kind, {name: expected[name] for name in wrong}, {name: found[name] for name in wrong}
    )


def _object(parent: JsonObject, key: str) -> JsonObject:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
