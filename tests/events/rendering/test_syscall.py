"""SYSCALL records: in pieces that repeat, and by the general grammar."""

from typing import Any

import pytest
from hypothesis import given

from laurel_mp.events.rendering.caches import BoundedCache
from laurel_mp.events.rendering.syscall import Call, Syscall, SyscallRenderer
from laurel_mp.records.record import RecordRenderer
from laurel_mp.records.record_options import RecordOptions
from tests.support.corpus import corpus_files
from tests.support.decoding import parse
from tests.support.records import (
    ALL_NAMES,
    OPTIONS,
    UNHURRIED,
    Record,
    group_name,
    records_of,
    similar_syscalls,
    user_name,
)

HEAD = b"arch=c000003e syscall=59 success=yes exit=0"
ARGUMENTS = b" a0=7ffd a1=0 a2=10 a3=ffffffffffffffff"
IDS = (
    b" items=2 ppid=1 pid=7 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0"
    b" fsgid=0 tty=pts0 ses=3"
)
NAMES = b' comm="ls" exe="/bin/ls" key=(null)'
SYSCALL = HEAD + ARGUMENTS + IDS + NAMES
ENRICHED = (
    b'\x1dARCH=x86_64 SYSCALL=execve AUID="unset" UID="root" GID="root" EUID="root" SUID="root" '
    b'FSUID="root" EGID="root" SGID="root" FSGID="root"'
)


def renderer(options: RecordOptions | None = None) -> SyscallRenderer:
    """A renderer that has seen nothing yet."""
    return SyscallRenderer(RecordRenderer(options or RecordOptions()), 1 << 20, 1 << 20)


def render(body: bytes, options: RecordOptions | None = None) -> Syscall:
    """One record, rendered."""
    return renderer(options).render(body)


def shown(body: bytes, options: RecordOptions | None = None) -> Any:
    """One record's object, without its process."""
    return parse(b"{" + render(body, options).text + b"}")


def test_the_arguments_become_a_list() -> None:
    """It stands behind the raw fields, in hexadecimal."""
    keys = list(shown(SYSCALL))

    assert keys[:7] == ["arch", "syscall", "success", "exit", "items", "ppid", "pid"]
    assert keys[-4:] == ["comm", "exe", "key", "ARGV"]
    assert shown(SYSCALL)["ARGV"] == ["0x7ffd", "0x0", "0x10", "0xffffffffffffffff"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(), {}),
        (RecordOptions(universal=True), {"ARCH": "x86_64", "SYSCALL": "execve"}),
        (RecordOptions(universal=True, prefix=b"x_"), {"x_arch": "x86_64", "x_syscall": "execve"}),
    ],
)
def test_translations(options: RecordOptions, expected: dict[str, str]) -> None:
    """Architecture and call by name, if that is configured, under the configured keys."""
    found = shown(SYSCALL, options)

    assert expected == {key: text for key, text in found.items() if text in ("x86_64", "execve")}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(), ("x86_64", "execve", "root")),
        (RecordOptions(universal=True), ("x86_64", "execve", "root")),
        (RecordOptions(user_name=user_name, group_name=group_name),
         ("x86_64", "execve", 'u"0%ff')),
        (ALL_NAMES, ("x86_64", "execve", 'u"0%ff')),
    ],
)  # fmt: skip
def test_one_translation_of_each(options: RecordOptions, expected: tuple[str, ...]) -> None:
    """With ENRICHED input, whichever of ours are on: each key once, ours if there is one."""
    found = shown(SYSCALL + ENRICHED, options)

    assert expected == (found["ARCH"], found["SYSCALL"], found["UID"])


def test_interpretation() -> None:
    """Errors and arguments are named, behind everything else, under the configured keys."""
    body = SYSCALL.replace(b"syscall=59", b"syscall=257").replace(b"exit=0", b"exit=-13")
    options = RecordOptions(interpret=True, prefix=b"x_")
    found = {key: text for key, text in shown(body, options).items() if key.startswith("x_")}

    assert (found["x_exit"], found["x_a2"]) == ("EACCES", "O_RDONLY|0x10")


def test_a_call_without_a_name_keeps_auditds() -> None:
    """Without an entry in our table, auditd's name is kept."""
    body = SYSCALL.replace(b"syscall=59", b"syscall=9999") + ENRICHED

    expected = ("x86_64", "execve")
    found = shown(body, RecordOptions(universal=True))
    assert expected == (found["ARCH"], found["SYSCALL"])


