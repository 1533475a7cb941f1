"""The schema of a line of output."""

from __future__ import annotations

from laurel_mp.records import types
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.tables.record_types import NUMBERS
from laurel_mp.schema.record_schemas import RecordSchemas
from laurel_mp.schema.value_schemas import DEFINITIONS, Schema, list_of, object_of, ref

DRAFT = "https://json-schema.org/draft/2020-12/schema"

REASONS = ("late", "no-eoe", "missing-path", "missing-args", "cut")
"""Reasons why an event is incomplete."""

LOSSES = ("serial-gap", "kernel", "auditd-queue")
"""Sources that report losses."""

_OWN_DEFINITIONS = {b"SYSCALL": "syscall", b"EXECVE": "execve", b"PROCTITLE": "proctitle"}


def event_schema(prefix: bytes | None = None) -> Schema:
    """Returns the schema of an event; `prefix` is the configured one of added keys.

    Members that depend on the rest of the configuration are optional.
    """
    records = RecordSchemas(RecordOptions(prefix=prefix))
    definitions = {
        **DEFINITIONS,
        "program": {"anyOf": [ref("text"), {"type": "null"}]},
        **records.definitions(),
        "loss": _loss(),
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
    """Returns the schema of all records of a type."""
    if name in types.SINGLE_OBJECTS:
        return ref(_OWN_DEFINITIONS.get(name, "kernel_record"))
    if types.is_kernel(name, b""):
        return {"type": "array", "items": ref("kernel_record"), "minItems": 1}
    return ref("user_record")


def _loss() -> Schema:
    """Returns the schema of a report of lost events; such a line is no audit event."""
    number = {"type": "number", "minimum": 0}
    texts = {
        "count": "Number of missing events, or of records if the kernel has counted them.",
        "gaps": "Number of gaps in the serials.",
        "first": "Lowest missing serial.",
        "last": "Highest missing serial.",
        "late": "Number of late events, which were counted as missing before.",
        "total": "Total number of missing events since then.",
    }
    members: Schema = {
        "op": {"const": "loss"},
        "kind": {"enum": list(LOSSES), "description": "Source of the report."},
        **{name: {"description": text, **ref("integer")} for name, text in texts.items()},
        "from": {"description": "Time before the loss, in seconds.", **number},
        "to": {"description": "Time after the loss, in seconds.", **number},
        "since": {"description": "Start of the count, in seconds.", **number},
        "restarted": {"const": True, "description": "auditd was restarted around that time."},
    }
    return object_of(members, ["op", "kind"], "Events are missing. The line is no audit event.")


def _of_event(records: RecordSchemas) -> dict[str, Schema]:
    """Returns the schemas of members added to events."""
    program = {name: ref("program") for name in ("comm", "exe")}
    members = {
        "parent_info": object_of(
            {"ID": ref("event_id"), **program, "ppid": ref("integer")},
            ["comm", "exe", "ppid"],
            "The parent of the process of the event.",
        ),
        "container_info": object_of({"ID": ref("text")}, ["ID"]),
        "incomplete": list_of({"enum": list(REASONS)}, "Reasons why the event is incomplete."),
        "repeated": list_of(
            {"type": "object", "additionalProperties": {"type": "object"}},
            "Further records of types of which an event has one.",
        ),
        "record_types": list_of(ref("text"), "Types of the records of the event."),
        "laurel_mp": ref("loss"),
    }
    return {records.added(name): schema for name, schema in members.items()}
