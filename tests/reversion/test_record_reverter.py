"""Records back from their objects, real and synthetic ones."""

import orjson
import pytest
from hypothesis import given

from laurel_mp.events.rendering.syscall import SyscallRenderer
from laurel_mp.records.record import RecordRenderer
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion import record_reverter
from laurel_mp.reversion.losses import Losses
from laurel_mp.reversion.record_reverter import RecordReverter
from tests.support.records import (
    ALL_NAMES,
    UNHURRIED,
    Record,
    similar_records,
    similar_syscalls,
    typical_records,
)

OPTIONS = RecordOptions(look_up_pids=False)


def reverter(options: RecordOptions = OPTIONS) -> tuple[RecordReverter, Losses]:
    """One that has seen nothing."""
    losses = Losses()
    return RecordReverter(options, losses, enriched=True), losses


def body_of(name: bytes, text: bytes) -> bytes:
    """The body for an object that is given as JSON."""
    one, losses = reverter()
    body = one.body(name, orjson.loads(text))
    assert Losses() == losses
    return body


@given(similar_records())
@UNHURRIED
def test_any_record_says_the_same(some: list[Record]) -> None:
    """A written record renders as the original, or is counted as inexact."""
    renderer = RecordRenderer(OPTIONS)
    for name, body in some:
        if name in (b"EXECVE", b"SYSCALL"):
            continue
        one, losses = reverter()
        text = renderer.render_generally(name, body).text

        written = one.body(name, orjson.loads(text))

        assert (renderer.render_generally(name, written).text == text) == (not losses.inexact)


@given(similar_syscalls())
@UNHURRIED
def test_any_system_call_says_the_same(some: list[Record]) -> None:
    """SYSCALL records, with their list of arguments, render as the original."""
    renderer = SyscallRenderer(RecordRenderer(OPTIONS), 1 << 16, 1 << 16)
    for name, body in some:
        one, losses = reverter()
        text = b"{" + renderer.render(body).text + b"}"

        written = one.body(name, orjson.loads(text))

        assert losses.inexact or b"{" + renderer.render(written).text + b"}" == text


def test_records_of_the_captures_are_exact() -> None:
    """None of them is only near."""
    renderer, one = RecordRenderer(OPTIONS), reverter()
    for name, body in typical_records():
        if name not in (b"EXECVE", b"SYSCALL"):
            text = renderer.render_generally(name, body).text
            written = one[0].body(name, orjson.loads(text))
            assert text == renderer.render_generally(name, written).text
    assert Losses() == one[1]