def test_an_exit_without_raw_values() -> None:
    """A process that ended has no `success`, so that `drop-raw` leaves nothing in front."""
    body = b"arch=c000003e syscall=231" + ARGUMENTS + IDS + NAMES
    options = RecordOptions(True, user_name, group_name, drop_raw=True)

    assert list(shown(body, options))[:5] == ["items", "ppid", "pid", "tty", "ses"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b"", b""), Call.EXEC),
        ((b"success=yes", b"success=no"), Call.PLAIN),
        ((b"syscall=59", b"syscall=322"), Call.EXEC),
        ((b"syscall=59", b"syscall=231"), Call.EXIT_GROUP),
        ((b"syscall=59 success=yes exit=0", b"syscall=231"), Call.EXIT_GROUP),
        ((b"syscall=59 success=yes exit=0", b"syscall=60"), Call.PLAIN),
        ((b"syscall=59", b"syscall=1073742344"), Call.EXEC),
        ((b"c000003e syscall=59", b"c0000015 syscall=11"), Call.EXEC),
        ((b"c000003e syscall=59", b"c0000102 syscall=221"), Call.EXEC),
        ((b"c000003e", b"8"), Call.UNNAMED),
        ((b"c000003e syscall=59 success=yes exit=0", b"8 syscall=1"), Call.PLAIN),
    ],
)  # fmt: skip
def test_calls(change: tuple[bytes, bytes], expected: Call) -> None:
    """A successful exec, also on x32, and the end of a process; unknown where there is no table."""
    body = SYSCALL.replace(*change) if change[0] else SYSCALL

    assert expected == render(body).call
    assert expected == renderer()._render_irregular(body).call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (SYSCALL, b'7\t1\t"ls"\t"/bin/ls"\t0\tnull'),
        (SYSCALL.replace(b'"ls"', b"6C0973"), b'7\t1\t"l%09s"\t"/bin/ls"\t0\tnull'),
        (SYSCALL.replace(b'"/bin/ls"', b"(null)"), b'7\t1\t"ls"\tnull\t0\tnull'),
        (SYSCALL.replace(b" a1=0", b""), b'7\t1\t"ls"\t"/bin/ls"\t0\tnull'),
        (SYSCALL.replace(b" uid=0", b" uid=12"), b'7\t1\t"ls"\t"/bin/ls"\t12\tnull'),
        (SYSCALL.replace(b"key=(null)", b'key="a b"'), b'7\t1\t"ls"\t"/bin/ls"\t0\t"a b"'),
        (SYSCALL.replace(b"key=(null)", b"key=610162"), b'7\t1\t"ls"\t"/bin/ls"\t0\t"a%01b"'),
        (SYSCALL.replace(b" key=(null)", b""), b'7\t1\t"ls"\t"/bin/ls"\t0\tnull'),
        (SYSCALL.replace(b" pid=7", b""), b""),
        (SYSCALL.replace(b" uid=0", b""), b""),
        (SYSCALL.replace(b" uid=0", b" uid=-1"), b""),
        (SYSCALL.replace(b" pid=7", b" pid=007"), b""),
        (SYSCALL.replace(b" pid=7", b" pid=-7"), b""),
        (SYSCALL.replace(b" pid=7", b" pid=12345678901234567890"), b""),
        (SYSCALL.replace(b" pid=7", b' pid="7"'), b""),
        (SYSCALL + b" PID=1", b""),
        (SYSCALL + b" KEYS=1", b""),
    ],
)
def test_process(body: bytes, expected: bytes) -> None:
    """Only a record that names its process well, and leaves our keys free, gets an annotation."""
    assert expected == render(body, RecordOptions(queries_name_rules=True)).process


def test_process_without_rules() -> None:
    """User and key are left out where the tracker does not want them."""
    body = SYSCALL.replace(b"key=(null)", b'key="a"').replace(b" uid=0", b" uid=12")

    assert render(body).process == b'7\t1\t"ls"\t"/bin/ls"\t\tnull'


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"(null)", None),
        (b'"a"', None),
        (b"610162", ["a", "b"]),
        (b"610162012563", ["a", "b", "%25c"]),
        (b"253031", None),
    ],
)
def test_several_keys(key: bytes, expected: list[str] | None) -> None:
    """The keys of one rule are joined by 0x01; beside the raw text they are listed."""
    body = SYSCALL.replace(b"(null)", key)
    irregular = body.replace(b" a1=0", b"")

    assert expected == shown(body).get("KEYS")
    assert expected == shown(irregular).get("KEYS")


