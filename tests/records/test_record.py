"""Records as objects: both ways of rendering them, and every shape of its own that a record has."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records.record import (
    LAYOUTS_PER_TYPE,
    MARK,
    MOST_REPLACED,
    MOST_TYPES,
    LookUp,
    RecordRenderer,
    Rendered,
)
from laurel_mp.records.record_options import RecordOptions
from tests.support.corpus import corpus_files, corpus_name
from tests.support.decoding import parse
from tests.support.records import (
    ALL_NAMES,
    OPTIONS,
    UNHURRIED,
    Record,
    group_name,
    records_of,
    similar_records,
    user_name,
)

EACH_OPTION = [
    RecordOptions(),
    ALL_NAMES,
    RecordOptions(True, user_name, group_name, drop_raw=True, prefix=b"x_", big_endian=True),
    RecordOptions(user_name=user_name, group_name=group_name, drop_raw=True, look_up_pids=False),
]


def shown(name: bytes, body: bytes, options: RecordOptions | None = None) -> Any:
    """A record's object, without what the tracker adds."""
    rendered = RecordRenderer(options or RecordOptions()).render(name, body)
    return parse(rendered.text.replace(MARK, b""))


def check(rendered: Rendered) -> None:
    """Valid JSON once the marks are filled in, and a mark for each look."""
    text = rendered.text
    assert len(rendered.look_ups) == text.count(MARK)
    assert b"\n" not in text
    for look in rendered.look_ups:
        text = text.replace(MARK, b',"%b":{}' % look.key, 1)
    parse(text)


@pytest.mark.parametrize("options", EACH_OPTION, ids=["default", "names", "all", "drop"])
@pytest.mark.parametrize("path", corpus_files(), ids=corpus_name)
def test_both_ways_agree_on_the_corpus(path: Path, options: RecordOptions) -> None:
    """Learned layouts render every real record as the general grammar does."""
    renderer, general = RecordRenderer(options), RecordRenderer(options)

    records = records_of(path)
    if options != EACH_OPTION[0]:  # some of a large capture, evenly
        records = records[:: 1 + len(records) // 3_000]
    for name, body in records:
        assert general.render_generally(name, body) == renderer.render(name, body)


@UNHURRIED
@given(similar_records(), OPTIONS)
def test_both_ways_agree(records: list[Record], options: RecordOptions) -> None:
    """Learned layouts render made-up records as the general grammar does."""
    renderer, general = RecordRenderer(options), RecordRenderer(options)

    for name, body in records * 2:
        expected = general.render_generally(name, body)
        assert expected == renderer.render(name, body)
        check(expected)


@UNHURRIED
@given(
    st.sampled_from([b"USER", b"PATH", b"AVC", b"PROCTITLE", b"SOCKADDR", b"ODD"]),
    st.binary().map(lambda body: body.replace(b"\n", b"").strip(b" ")),
    OPTIONS,
)
def test_any_bytes(name: bytes, body: bytes, options: RecordOptions) -> None:
    """No body makes rendering fail, or the output invalid."""
    check(RecordRenderer(options).render(name, body))


@UNHURRIED
@given(similar_records(), OPTIONS)
def test_nothing_of_a_record_is_lost(records: list[Record], options: RecordOptions) -> None:
    """Every word of five letters or more is in the output, if nothing is replaced."""
    name, body = records[0]
    text = RecordRenderer(RecordOptions(prefix=options.prefix)).render_generally(name, body).text

    for word in re.findall(rb"[g-zG-Z]{5,}", body.replace(b"policy loaded", b"")):
        if word != b"proctitle":
            assert word.lower() in text.lower()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'avc:  denied  { read write } for  pid=7 comm="x" scontext=u:r:t:s0 permissive=1',
            {"denied": ["read", "write"], "pid": 7, "comm": "x", "scontext": "u:r:t:s0",
             "permissive": 1},
        ),
        (
            b'apparmor="DENIED" operation="open" info="same as current, skipping" name=2F61 pid=1',
            {"apparmor": "DENIED", "operation": "open", "info": "same as current, skipping",
             "name": "/a", "pid": 1},
        ),
        (b"subj==unconfined key=(null)", {"subj": "=unconfined", "key": None}),
        (b"subj==/usr/sbin/ntpd (enforce) key=41", {"subj": "=/usr/sbin/ntpd (enforce)",
                                                    "key": "A"}),
        (b"policy loaded auid=1 ses=2", {"auid": 1, "ses": 2}),
        (b"netlabel: auid=1", {"netlabel": None, "auid": 1}),
        (b"tty pid=1 data=6C730A", {"pid": 1, "data": "ls%0a"}),
        (b"_hidden=1 .dotted=2 key=(null)", {"_hidden": "1", ".dotted": "2", "key": None}),
        (b'res=1 "unbalanced', {"res": '1 "unbalanced'}),
        (b'name="a" stray name2=b', {"name": "a", "name2": "b", "UNPARSED": "stray"}),
        (b"key=1 key=2", {"key": ["1", "2"]}),
        (b"key=6D756C7469016B657973", {"key": "multi%01keys"}),
        (b"domain=1c1874266 blockers=net.bind_tcp saddr=127.0.0.1 src=12345",
         {"domain": "1c1874266", "blockers": "net.bind_tcp", "saddr": "127.0.0.1", "src": "12345"}),
        (b"oflag=0x42 mode=0600", {"oflag": "0x42", "mode": "0o600"}),
        (b"oflag=02000000 mode=00 resolve=0x8",
         {"oflag": "02000000", "mode": "0o0", "resolve": "0x8"}),
        (b'opid=5 oauid=-1 ouid=0 oses=-1 ocomm="pyx"',
         {"opid": 5, "oauid": -1, "ouid": 0, "oses": -1, "ocomm": "pyx"}),
        (b"table=t5 tab:2 family=2", {"table": "t5 tab:2", "family": 2}),
        (b"", {}),
    ],
)  # fmt: skip
def test_kernel_records(body: bytes, expected: dict[str, Any]) -> None:
    """Kernels write fields with quotes and without, and words in front, between and behind."""
    assert expected == shown(b"AVC", body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b"pid=1 uid=0 msg='op=x uid=1000 pid=2 acct=\"bob smith\" exe=\"/a\" res=success'",
            {"pid": 1, "uid": 0,
             "msg": {"op": "x", "uid": 1000, "pid": 2, "acct": "bob smith", "exe": "/a",
                     "res": "success"}},
        ),
        (
            b"pid=1 msg='op=t6 forged' type=SYSCALL msg=audit(1.000:1): x=''",
            {"pid": 1, "msg": {"op": "t6 forged'", "type": "SYSCALL", "msg": "audit(1.000:1):",
                               "x": "'"}},
        ),
        (b"pid=1 msg='\x01\r\x1b[0m\xff'", {"pid": 1, "msg": {"UNPARSED": "%01%0d%1b[0m%ff"}}),
        (b"pid=1 msg='a=\x1dUID=\"root\"'", {"pid": 1, "msg": {"a": '%1dUID="root"'}}),
        (b"pid=1 uid=0 ses=4294967295 data=6C73", {"pid": 1, "uid": 0, "ses": 4294967295,
                                                   "data": "ls"}),
        (b"pid=1 uid=0 msg='op=x uid=1000 ter", {"pid": 1, "uid": 0,
                                                 "msg": {"op": "x", "uid": "1000 ter"}}),
    ],
)  # fmt: skip
def test_user_space_records(body: bytes, expected: dict[str, Any]) -> None:
    """The message is an object of its own, and never gets among the kernel's fields."""
    assert expected == shown(b"USER", body)


