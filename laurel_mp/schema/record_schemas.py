"""Schemas of the objects that records become."""

from __future__ import annotations

import re

from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.tables import constants
from laurel_mp.records.tables.fields import CLASSES as CLASS_OF
from laurel_mp.schema.value_schemas import (
    CLASSES,
    START_TIME,
    Schema,
    list_of,
    object_of,
    ref,
    several,
)

_SKIPPED = object_of(
    {"skipped_args": ref("integer"), "skipped_bytes": ref("integer")},
    ["skipped_args", "skipped_bytes"],
    "Arguments that transform.execve-argv-limit-bytes has cut out.",
)


class RecordSchemas:
    """Definitions of records, with the configured keys of added members."""

    def __init__(self, options: RecordOptions) -> None:
        self._options = options

    def added(self, name: str) -> str:
        """Returns the key of the added member `name`."""
        return self._options.added(name.encode("ascii")).decode("utf-8")

    def definitions(self) -> dict[str, Schema]:
        """Returns all definitions of objects."""
        return {
            "argument": {"anyOf": [ref("text"), {"type": "null"}, _SKIPPED]},
            "process": self._process(),
            "address": self._address(),
            "message": {
                "description": "Content of msg='...' by a program: its fields, or its text.",
                "anyOf": [ref("text"), self._fields({}, added=False)],
            },
            "kernel_record": self._fields({}),
            "user_record": self._fields({"msg": {"anyOf": [ref("message"), ref("plain")]}}),
            "syscall": self._fields(self._of_syscall()),
            "execve": self._fields(self._of_execve()),
            "proctitle": self._fields(self._of_proctitle()),
            "any_record": {
                "anyOf": [ref("user_record"), list_of(ref("kernel_record"))],
            },
        }

    def _fields(self, more: dict[str, Schema], *, added: bool = True) -> Schema:
        """Returns an object of fields: those of the table, ids by their names, any others."""
        properties = {
            key.decode("ascii"): ref(CLASSES.get(field_class, field_class))
            for key, field_class in CLASS_OF.items()
        }
        verdict = list_of(several(ref("text")))
        properties |= {"denied": verdict, "granted": verdict}
        no_ids = "|".join(re.escape(key) for key in properties if key.endswith(("uid", "gid")))
        patterns: Schema = {f"^(?!(?:{no_ids})$).*[ug]id$": ref("decimal")}
        if added:
            patterns |= self._patterns()
            properties[self.added("saddr")] = {"anyOf": [ref("address"), ref("plain")]}
        return {
            "type": "object",
            "properties": properties | more,
            "patternProperties": patterns,
            "additionalProperties": ref("plain"),
        }

    def _patterns(self) -> Schema:
        """Returns patterns of keys that are added to any record."""
        process = {"anyOf": [ref("process"), ref("plain")]}
        if self._options.prefix is None:
            return {"^[A-Z0-9_.-]*PID$": process}
        return {f"^{re.escape(self._options.prefix.decode())}.*pid$": process}

    def _process(self) -> Schema:
        return object_of(
            {
                "EVENT_ID": ref("event_id"),
                "START_TIME": {"type": "string", "pattern": START_TIME},
                "pid": ref("integer"),
                "ppid": ref("integer"),
                "comm": ref("program"),
                "exe": ref("program"),
                "container": object_of({"id": ref("text")}, ["id"]),
                "systemd_service": list_of(ref("text")),
                self.added("argv"): list_of(ref("argument")),
            },
            description="A process, by the event that started its program, or by when it started.",
        )

    def _address(self) -> Schema:
        numbers = ["port", "flowinfo", "scope_id", "pid", "cid", "itf", "vpi", "vci", "type"]
        texts = ["addr", "path", "groups", "call", "network", "node"]
        families = [name.decode("ascii") for name in constants.NAMES["address_family"].values()]
        return object_of(
            {
                "saddr_fam": {"enum": families},
                **{name: ref("integer") for name in numbers},
                **{name: ref("text") for name in texts},
            },
            ["saddr_fam"],
            "A decoded socket address.",
        )

    def _of_syscall(self) -> dict[str, Schema]:
        process = {"anyOf": [ref("process"), ref("plain")]}
        texts = list_of(ref("text"))
        members = {
            "argv": list_of({"anyOf": [ref("text"), {"type": "null"}]}, "a0 to a3."),
            "pid": process,
            "ppid": process,
            "spawned_by": ref("process"),
            "labels": texts,
            "script": ref("text"),
            "uid_groups": texts,
            "exe_hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "keys": texts,
        }
        return {self.added(name): schema for name, schema in members.items()}

    def _of_execve(self) -> dict[str, Schema]:
        return {
            "argc": ref("decimal"),
            self.added("argv"): list_of(ref("argument"), "The arguments, null for missing ones."),
            self.added("argv_str"): ref("text"),
            self.added("env"): {
                "description": "Environment variables.",
                "type": "object",
                "additionalProperties": ref("text"),
            },
        }

    def _of_proctitle(self) -> dict[str, Schema]:
        words = list_of(ref("text"))
        return {self.added("argv"): {"anyOf": [words, list_of(words)]}}