@pytest.mark.parametrize(
    ("name", "text", "body"),
    [
        (b"CWD", b'{"cwd":"/tmp/100%25 \xc3\xbc %ff%0a"}', b"cwd=2F746D702F3130302520C3BC20FF0A"),
        (b"CWD", b'{"cwd":"/tmp"}', b'cwd="/tmp"'),
        (b"CWD", b'{"cwd":null}', b"cwd=(null)"),
        (b"PATH", b'{"item":0,"name":null,"mode":"0o100755"}', b"item=0 name=(null) mode=0100755"),
        (b"BPRM_FCAPS", b'{"fp":"0x0","old_pp":"0x1ff"}', b"fp=0 old_pp=00000000000001ff"),
        (b"SECCOMP", b'{"arch":"0xc000003e","code":"0x0"}', b"arch=c000003e code=0x0"),
        (b"PROCTITLE", b'{"ARGV":["ls","-l"]}', b"proctitle=6C73002D6C"),
        (b"PROCTITLE", b'{"ARGV":["ls"]}', b'proctitle="ls"'),
        (b"PROCTITLE", b'{"proctitle":null}', b"proctitle=(null)"),
        (b"TTY", b'{"pid":1,"data":"ls%0a"}', b"tty pid=1 data=6C730A"),
        (b"AVC", b'{"denied":["read"],"pid":1}', b"avc:  denied  { read } for  pid=1"),
        (
            b"AVC",
            b'{"apparmor":"DENIED","operation":"open","info":"a b"}',
            b'apparmor="DENIED" operation="open" info="a b"',
        ),
        (b"CONFIG_CHANGE", b'{"key":["a","b c"],"res":1}', b'key="a" key=622063 res=1'),
        (b"BPF", b'{"op":"LOAD","UNPARSED":"two words"}', b"two words op=LOAD"),
        (b"PATH", b'{"ouid":0,"OUID":"root"}', b'ouid=0\x1dOUID="root"'),
        (
            b"SOCKADDR",
            b'{"saddr":"%02%00","SADDR":"{ fam=x }"}',
            b"saddr=0200\x1dSADDR={ fam=x }",
        ),
        (
            b"USER_AUTH",
            b'{"pid":1,"msg":{"op":"a b","acct":"al","hostname":"?","addr":null,"res":"success"}}',
            b'pid=1 msg=\'op=a b acct="al" hostname="?" addr=? res=success\'',
        ),
        (b"USER", b'{"pid":1,"msg":{"UNPARSED":"just text"}}', b"pid=1 msg='just text'"),
        (b"USER", b'{"uid":1,"msg":{"op":"x"},"UID":"r"}', b"uid=1 msg='op=x'\x1dUID=\"r\""),
        (b"USER", b'{"uid":1,"UID":"?","msg":{"op":"x"}}', b"uid=1 UID=\"?\" msg='op=x'"),
        (
            b"SYSCALL",
            b'{"arch":"0xc000003e","syscall":2,"items":1,"ARGV":["0x5","0x0"],"PID":{}}',
            b"arch=c000003e syscall=2 a0=5 a1=0 items=1",
        ),
    ],
)
def test_as_the_kernel_writes(name: bytes, text: bytes, body: bytes) -> None:
    """Values are in the form that the tools of auditd expect."""
    assert body == body_of(name, text)


def test_addresses_come_back() -> None:
    """A raw address is restored from a decoded one."""
    text = b'{"SADDR":{"saddr_fam":"inet","addr":"192.0.2.7","port":1234}}'

    assert body_of(b"SOCKADDR", text) == b"saddr=020004D2C00002070000000000000000"


def test_numbers_come_back_from_names() -> None:
    """Dropped raw values are restored if their names mean the same everywhere."""
    one, losses = reverter()
    names = {"ARCH": "x86_64", "SYSCALL": "open", "UID": "root"}

    body = one.body(b"SYSCALL", {"success": "yes", "tty": "x", "ARGV": ["0x0"], **names})

    assert b"arch=c000003e syscall=2 success=yes a0=0 uid=0 tty=x\x1d" in body
    assert losses.values + losses.inexact == 0


def test_what_names_do_not_tell_is_counted() -> None:
    """A user's number cannot be told from the name; each time it is counted."""
    one, losses = reverter()

    for _ in range(2):
        body = one.body(b"PATH", {"item": 0, "OUID": "alice"})

    assert body == b'item=0\x1dOUID="alice"'
    assert losses.values == 2


def test_unwritable_values_are_counted() -> None:
    """A value that no record can have leaves something near, and a count."""
    one, losses = reverter()

    one.body(b"PATH", {"item": {"a": 1}, "name": 1.5, "x": True})

    assert losses.inexact == 1


@pytest.mark.parametrize("prefix", [b"x_", b"laurel."])
def test_prefix(prefix: bytes) -> None:
    """Added keys are known by their prefix, and lose it."""
    options = RecordOptions(prefix=prefix, look_up_pids=False, user_name=ALL_NAMES.user_name)
    one, losses = reverter(options)
    rendered = RecordRenderer(options).render_generally(b"PATH", b"item=0 ouid=7 rdev=00:00")

    body = one.body(b"PATH", orjson.loads(rendered.text))

    assert b"item=0 ouid=7 rdev=00:00\x1dOUID=" + b'u"7\xff'.hex().upper().encode() == body
    assert Losses() == losses


def test_memory_is_bounded() -> None:
    """However many different records there are, few are remembered."""
    one, _ = reverter()
    for number in range(record_reverter.MOST_REMEMBERED + 2):
        one.body(b"CWD", {"cwd": str(number)})

    assert len(one._remembered) <= record_reverter.MOST_REMEMBERED
