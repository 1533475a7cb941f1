"""auditd's own translations: where they begin, and what in them is not to be trusted."""

import pytest

from laurel_mp.records.enriched import canonical, parse_translations, render, split
from laurel_mp.records.fields import Field, Form


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'uid=0\x1dUID="root"', (b"uid=0", b'UID="root"')),
        (b"uid=0", (b"uid=0", b"")),
        (b"uid=0\x1d", (b"uid=0", b"")),
        (b"saddr=01\x1dSADDR={ a\x1dARCH=x }", (b"saddr=01", b"SADDR={ a\x1dARCH=x }")),
    ],
)
def test_kernel_records_are_split_at_the_first_separator(
    body: bytes, expected: tuple[bytes, bytes]
) -> None:
    """The kernel writes strings with such bytes in hex, so what follows may hold any."""
    assert expected == split(body, kernel=True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"uid=0 msg='op=x'\x1dUID=\"root\"", (b"uid=0 msg='op=x'", b'UID="root"')),
        (b"msg='a\x1db'\x1dUID=\"root\" ID=\"x y\"", (b"msg='a\x1db'", b'UID="root" ID="x y"')),
        (b"msg='op=x'\x1d", (b"msg='op=x'", b"")),
        (b"msg='op=x'", (b"msg='op=x'", b"")),
        (b"msg='x'\x1dUID=\"root\"'\x1dUID=\"bob\"", (b"msg='x'\x1dUID=\"root\"'", b'UID="bob"')),
        (b'uid=0 res=success\x1dUID="root"', (b"uid=0 res=success", b'UID="root"')),
    ],
)  # fmt: skip
def test_user_records_are_split_behind_the_last_quote(
    body: bytes, expected: tuple[bytes, bytes]
) -> None:
    """The sender may have written separators; the kernel's quote closes what is the sender's."""
    assert expected == split(body, kernel=False)


@pytest.mark.parametrize(
    "body",
    [b"msg='x'\x1dUID=\"root\"'", b"msg='x'\x1duid=0'", b"msg='x\x1dUID=\"root\"'", b"msg='\x1d'"],
)
def test_a_forged_separator_is_part_of_the_message(body: bytes) -> None:
    """In RAW there are no translations: what looks like some ends with the kernel's quote."""
    expected = (body, b"")

    assert expected == split(body, kernel=False)


@pytest.mark.parametrize(
    "path",
    [b"/tmp/x", b'/tmp/} AUID="root"', b"\x1dARCH=bogus", b"abstract \x1d\xff", b"SADDR={ b"],
)
def test_a_socket_path_takes_the_rest_of_the_line(path: bytes) -> None:
    """The path of a socket is its owner's, who cannot add a translation with it."""
    text = b"{ saddr_fam=local path=" + path + b" }"
    expected = [Field(b"AUID", Form.QUOTED, b"bob"), Field(b"SADDR", Form.BRACED, text)]

    assert expected == parse_translations(b'AUID="bob" SADDR=' + text + b" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'AUID="unset"', b'"unset"'),
        (b"UID=C3A4", '"ä"'.encode()),
        (b"SYSCALL=unknown-syscall(-1)", b'"unknown-syscall(-1)"'),
        (b"ARCH=ABBA", b'"ABBA"'),
        (b"SADDR=unknown-family(28690)", b'"unknown-family(28690)"'),
        (b'OGID="unknown(54321)"', b'"unknown(54321)"'),
    ],
)
def test_values(text: bytes, expected: bytes) -> None:
    """Names of users and groups may be in hex, all else is text."""
    (field,) = parse_translations(text)

    assert expected == render(field)


@pytest.mark.parametrize(
    "body",
    [
        b"pid=SADDR={ x SADDR=?",
        b"saddr=0100 SADDR={ x\x1dSADDR=?",
        b'key="a" ARCH=x86_64 SYSCALL=execve AUID="a"',
        b'res=1#035AUID="a"\x1dUID="b"',
    ],
)
def test_canonical_bodies_stay_as_they_are(body: bytes) -> None:
    """A body that has the separator is not given another one."""
    once = canonical(body)

    assert once == canonical(once)
