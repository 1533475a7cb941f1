"""The whole corpus through `ausearch -i`: each field that it interprets, we interpret alike.

`ausearch_differences.py` lists where our text differs, and why it is better.
"""

import functools
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.tables import arches
from laurel_mp.records.translation import syscall_name
from laurel_mp.records.types import canonical
from laurel_mp.records.values import Kind, class_of, kind_of
from tests.differential.ausearch_differences import DIFFERENCES, Interpretation, explain
from tests.support import requirements
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

CONFIG = """\
[translate]
interpret = true
universal = true
user-db = true
[enrich]
pid = false
"""

SHOWN = 20

_LINE = re.compile(
    rb"(?:node=(\S+) )?type=(\S+) msg=audit\([^)]*:(\d+)\) ?: ?(.*)", re.DOTALL
).fullmatch
_KEYS = re.compile(rb"(?:^|(?<=[ \x1d(]))([\w.-]+(?:\[\d+\])?)=")

Key = tuple[bytes, bytes, bytes]
"""Node, record type, serial."""


@dataclass(frozen=True)
class Record:
    """One record as three programs write it: auditd, ausearch, laurel-mp."""

    name: str
    raw: dict[str, str]
    """Values of the kernel's fields as they stand in the log."""
    theirs: dict[str, str]
    ours: dict[str, Any]


@pytest.fixture(scope="session")
def ausearch() -> Path:
    """The program, of Debian's package auditd."""
    found = requirements.program("ausearch")
    requirements.require(found, "ausearch (Debian: apt-get install auditd)")
    assert found
    return found


@functools.cache
def compare(program: Path, file: Path) -> tuple[frozenset[str], dict[Interpretation, int], int]:
    """Names of the entries that were needed, what none explains, and how much was equal."""
    needed: set[str] = set()
    unexplained: Counter[Interpretation] = Counter()
    equal = 0
    for found, count in _interpretations(program, corpus_bytes(file)).items():
        if found.ours == found.theirs:
            equal += count
        elif (name := explain(found)) is not None:
            needed.add(name)
        else:
            unexplained[found] += count
    return frozenset(needed), dict(unexplained), equal


@pytest.mark.parametrize("file", corpus_files(), ids=corpus_name)
def test_nothing_else_differs(ausearch: Path, file: Path) -> None:
    """Each field whose text differs is one of those that are listed."""
    _, unexplained, equal = compare(ausearch, file)

    shown = "\n".join(f"{count} times: {each}" for each, count in list(unexplained.items())[:SHOWN])
    assert not unexplained, f"{len(unexplained)} differences:\n{shown}"
    assert equal


def test_every_listed_difference_is_there(ausearch: Path) -> None:
    """An entry that explains nothing has to go."""
    needed = {name for file in corpus_files() for name in compare(ausearch, file)[0]}

    assert {difference.name for difference in DIFFERENCES} == needed


def _interpretations(program: Path, capture: bytes) -> Counter[Interpretation]:
    """Counts both interpretations of each value."""
    found: Counter[Interpretation] = Counter()
    for record in _records(program, capture):
        raw = record.raw
        arch = arches.NAMES.get(raw.get("arch", "").encode(), b"")
        call = ""
        if record.name == "SYSCALL":
            call = (syscall_name(arch, raw.get("syscall", "").encode()) or b"").decode()
        for key, value in raw.items():
            if _is_text(record.name, key, value):
                continue
            theirs = record.theirs.get(key)
            if theirs is None or theirs in (value, f"0x{value}"):
                theirs = None
            ours = record.ours.get(key.upper())
            if ours is not None or theirs is not None:
                found[Interpretation(record.name, key, call, value, theirs, _text(ours))] += 1
    return found


def _is_text(name: str, key: str, value: str) -> bool:
    """True for text in hex digits and for addresses: decoding is compared with LAUREL's."""
    if key in ("saddr", "proctitle", "msg") or name == "EXECVE":
        return True
    field = Field(key.encode(), Form.BARE, value.encode("latin-1"))
    return kind_of(class_of(field.key), field) is Kind.HEX_TEXT


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _records(program: Path, capture: bytes) -> Iterator[Record]:
    """The records of which each program has one, or the same number in the same order."""
    raw = _by_key(capture.split(b"\n"))
    theirs = _by_key(_run(program, capture))
    ours = _ours(capture)
    for key, bodies in raw.items():
        node, name, serial = key
        objects = ours.get((node, canonical(name), serial), [])
        texts = theirs.get(key, [])
        if not len(bodies) == len(objects) == len(texts):
            continue
        # ausearch shows records of one type in another order than auditd writes them.
        read = [_theirs(text) for text in texts]
        by_identity = {_identity(each): each for each in read}
        for body, text, shown in zip(bodies, read, objects, strict=True):
            fields = _raw(body)
            yield Record(name.decode(), fields, by_identity.get(_identity(fields), text), shown)


def _identity(fields: dict[str, str]) -> str | None:
    """The field that tells records of one type and event apart: `item` or `opid`."""
    return fields.get("item", fields.get("opid"))


def _by_key(lines: list[bytes]) -> dict[Key, list[bytes]]:
    found: dict[Key, list[bytes]] = {}
    for line in lines:
        match = _LINE(line)
        if match is not None:
            node, name, serial, body = match.groups(b"")
            found.setdefault((node, name, serial), []).append(body)
    return found


def _run(program: Path, capture: bytes) -> list[bytes]:
    done = subprocess.run(
        [program, "-i", "-if", "/dev/stdin"], input=capture, capture_output=True, check=True
    )
    return done.stdout.split(b"\n")


def _ours(capture: bytes) -> dict[Key, list[Any]]:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(CONFIG)
        config.flush()
        command = [sys.executable, "-m", "laurel_mp", "convert", "-w", "0", "-c", config.name, "-"]
        done = subprocess.run(command, input=capture, capture_output=True, check=True)
    found: dict[Key, list[Any]] = {}
    for line in done.stdout.splitlines():
        event = orjson.loads(line)
        node, serial = event.get("NODE", "").encode(), event["ID"].rpartition(":")[2].encode()
        for name, value in event.items():
            objects = value if isinstance(value, list) else [value]
            found.setdefault((node, name.encode(), serial), []).extend(objects)
    return found


def _raw(body: bytes) -> dict[str, str]:
    fields = parse(body.partition(b"\x1d")[0])
    return {
        field.key.decode(): field.text.decode("latin-1")
        for field in fields
        if field.key and field.form is Form.BARE
    }


def _theirs(text: bytes) -> dict[str, str]:
    """The fields of an interpreted record: a value ends where the next key begins."""
    found: dict[str, str] = {}
    keys = list(_KEYS.finditer(text))
    ends = [each.start() for each in keys[1:]] + [len(text)]
    for key, end in zip(keys, ends, strict=True):
        value = text[key.end() : end].rstrip(b" ").decode("latin-1")
        found.setdefault(key[1].decode("latin-1"), value)
    return found
