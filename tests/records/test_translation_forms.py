"""auditd's translations behind another separator than its own, and behind none."""

import pytest

from laurel_mp.records.enriched import canonical, split

SEPARATORS = (b"\x1d", b" ", b"#035", b"^]", b"\\x1d", b"\\035", b"")

KERNEL = [
    (b'items=1 uid=0 key="exec"', b'ARCH=x86_64 SYSCALL=execve AUID="alice" UID="root"'),
    (b"items=1 uid=0 key=(null)", b'ARCH=x86_64 SYSCALL=unknown-syscall(999) AUID="unset"'),
    (b"ouid=0 cap_frootid=0", b'OUID="root" OGID="root"'),
    (b"ouid=0 nametype=NORMAL", b'OUID="root" OGID="unknown(1234)"'),
    (b'name="x ARCH=a#035UID=b" nametype=CREATE', b'OUID="a b" OGID="c"'),
    (b"saddr=01002F780A", b"SADDR={ saddr_fam=local path=/x }"),
    (b"saddr=01002F780A", b'SADDR={ saddr_fam=local path=/x" UID="root }'),
    (b"saddr=01002F780A", b"SADDR={ saddr_fam=local path=\x1dUID=x }"),
    (b"saddr=127.0.0.1 src=12345", b"SADDR=unknown-family(28690)"),
    (b"uid=0 data=6C730A", b'UID="root" AUID="unset"'),
    (b"uid=0 data=6C730A", b'AUID="root" UID="unset"'),
    (b"auid=0 ses=1 res=1", b'AUID="root"'),
    (b"uid=0 old-auid=1 res=1", b'UID="root" OLD-AUID="unset" AUID="x"'),
    (b"obj_uid=0 obj_gid=0 inode_uid=1", b'OBJ_UID="a" OBJ_GID="b" INODE_UID="c"'),
    (b"auid=0 uid=0 sig=31 arch=c000003e compat=0 code=0x0", b'AUID="a" UID="b" ARCH=i386'),
    (b"op=start ver=4.0 auid=0 res=success", b'AUID="root" UID="root"'),
]

MESSAGES = [
    (b"pid=1 uid=0 msg='op=login res=failed'", b'UID="root" AUID="unset"'),
    (b"pid=1 uid=0 msg='op=id id=0 res=success'", b'UID="root" AUID="unset" ID="root"'),
    (b"pid=1 msg='avc:  denied  { x } for sauid=81'", b'UID="dbus" SAUID="dbus"'),
    (b"msg=''", b'NEW-KEY="x"'),
    (b'msg=\'op=x acct="x\' UID="evil" y" res=no\'', b'UID="root"'),
    (b"msg='op=x acct=\"x'#035UID=\"evil\"' y\" res=no'", b'UID="root"'),
    (b"msg='op=x'\x1dUID=\"evil\" res=no'", b'UID="root"'),
]


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize(("raw", "translations"), KERNEL)
def test_kernel_record(raw: bytes, translations: bytes, separator: bytes) -> None:
    """The translations are the longest end of a record that consists of translations."""
    body = raw + separator + translations

    assert (raw, translations) == split(body, kernel=True)
    assert raw + b"\x1d" + translations == canonical(body)


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize(("raw", "translations"), MESSAGES)
def test_message(raw: bytes, translations: bytes, separator: bytes) -> None:
    """A message ends at the last quote that is followed by translations."""
    assert (raw, translations) == split(raw + separator + translations, kernel=False)


@pytest.mark.parametrize("raw", [raw for raw, _ in MESSAGES])
def test_without_translations_a_message_ends_with_the_record(raw: bytes) -> None:
    """All that looks like translations within the kernel's quotes is the sender's."""
    assert (raw, b"") == split(raw, kernel=False)


@pytest.mark.parametrize(
    "body",
    [
        b'name="a ARCH=b"',
        b'name="a#035ARCH=b"',
        b'name="x" UID="a" b=1',
        b'comm="cut UID=x',
        b'a=UID="x"',
        b"exe=ARCH=x",
        b'PPID="x"',
        b'b=1 PPID="x"',
        b"b=1 FOO=x",
        b"b=1 UID=a/b",
        b'b=1 UID="a"b',
        b"name=(null)",
    ],
)
def test_what_is_no_translation(body: bytes) -> None:
    """Text in quotes, keys that auditd does not write, and translations that others follow."""
    assert (body, b"") == split(body, kernel=True)
    assert body == canonical(body)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_cut_records_keep_their_raw_part(separator: bytes) -> None:
    """A record that was cut within its translations is split where it would be split whole."""
    raw, translations = b"uid=0 key=(null)", b'ARCH=x86_64 SYSCALL=open AUID="alice" UID="a"'
    body = raw + separator + translations
    for end in range(len(raw) + len(separator) + len(b"ARCH=x"), len(body)):
        assert (raw, body[len(raw + separator) : end].rstrip(b" ")) == split(
            body[:end].rstrip(b" "), kernel=True
        )


def test_forgery_needs_a_cut_record() -> None:
    """Without the kernel's quote, text of the sender can look like auditd's."""
    forged = b"msg='op=x acct=y' UID=\"evil\""
    believed = (b"msg='op=x acct=y'", b'UID="evil"')

    assert believed == split(forged, kernel=False)
    assert (forged + b"'", b"") == split(forged + b"'", kernel=False)
    assert (forged + b" res=no", b"") == split(forged + b" res=no", kernel=False)


@pytest.mark.parametrize(
    "body",
    [
        b'a=1 UID="x"' * 50_000,
        b'"UID="' * 50_000,
        b" UID=" * 50_000 + b"~",
        b"SADDR={" * 50_000,
        b" " * 200_000 + b"UID=~",
        b'a=A"' * 50_000 + b"UID=~",
    ],
)
def test_time_grows_with_the_length_only(body: bytes) -> None:
    """A hostile record of some hundred kilobytes takes no longer than any other."""
    split(body, kernel=True)
    split(b"msg='' " + body, kernel=False)
    split(b"msg='" + body.replace(b"=", b"' UID=") + b"' ~", kernel=False)
