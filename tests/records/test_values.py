"""Kinds of values by their field, and their rendering."""

import pytest

from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.values import class_of, is_decimal, render_field, text_of


def shown(text: bytes) -> bytes:
    """The JSON for one `key=value`."""
    (field,) = parse(text)
    return render_field(field)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"pid=17", b"17"),
        (b"exit=-14", b"-14"),
        (b"oauid=-1", b"-1"),
        (b"auid=4294967295", b"4294967295"),
        (b"exit=-9223372036854775808", b"-9223372036854775808"),
        (b"inode=9223372036854775807", b"9223372036854775807"),
        (b"inode=18446744073709551615", b"18446744073709551615"),
        (b"inode=18446744073709551616", b'"18446744073709551616"'),
        (b"exit=-9223372036854775809", b'"-9223372036854775809"'),
        (b"ses=?", b'"?"'),
        (b"inode=(null)", b'"(null)"'),
        (b"res=success", b'"success"'),
        (b"pid=007", b'"007"'),
        (b"pid=-0", b'"-0"'),
        (b'pid="17"', b'"17"'),
        (b"made-up-uid=3", b"3"),
        (b"made-up-gid=3", b"3"),
    ],
)
def test_decimal(text: bytes, expected: bytes) -> None:
    """A number of 64 bits with sign, written as JSON does, is a number; all else is text."""
    assert expected == shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"arch=c000003e", b'"0xc000003e"'),
        (b"qbytes=0", b'"0x0"'),
        (b"cap_fp=000001ffffffffff", b'"0x1ffffffffff"'),
        (b"flags=0x22", b'"0x22"'),
        (b"code=0xABCD", b'"0xabcd"'),
        (b"cap_fp=ffffffffffffffff", b'"0xffffffffffffffff"'),
        (b"cap_fp=10000000000000000", b'"10000000000000000"'),
        (b"cap_fver=?", b'"?"'),
        (b"fan_info=3F", b'"0x3f"'),
        (b"fan_info=0", b'"0x0"'),
    ],
)
def test_hexadecimal(text: bytes, expected: bytes) -> None:
    """Hexadecimal numbers of 64 bits have `0x`, lower case and no leading zeros."""
    assert expected == shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"mode=0100755", b'"0o100755"'),
        (b"mode=00", b'"0o0"'),
        (b"mode=1777777777777777777777", b'"0o1777777777777777777777"'),
        (b"mode=2777777777777777777777", b'"2777777777777777777777"'),
        (b"mode=enforcing", b'"enforcing"'),
    ],
)
def test_octal(text: bytes, expected: bytes) -> None:
    """Modes have `0o`; Landlock's `mode=enforcing` is text."""
    assert expected == shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'name="a b"', b'"a b"'),
        (b"name=612062", b'"a b"'),
        (b"profile=74657374207370616365", b'"test space"'),
        (b"info=6120", b'"a "'),
        (b"root_dir=2F61", b'"/a"'),
        (b"denied_mask=7263", b'"rc"'),
        (b"name=(null)", b"null"),
        (b"hostname=?", b"null"),
        (b"exe=?", b"null"),
        (b'name="(null)"', b'"(null)"'),
        (b'name="DEADBEEF"', b'"DEADBEEF"'),
        (b"name=612", b'"612"'),
        (b"name=61zz", b'"61zz"'),
        (b"name=6a", b'"6a"'),
        (b'exe="<too_long>"', b'"<too_long>"'),
        (b"exe=2F62696E2F6C73202864656C6574656429", b'"/bin/ls (deleted)"'),
        (b"key=6D756C7469016B657973", b'"multi%01keys"'),
        (b"cwd=FF", b'"%ff"'),
        (b'comm=""', b'""'),
    ],
)
def test_encoded(text: bytes, expected: bytes) -> None:
    """In quotes a value is what it is; without them it is hex, or no value."""
    assert expected == shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"op=ADDED0", b'"ADDED0"'),
        (b"terminal=ABBA", b'"ABBA"'),
        (b"tty=(none)", b'"(none)"'),
        (b"dev=fe:00", b'"fe:00"'),
        (b"oflag=0x42", b'"0x42"'),
        (b"oflag=02000000", b'"02000000"'),
        (b"oflag=42", b"42"),
        (b"id=-1", b"-1"),
        (b"subj=?", b"null"),
        (b"subj=(null)", b"null"),
        (b"subj=?x", b'"?x"'),
        (b'terminal="?"', b'"?"'),
        (b"old=?", b'"?"'),
    ],
)
def test_text_and_numeric(text: bytes, expected: bytes) -> None:
    """Words are never taken for hex; `oflag` is hexadecimal in MQ_OPEN and octal in OPENAT2."""
    assert expected == shown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"unheard=FEFF", b'"%fe%ff"'),
        (b"unheard=4A", b'"J"'),
        (b"unheard=1234", b'"1234"'),
        (b"unheard=ABC", b'"ABC"'),
        (b"unheard=abcd", b'"abcd"'),
        (b'unheard="4A"', b'"4A"'),
        (b"unheard=?", b"null"),
        (b"unheard=(null)", b"null"),
        (b'unheard="?"', b'"?"'),
    ],
)
def test_fields_without_a_class(text: bytes, expected: bytes) -> None:
    """Pairs of upper-case hex digits, with a letter among them, stand for bytes."""
    assert expected == shown(text)


@pytest.mark.parametrize("key", [b"pid", b"arch", b"mode", b"exe", b"op", b"dev", b"unheard"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"", b"null"), (b'""', b'""'), (b"'x y'", b'"x y"'), (b"{ a b }", b'"{ a b }"')],
)
def test_values_of_any_class(key: bytes, value: bytes, expected: bytes) -> None:
    """Nothing is `null`; what does not fit its class is text; braces are kept, quotes are not."""
    assert expected == shown(key + b"=" + value)


@pytest.mark.parametrize(
    ("key", "expected"), [(b"exe", "encoded"), (b"new-xuid", "decimal"), (b"unheard", "")]
)
def test_classes(key: bytes, expected: str) -> None:
    """Fields have the class of the table; other names that end in uid or gid are decimal."""
    assert expected == class_of(key)


def test_decimals_are_those_of_json() -> None:
    """No leading zeros, no plus sign, no more than 64 bits."""
    texts = b"0 -1 10 00 01 -0 +1 1. 9223372036854775807 -9223372036854775809".split()

    expected = [b"0", b"-1", b"10", b"9223372036854775807"]
    assert expected == [text for text in texts if is_decimal(text)]


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (Form.QUOTED, b"41", b"41"),
        (Form.BARE, b"41", b"A"),
        (Form.BARE, b"x", b"x"),
        (Form.BARE, b"(null)", None),
        (Form.BARE, b"", None),
    ],
)
def test_text_of(form: Form, text: bytes, expected: bytes | None) -> None:
    """The bytes of an encoded value can be had, or None if it has none."""
    assert expected == text_of(Field(b"x", form, text))
