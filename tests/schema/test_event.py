"""The schema describes the output: all of it, and nothing that is none."""

import copy
import functools
from typing import Any

import jsonschema_rs
import orjson
import pytest
from jsonschema import Draft202012Validator

from laurel_mp import config as configuration
from laurel_mp.records import types
from laurel_mp.records.tables.fields import CLASSES
from laurel_mp.records.tables.record_types import NUMBERS
from laurel_mp.schema.event import event_schema
from tests.support.corpus import corpus_bytes, corpus_files, corpus_part
from tests.support.pipelines import run
from tests.support.streams import event as line_of

# To measure what others cover, too, would double the time.
pytestmark = pytest.mark.no_cover

CONFIGURATIONS = {
    "defaults": ("", None),
    "names": ("[translate]\nuniversal = true\nuser-db = true\n", None),
    "everything": (
        """
        [translate]
        universal = true
        user-db = true
        drop-raw = true
        [enrich]
        argv = true
        ppid-verbose = true
        [transform]
        record-types = true
        execve-argv = ["array", "string"]
        execve-argv-limit-bytes = 20
        [label-process]
        label-keys = ["exec"]
        """,
        None,
    ),
    "prefix": ('[enrich]\nprefix = "x_"\n[translate]\nuniversal = true\n', b"x_"),
}


@functools.cache
def checked(which: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Ids of events of all captures that do not fit the schema, and some of all events.

    To keep all of them takes a gigabyte.
    """
    text, prefix = CONFIGURATIONS[which]
    config = configuration.parse(text, "the test's configuration")
    validator = jsonschema_rs.Draft202012Validator(event_schema(prefix))
    wrong: list[str] = []
    some: list[dict[str, Any]] = []
    for path in corpus_files():
        capture = corpus_part(path) if text else corpus_bytes(path)
        for number, line in enumerate(run([capture], config=config).events):
            event = orjson.loads(line)
            if not validator.is_valid(event):
                wrong.append(event["ID"])
            if number % 400 == 0 or ("EXECVE" in event and number % 40 == 0):
                some.append(event)
    return wrong, some


@pytest.mark.parametrize("which", CONFIGURATIONS)
def test_every_event_is_valid(which: str) -> None:
    """Each event of each capture fits the schema."""
    wrong, _ = checked(which)

    assert wrong == []


@pytest.mark.parametrize("prefix", [None, "x_"])
def test_losses_are_valid(prefix: str | None) -> None:
    """Lines about missing events fit it, and are described in each of their members."""
    text = '[loss]\nrecords = "always"\n' + (f'[enrich]\nprefix = "{prefix}"\n' if prefix else "")
    config = configuration.parse(text, "the test's configuration")
    stream = b"".join([line_of(serial, node=b"n") for serial in (1, 2, 5, 9)])
    schema = event_schema(prefix.encode() if prefix else None)
    key = "x_laurel_mp" if prefix else "LAUREL_MP"
    found = [orjson.loads(line) for line in run([stream], config=config).events]
    (line,) = [each for each in found if key in each]

    validator = Draft202012Validator(schema)
    validator.validate(line)
    assert line[key].keys() < schema["$defs"]["loss"]["properties"].keys()
    for wrong in ({"op": "loss"}, {**line[key], "kind": "other"}, {**line[key], "more": 1}):
        assert not validator.is_valid({**line, key: wrong})


def test_another_validator_says_so_too() -> None:
    """The schema itself is valid, and does not depend on what one program makes of it."""
    schema = event_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    _, some = checked("names")
    for event in some:
        validator.validate(event)


def an_exec() -> dict[str, Any]:
    """One event with most of what there can be."""
    _, some = checked("names")
    return next(event for event in some if "EXECVE" in event and "PATH" in event)


WRONG: dict[str, tuple[list[str | int], Any]] = {
    "id": (["ID"], "1700000000.25:1"),
    "node": (["NODE"], 5),
    "record": (["SYSCALL"], [{}]),
    "list": (["PATH"], {"item": 0}),
    "empty": (["PATH"], []),
    "number": (["SYSCALL", "pid"], True),
    "fraction": (["SYSCALL", "uid"], 1.5),
    "too large": (["SYSCALL", "exit"], 1 << 63),
    "text": (["SYSCALL", "exe"], 5),
    "control character": (["SYSCALL", "exe"], "/bin/\n"),
    "percent sign": (["SYSCALL", "exe"], "/bin/100%"),
    "arguments": (["EXECVE", "ARGV"], "ls -l"),
    "argument": (["EXECVE", "ARGV", 0], {"skipped": 1}),
    "system call": (["SYSCALL", "ARGV"], {"a0": "0x0"}),
    "process": (["SYSCALL", "PID"], {"EVENT_ID": "5"}),
    "more of a process": (["SYSCALL", "PID"], {"other": "5"}),
    "parent": (["PARENT_INFO"], {"comm": "x"}),
    "reason": (["INCOMPLETE"], ["tired"]),
    "labels": (["SYSCALL", "LABELS"], "shell"),
    "hash": (["SYSCALL", "EXE_HASH"], "0123"),
    "unknown type": (["NEW_TYPE"], "text"),
    "end": (["EOE"], "text"),
}


@pytest.mark.parametrize("which", WRONG)
def test_what_is_wrong_is_not_valid(which: str) -> None:
    """A single thing that no event can have, and it does not fit."""
    validator = jsonschema_rs.Draft202012Validator(event_schema())
    event = copy.deepcopy(an_exec())
    assert validator.is_valid(event)
    path, value = WRONG[which]
    place: Any = event
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    assert not validator.is_valid(event)


def test_an_event_has_an_id() -> None:
    """Nothing else is required."""
    validator = jsonschema_rs.Draft202012Validator(event_schema())

    assert validator.is_valid({"ID": "1.000:1"})
    assert not validator.is_valid({"SYSCALL": {}})


def test_tables_are_in_it() -> None:
    """Each record type has its place, and each field of the table."""
    schema = event_schema()

    assert {name.decode() for name in NUMBERS} - {"EOE"} <= schema["properties"].keys()
    for name in ("kernel_record", "user_record", "syscall", "execve"):
        assert {key.decode() for key in CLASSES} <= schema["$defs"][name]["properties"].keys()
    assert schema["properties"]["CWD"] == {"$ref": "#/$defs/kernel_record"}
    assert {name.decode() for name in types.SINGLE_OBJECTS} <= schema["properties"].keys()


def test_new_types_are_allowed() -> None:
    """Later kernels have records that the tables do not know."""
    validator = jsonschema_rs.Draft202012Validator(event_schema())

    for value in ([{"a": "b"}], {"pid": 1, "msg": {"op": "x"}}):
        assert validator.is_valid({"ID": "1.000:1", "UNKNOWN[1499]": value})


def test_notes_of_our_own_are_allowed() -> None:
    """Loss reports are part of the schema."""
    validator = jsonschema_rs.Draft202012Validator(event_schema())

    assert validator.is_valid(
        {"ID": "1.000:1", "LAUREL_MP": {"op": "loss", "kind": "serial-gap", "count": 5}}
    )


def test_prefix_is_in_it() -> None:
    """With a prefix, keys in upper case are nothing special."""
    validator = jsonschema_rs.Draft202012Validator(event_schema(b"x_"))

    assert validator.is_valid({"ID": "1.000:1", "SYSCALL": {"x_pid": {"EVENT_ID": "1.000:1"}}})
    assert not validator.is_valid({"ID": "1.000:1", "SYSCALL": {"PID": {"EVENT_ID": "1.000:1"}}})