def test_daemon_records() -> None:
    """Auditd's own have no message, but translations like the others."""
    body = b'op=start ver=3.0.9 format=enriched auid=0 subj= res=success\x1dAUID="root"'

    expected = {"op": "start", "ver": "3.0.9", "format": "enriched", "auid": 0, "subj": None,
                "res": "success", "AUID": "root"}  # fmt: skip
    assert expected == shown(b"DAEMON_START", body)


SOCKET = b"saddr=020014E97F000001"
INET = {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 5353}


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (b"SOCKADDR", SOCKET, {"SADDR": INET}),
        (b"SOCKADDR", SOCKET + b"\x1dSADDR={ saddr_fam=inet laddr=1.2.3.4 }", {"SADDR": INET}),
        (b"SOCKADDR", b"saddr=FFFF00", {"saddr": "%ff%ff%00"}),
        (b"UNKNOWN[1423]", b"saddr=127.0.0.1\x1dSADDR=unknown-family(28690)",
         {"saddr": "127.0.0.1", "SADDR": "unknown-family(28690)"}),
        (b"URINGOP", b"uring_op=18 exit=0", {"exit": 0, "URING_OP": "openat"}),
        (b"URINGOP", b"uring_op=999", {"uring_op": 999}),
        (b"SECCOMP", b"sig=31 arch=c000003e syscall=110\x1dARCH=x86_64 SYSCALL=unknown-syscall(-1)",
         {"sig": 31, "ARCH": "x86_64", "SYSCALL": "getppid"}),
        (b"IPC", b'ouid=7 ogid=8 mode=0600\x1dOUID="x" OGID="y"',
         {"mode": "0o600", "OUID": 'u"7%ff', "OGID": "g 8"}),
        (b"OBJ_PID", b"opid=1 oauid=-1 oses=-1", {"opid": 1, "oses": -1, "OAUID": "unset"}),
        (b"IPC", b"ouid=1 ouid=2", {"OUID": ['u"1%ff', 'u"2%ff']}),
        (b"IPC", b"ouid=1 ouid=x", {"ouid": "x", "OUID": 'u"1%ff'}),
        (b"USER", b"uid=1 msg='uid=2'", {"UID": 'u"1%ff', "msg": {"uid": 2}}),
    ],
)  # fmt: skip
def test_translations_without_the_raw_value(
    name: bytes, body: bytes, expected: dict[str, Any]
) -> None:
    """Ours replace auditd's, where we have one; only what was translated is left out."""
    options = RecordOptions(True, user_name, group_name, drop_raw=True)

    assert expected == shown(name, body, options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(), {"ouid": 7, "saddr": "x", "OUID": "a", "SADDR": "b"}),
        (RecordOptions(prefix=b"x_"), {"ouid": 7, "saddr": "x", "x_ouid": "a", "x_saddr": "b"}),
        (RecordOptions(user_name=user_name, prefix=b"x_"),
         {"ouid": 7, "saddr": "x", "x_ouid": 'u"7%ff', "x_saddr": "b"}),
        (RecordOptions(user_name=user_name), {"ouid": 7, "saddr": "x", "OUID": 'u"7%ff',
                                              "SADDR": "b"}),
        (RecordOptions(universal=True), {"ouid": 7, "saddr": "x", "OUID": "a", "SADDR": "b"}),
    ],
)  # fmt: skip
def test_keys_of_translations(options: RecordOptions, expected: dict[str, Any]) -> None:
    """In upper case or with the prefix, auditd's too, and never the same key twice."""
    body = b'ouid=7 saddr="x"\x1dOUID="a" SADDR=b'

    assert expected == shown(b"SOCKADDR", body, options)


