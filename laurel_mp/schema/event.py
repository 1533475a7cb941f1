"""The schema of a line of output."""

from __future__ import annotations

from laurel_mp.records import types
from laurel_mp.records.options import RecordOptions
from laurel_mp.records.tables.record_types import NUMBERS
from laurel_mp.schema.records import Records
from laurel_mp.schema.values import DEFINITIONS, Schema, list_of, object_of, ref

DRAFT = "https://json-schema.org/draft/2020-12/schema"

REASONS = ("late", "no-eoe", "missing-path", "missing-args", "cut")
"""Why an event may be incomplete."""

_OWN_DEFINITIONS = {b"SYSCALL": "syscall", b"EXECVE": "execve", b"PROCTITLE": "proctitle"}


def event_schema(prefix: bytes | None = None) -> Schema:
    """The schema of an event; `prefix` is that of added keys, as configured.

    Whatever depends on the rest of the configuration is optional in it.
    """
    records = Records(RecordOptions(prefix=prefix))
    definitions = {
        **DEFINITIONS,
        "program": {"anyOf": [ref("text"), {"type": "null"}]},
        **records.definitions(),
    }
    return {
        "$schema": DRAFT,
        "title": "Linux audit event",
        "description": "One line of the output of laurel-mp.",
        "type": "object",
        "required": ["ID"],
        "properties": {
            "ID": ref("event_id"),
            "NODE": {"description": "The host, where lines name one.", **ref("text")},
            **{name.decode("ascii"): _record(name) for name in NUMBERS if name != b"EOE"},
            **_of_event(records),
        },
        "additionalProperties": ref("any_record"),
        "$defs": definitions,
    }


def _record(name: bytes) -> Schema:
    """The schema of all records of a type."""
    if name in types.SINGLE_OBJECTS:
        return ref(_OWN_DEFINITIONS.get(name, "kernel_record"))
    if types.is_kernel(name, b""):
        return {"type": "array", "items": ref("kernel_record"), "minItems": 1}
    return ref("user_record")


def _of_event(records: Records) -> dict[str, Schema]:
    """What is added to events."""
    program = {name: ref("program") for name in ("comm", "exe")}
    members = {
        "parent_info": object_of(
            {"ID": ref("event_id"), **program, "ppid": ref("integer")},
            ["comm", "exe", "ppid"],
            "The parent of the process of the event.",
        ),
        "container_info": object_of({"ID": ref("text")}, ["ID"]),
        "incomplete": list_of({"enum": list(REASONS)}, "What the event lacks."),
        "repeated": list_of(
            {"type": "object", "additionalProperties": {"type": "object"}},
            "Further records of types of which an event has one.",
        ),
        "record_types": list_of(ref("text"), "Types of the records of the event."),
        "laurel_mp": {
            "description": "What laurel-mp has to say about the stream; no audit event.",
            "type": "object",
        },
    }
    return {records.added(name): schema for name, schema in members.items()}