def test_several_keys_with_a_prefix() -> None:
    """The list has the name that the configuration gives to what we add."""
    body = SYSCALL.replace(b"(null)", b"610162")

    assert shown(body, RecordOptions(prefix=b"x_"))["x_keys"] == ["a", "b"]


@pytest.mark.parametrize(
    ("groups", "expected"), [((b"a", b'"'), ["a", '"']), ((), []), (None, None)]
)
def test_groups_of_the_user(groups: tuple[bytes, ...] | None, expected: list[str] | None) -> None:
    """Those of `uid`, if they are known."""
    options = RecordOptions(groups_of=lambda uid: groups if uid == 12 else (b"other",))
    body = SYSCALL.replace(b" uid=0", b" uid=12")

    assert expected == shown(body, options).get("UID_GROUPS")
    assert expected == shown(body.replace(b" a1=0", b""), options).get("UID_GROUPS")


@pytest.mark.parametrize(("arch", "expected"), [(b"80000015", True), (b"c000003e", False)])
def test_byte_order(arch: bytes, expected: bool) -> None:
    """It follows the architecture."""
    body = SYSCALL.replace(b"c000003e", arch)

    assert expected == render(body).big_endian
    assert expected == renderer()._render_irregular(body).big_endian


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {}),
        (b"a0=1", {"ARGV": ["0x1"]}),
        (b"a0=1 a1=zz", {"ARGV": ["0x1", "zz"]}),
        (b"a0=1 items=", {"items": None, "ARGV": ["0x1"]}),
        (b"arch=x syscall=1 syscall=2", {"arch": "x", "syscall": [1, 2]}),
        (b"ARGV=1 a0=1", {"ARGV": ["1", ["0x1"]]}),
        (b"stray a0=1", {"UNPARSED": "stray", "ARGV": ["0x1"]}),
    ],
)
def test_irregular_records(body: bytes, expected: dict[str, Any]) -> None:
    """Missing, repeated and odd fields are rendered."""
    assert expected == shown(body)


@pytest.mark.parametrize(
    "options",
    [
        RecordOptions(),
        ALL_NAMES,
        RecordOptions(True, user_name, group_name, drop_raw=True, prefix=b"x_"),
    ],
    ids=["default", "names", "all"],
)
def test_both_ways_agree_on_the_corpus(options: RecordOptions) -> None:
    """Parts give the same object as the general grammar, for each tenth record."""
    one = renderer(options)
    for path in corpus_files():
        bodies = [body for name, body in records_of(path) if name == b"SYSCALL"]
        for body in bodies[::10]:
            assert one._render_irregular(body) == one.render(body)


@UNHURRIED
@given(similar_syscalls(), OPTIONS)
def test_both_ways_agree(records: list[Record], options: RecordOptions) -> None:
    """Parts give the same object as the general grammar, for made-up records."""
    one = renderer(options)
    for _, body in records * 2:
        expected = one._render_irregular(body)
        assert expected == one.render(body)
        parse(b"{" + expected.text + b"}")


def test_memory_is_bounded() -> None:
    """Tables of heads and tails are emptied when they are full."""
    one = SyscallRenderer(RecordRenderer(RecordOptions()), 1000, 1000)
    for number in range(50):
        one.render(SYSCALL.replace(b"syscall=59", b"syscall=%d" % number))
        for _ in range(2):  # what comes once is not kept
            one.render(SYSCALL.replace(b"pid=7", b"pid=%d" % number))

    assert one.operations.clearings > 0
    assert one.callers.clearings > 0
    assert isinstance(one.operations, BoundedCache)


@pytest.mark.no_cover  # it measures
@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "tail",
    [
        b" ppid=1 pid=2 " + b" uid=0 " * 100_000,
        b" ppid=1 pid=2 x uid=0 x" + b" comm=" * 100_000,
        b' ppid=1 pid=2 x uid=0 x comm="a" exe="b" subj=' + b" " * 500_000 + b"x",
        b' ppid=1 pid=2 x uid=0 x comm="a" exe="b" subj=' + b' key="x ' * 100_000,
    ],
)
def test_time_is_linear(tail: bytes) -> None:
    """A long record of another's making is looked through once."""
    render(HEAD + ARGUMENTS + b" items=2" + tail)