def test_what_is_added_stands_behind_the_raw_fields() -> None:
    """Ours first, then those of auditd that we did not replace."""
    text = RecordRenderer(ALL_NAMES).render(b"IPC", b'ouid=1 mode=00\x1dX=y OUID="a"').text

    expected = rb'{"ouid":1,"mode":"0o0","OUID":"u\"1%ff","X":"y"}'
    assert expected == text


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (b"OBJ_PID", b'opid=5 ocomm="x"', [(b"OPID", b"5")]),
        (b"USER", b"pid=1 msg='pid=2'", [(b"PID", b"1")]),
        (b"URINGOP", b"ppid=1 pid=2", [(b"PPID", b"1"), (b"PID", b"2")]),
        (b"OBJ_PID", b"opid=5 opid=6", [(b"OPID", b"5")]),
        (b"OBJ_PID", b"opid=5 OPID=6", []),
        (b"OBJ_PID", b'opid=5\x1dOPID="x"', []),
        (b"OBJ_PID", b"opid=-1", []),
        (b"OBJ_PID", b"opid=", []),
        (b"OBJ_PID", b'opid="5"', []),
        (b"SYSCALL", b"ppid=1 pid=2", []),
    ],
)  # fmt: skip
def test_look_ups(name: bytes, body: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    """The tracker is asked about each process that a record names, but not on a sender's word."""
    renderer = RecordRenderer(RecordOptions())

    look_ups = tuple(LookUp(key, pid) for key, pid in expected)
    assert look_ups == renderer.render(name, body).look_ups
    assert look_ups == renderer.render(name, body).look_ups


def test_no_more_layouts_than_there_is_room_for() -> None:
    """Made-up keys replace the oldest layouts, and after a limit none at all."""
    renderer = RecordRenderer(RecordOptions())
    renderer.layouts_replaced = MOST_REPLACED - 3
    for number in range(LAYOUTS_PER_TYPE + 10):
        renderer.render(b"NETFILTER_CFG", b"x%d=1" % number)

    assert renderer.layouts_replaced == MOST_REPLACED
    assert len(renderer._layouts[b"NETFILTER_CFG"]) == LAYOUTS_PER_TYPE


def test_no_more_types_than_there_is_room_for() -> None:
    """Made-up types of records are rendered, but not learned."""
    renderer = RecordRenderer(RecordOptions())
    renderer._layouts = {b"T%d" % number: [] for number in range(MOST_TYPES)}
    expected = dict(renderer._layouts)

    renderer.render(b"UNKNOWN[1999]", b"a=1")
    assert expected == renderer._layouts
