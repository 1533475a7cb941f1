"""A layout accepts records of its keys and kinds, and leaves others to the general grammar."""

from collections.abc import Callable

import pytest

from laurel_mp.records.enriched import parse_translations, split
from laurel_mp.records.fields import parse
from laurel_mp.records.layouts import Layout, compile_layout
from laurel_mp.records.record_options import RecordOptions


def no_names(_key: bytes) -> None:
    """Translate nothing."""


def layout_of(
    body: bytes,
    options: RecordOptions | None = None,
    name_of: Callable[[bytes], Callable[[int], bytes] | None] = no_names,
) -> Layout | None:
    """The layout of a kernel record."""
    raw, translations = split(body, kernel=True)
    return compile_layout(
        parse(raw), parse_translations(translations), options or RecordOptions(), name_of
    )


def learned(body: bytes) -> Layout:
    """The layout of a record that must have one."""
    layout = layout_of(body)
    assert layout is not None
    return layout


RECORD = b'item=0 name="/bin/ls" mode=0100755 cap_fp=0 nametype=NORMAL x=AB key=(null)'


def test_a_record_is_rendered_by_its_layout() -> None:
    """Each kind of value has its template."""
    layout = learned(RECORD)
    groups = layout.match(RECORD)
    assert groups is not None

    expected = (
        b'"item":0,"name":"/bin/ls","mode":"0o100755","cap_fp":"0x0","nametype":"NORMAL",'
        b'"x":"%ab","key":null'
    )
    assert (expected, b"") == layout.render(groups)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"item=0", b"item=-17"),
        (b'"/bin/ls"', b'"/some where {}"'),
        (b"0100755", b"00"),
        (b"cap_fp=0", b"cap_fp=00ffffffffffffffff"),
        (b"NORMAL", b"UNKNOWN"),
        (b"x=AB", b"x=00FF"),
    ],
)
def test_a_layout_takes_other_values(old: bytes, new: bytes) -> None:
    """Values of the same kind make the same layout."""
    assert learned(RECORD).match(RECORD.replace(old, new)) is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"item=0", b"item=00"),
        (b"item=0", b"item=-0"),
        (b"item=0", b"item=1234567890123456789"),
        (b"item=0", b'item="0"'),
        (b"item=0 ", b"item=0  "),
        (b"item=0", b"x item=0"),
        (b'"/bin/ls"', b"2F62696E"),
        (b'"/bin/ls"', b"(null)"),
        (b'"/bin/ls"', b'"/50%"'),
        (b'"/bin/ls"', b'"a" b"'),
        (b'"/bin/ls"', b'"/bin/\xc3\xa4"'),
        (b'"/bin/ls"', b'"\x00"'),
        (b"0100755", b"0100855"),
        (b"0100755", b"enforcing"),
        (b"cap_fp=0", b"cap_fp=FF"),
        (b"cap_fp=0", b"cap_fp=?"),
        (b"NORMAL", b"TWO WORDS"),
        (b"NORMAL", b"'quoted'"),
        (b"NORMAL", b""),
        (b"x=AB", b"x=12"),
        (b"x=AB", b"x=ABC"),
        (b"(null)", b"?"),
        (b"key=", b"kex="),
        (b"key=(null)", b'key=(null)\x1dUID="root"'),
    ],
)
def test_a_layout_refuses_what_reads_otherwise(old: bytes, new: bytes) -> None:
    """Whatever makes another kind of value, needs encoding, or moves a field is not for it."""
    assert learned(RECORD).match(RECORD.replace(old, new, 1)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"stray",
        b"a=1 a=2",
        b"a=b c",
        b"msg='x y'",
        b"SADDR={ x }",
        b"pid=one",
        b"exe=plain",
        b'uid=0\x1dUID="a" UID="b"',
        b'uid=0 UID=1\x1dUID="a"',
        b"uid=0\x1dstray",
    ],
)
def test_records_without_a_layout(body: bytes) -> None:
    """Repeated keys, stray words, and values that need a look each time stay with the grammar."""
    layout = layout_of(body)

    assert layout is None or layout.match(body) is None


def test_translations_are_matched_too() -> None:
    """Auditd's are kept behind the raw fields."""
    body = b'ouid=0 ogid=5\x1dOUID="root" OGID=C3A4'
    layout = learned(body)
    groups = layout.match(body)
    assert groups is not None

    expected = (b'"ouid":0,"ogid":5', ',"OUID":"root","OGID":"ä"'.encode())
    assert expected == layout.render(groups)


def names(_key: bytes) -> Callable[[int], bytes]:
    """Translate everything."""
    return lambda number: b"n%d" % number


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(), (b'"ouid":0', b',"OUID":"n0"')),
        (RecordOptions(prefix=b"x_"), (b'"ouid":0', b',"x_ouid":"n0"')),
    ],
)
def test_our_translations_replace_auditds(
    options: RecordOptions, expected: tuple[bytes, bytes]
) -> None:
    """There is one for each field, ours if there are two."""
    body = b'ouid=0\x1dOUID="root"'
    layout = layout_of(body, options, names)
    assert layout is not None
    groups = layout.match(body)
    assert groups is not None

    assert expected == layout.render(groups)


def test_what_drop_raw_leaves_empty_has_no_layout() -> None:
    """There would be a comma with nothing in front of it."""
    assert layout_of(b"ouid=0 ogid=0", RecordOptions(drop_raw=True), names) is None
