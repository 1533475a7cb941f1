"""Records to try renderers with: real ones, and what hypothesis makes of them."""

import functools
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from laurel_mp.records.header import LINE
from laurel_mp.records.record_options import RecordOptions
from tests.support.corpus import corpus_bytes, corpus_files

Record = tuple[bytes, bytes]
"""Type, and body without blanks around it."""

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties of records: the first one waits for the corpus, others for a layout."""


def user_name(uid: int) -> bytes:
    """Stands in for the user database; names may hold any byte."""
    return b"unset" if uid in (-1, 0xFFFFFFFF) else b'u"%d\xff' % uid


def group_name(gid: int) -> bytes:
    """The same for groups."""
    return b"g %d" % gid


ALL_NAMES = RecordOptions(universal=True, user_name=user_name, group_name=group_name)

OPTIONS = st.builds(
    replace,
    st.sampled_from([RecordOptions(), RecordOptions(user_name=user_name, group_name=group_name)]),
    universal=st.booleans(),
    drop_raw=st.booleans(),
    # The second one makes keys that records have by themselves: `uid` becomes `euid`.
    prefix=st.sampled_from([None, b"e", b"x_"]),
    look_up_pids=st.booleans(),
    big_endian=st.booleans(),
)


@functools.lru_cache(maxsize=1)  # of all captures they take a gigabyte
def records_of(path: Path) -> list[Record]:
    """All records of a capture but EOE, each different one once."""
    matches = LINE.finditer(corpus_bytes(path))
    records = [(match["type"], match["body"].strip(b" ")) for match in matches]
    return [record for record in dict.fromkeys(records) if record[0] != b"EOE"]


@functools.cache
def typical_records() -> list[Record]:
    """A few records for each list of keys that occurs in the corpus."""
    by_shape: dict[tuple[bytes, ...], list[Record]] = {}
    for path in corpus_files():
        for name, body in records_of(path):
            if len(body) < 2000:
                keys = [word.partition(b"=")[0] for word in body.split(b" ")]
                by_shape.setdefault((name, *keys[:30]), [(name, body)])
    return sorted(record for records in by_shape.values() for record in records)[:4000]


_ODD_WORDS = rb"""
? (null) "(null)" "" 0 -0 -1 007 00 000 0x0 0x1F 1234 0755 4294967295 9223372036854775807
9223372036854775808 -9223372036854775809 ffffffffffffffff 10000000000000000 1777777777777777777777
DEADBEEF ABC abcd C3A4 FF00 22 "a%b+c" "a a"b" { } \ a=b =x c000003e 59 0200
020014E97F0000010000000000000000
""".split()
_ODD_TEXTS = [
    b"", b'"a b"', b"'a b'", b"{ a b }", b"a b", b"\0", b"\x7f", b"\xff", b"\xc3\xa4",
    b'"\xc3\xa4"', b'x\x1dUID="u"', b"SADDR={ x", b'"x SADDR={ y"',
]  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from(_ODD_WORDS),
    st.sampled_from(_ODD_TEXTS),
    st.binary(max_size=6).map(lambda raw: raw.replace(b"\n", b" ")),
    st.from_regex(rb"[0-9A-F]{1,8}", fullmatch=True),
    st.from_regex(rb"-?[0-9]{1,20}", fullmatch=True),
)
_KEYS = st.sampled_from(
    b"""
    pid ppid opid PID uid ouid euid old-auid UID gid arch ARCH syscall saddr SADDR uring_op key x _x
    .x a0 a1[0] mode oflag msg proctitle success ID netlabel denied unparsed UNPARSED
    """.split()
)
_SEPARATORS = st.sampled_from(
    [b"", b" ", b"  ", b"\x1d", b" \x1d", b"\x1d ", b"'\x1d", b" stray ", b" x="]
)


@st.composite
def _mutated(draw: st.DrawFn, body: bytes) -> bytes:
    words = body.split(b" ")
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(words) - 1))
        change = draw(st.integers(0, 6))
        key, equals, _ = words[index].partition(b"=")
        if change <= 2:
            words[index] = key + equals + draw(_VALUES)
        elif change == 3:
            words.insert(index, draw(_KEYS) + b"=" + draw(_VALUES))
        elif change == 4:
            words[index] += draw(_SEPARATORS)
        elif change == 5 and len(words) > 1:
            del words[index]
        else:
            words.insert(index, draw(_SEPARATORS) + draw(_KEYS) + b"=" + draw(_VALUES))
    return b" ".join(words).strip(b" ")


_NAMES = st.sampled_from(
    [b"FOO", b"UNKNOWN[1423]", b"IPC", b"SOCKADDR", b"USER", b"PATH", b"LOGIN"]
)
_MADE_UP = st.lists(st.tuples(_KEYS, _VALUES), max_size=5).map(
    lambda fields: b" ".join(key + b"=" + value for key, value in fields).strip(b" ")
)


@st.composite
def similar_records(draw: st.DrawFn) -> list[Record]:
    """Some records of one type, most of them of nearly the same layout."""
    if draw(st.booleans()):
        name, body = draw(st.sampled_from(typical_records()))
    else:
        name, body = draw(_NAMES), draw(_MADE_UP)
    return [(name, draw(_mutated(body))) for _ in range(draw(st.integers(1, 4)))]


@st.composite
def similar_syscalls(draw: st.DrawFn) -> list[Record]:
    """The same for SYSCALL records."""
    syscalls = [record for record in typical_records() if record[0] == b"SYSCALL"]
    name, body = draw(st.sampled_from(syscalls))
    return [(name, draw(_mutated(body))) for _ in range(draw(st.integers(1, 4)))]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Lines of a few events, with and without an end, some of them with the same id."""
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(_event(draw(st.integers(1, 3))))
    return lines


@st.composite
def _event(draw: st.DrawFn, serial: int) -> list[bytes]:
    syscalls = [record for record in typical_records() if record[0] == b"SYSCALL"]
    records = [draw(st.sampled_from(syscalls))] if draw(st.integers(0, 3)) else []
    records += draw(st.lists(st.sampled_from(typical_records()), max_size=4))
    if draw(st.booleans()):
        records.append((b"PROCTITLE", b"proctitle=41"))
    if draw(st.integers(0, 9)) == 0:
        records = draw(st.permutations(records))
    if draw(st.booleans()):
        records.append((b"EOE", b""))
    node = draw(st.sampled_from([b"", b"node=a "]))
    return [
        node
        + b"type=%b msg=audit(1.000:%d): " % (name, serial)
        + (draw(_mutated(body)) if draw(st.integers(0, 3)) == 0 else body)
        + b"\n"
        for name, body in records
    ]
