"""Forms of lines with a prefix, as daemons write them."""

import re
import time

import pytest

from laurel_mp.records.line_forms import AUDIT, AUSEARCH, FORMS, Form, Recogniser

ID = b"audit(1490239800.477:34)"
RECORD = b"type=SYSCALL msg=" + ID + b": arch=c000003e key=(null)"
PRINTK = b'type=1400 audit(1490239800.477:34): apparmor="DENIED" pid=7'
KERNEL = b'type=1400 msg=audit(1490239800.477:34): apparmor="DENIED" pid=7'

# Form, prefix, node of a line that names none; "" for none.
PREFIXES = [
    ("syslog", b"Nov 30 12:00:01 web1 audispd: ", b"web1"),
    ("syslog", b"Nov  3 12:00:01 web1 audispd: ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"Nov 30 2026 12:00:01 web1 audispd: ", b"web1"),
    ("syslog", b"Nov 30 12:00:01.123456 web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"<29>Nov 30 12:00:01 10.0.0.7 audisp-syslog: ", b"10.0.0.7"),
    ("syslog", b"Nov 30 12:00:01 fe80::1 audispd: ", b"fe80::1"),
    ("syslog", b"Nov 30 12:00:01 web1 tag_audit_log:", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 tag_audit_log: ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 auditd ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 /sbin/audispd[7]: ", b"web1"),
    ("syslog", b"2026-11-30T12:00:01.123456+01:00 web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"2026-11-30T12:00:01+0100 web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"2026-11-30T12:00:01Z web1 audispd: ", b"web1"),
    ("syslog", b"2026-11-30 12:00:01 web1 audispd: ", b"web1"),
    ("syslog", b"Mon 2026-11-30 12:00:01 CET web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"1495724300.123456 web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"[   12.345678] web1 audisp-syslog[7]: ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 audispd: ", b""),
    ("syslog", b"Nov 30 12:00:01 ", b""),
    ("syslog", b"Nov 30 12:00:01 we\x1b[1mb audispd: ", b""),
    ("syslog", b"Nov 30 12:00:01 web\x00 audispd: ", b""),
    ("syslog", b"Nov 30 12:00:01 web\x7f1 audispd: ", b""),
    ("syslog", b"Nov 30 12:00:01 web\xff audispd: ", b""),
    ("rfc5424", b"<13>1 2026-11-30T12:00:01.123Z web1 audisp-syslog 7 - - ", b"web1"),
    ("rfc5424", b"1 2026-11-30T12:00:01.123+01:00 web1 audispd - - - ", b"web1"),
    ("rfc5424", b"<13>1 2026-11-30T12:00:01Z web1 audispd - - - \xef\xbb\xbf", b"web1"),
    ("rfc5424", b'<13>1 2026-11-30T12:00:01Z web1 a 7 m [x@1 k="v]\\"]" b="c"][y] ', b"web1"),
    ("rfc5424", b"<13>1 - - - - - - ", b""),
    ("rfc5424", b"412 <13>1 2026-11-30T12:00:01Z web1 audispd - - - ", b"web1"),
    ("tag", b"audispd: ", b""),
    ("tag", b"audisp-syslog[7]: ", b""),
    ("tag", b"tag_audit_log:", b""),
    ("tag", b"/var/log/audit/audit.log:", b""),
    ("tag", b"audit.log:12:", b""),
]
KERNEL_PREFIXES = [
    ("syslog", b"Nov 30 12:00:01 web1 kernel: [   12.345678] audit: ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 kernel: [   12.345678] ", b"web1"),
    ("syslog", b"Nov 30 12:00:01 web1 kernel: audit: ", b"web1"),
    ("syslog", b"2026-11-30T12:00:01.123456+01:00 web1 kernel: [12.345678] audit: ", b"web1"),
    ("syslog", b"[   12.345678] web1 kernel: audit: ", b"web1"),
    ("rfc5424", b"<5>1 2026-11-30T12:00:01Z web1 kernel - - - [12.345678] audit: ", b"web1"),
    ("kernel", b"[   12.345678] audit: ", b""),
    ("kernel", b"<5>[   12.345678] audit: ", b""),
    ("kernel", b"[Mon Nov 30 12:00:01 2026] audit: ", b""),
    ("kernel", b"kernel: [   12.345678] audit: ", b""),
    ("kernel", b"audit: ", b""),
    ("kernel", b"", b""),
    ("tag", b"messages:12:audit: ", b""),
]


def recognised(*lines: bytes) -> Form | None:
    """The form of a file with these first lines."""
    recogniser = Recogniser()
    for line in lines:
        recogniser.add(line)
        if recogniser.form is not None:
            break
    return recogniser.form


def node_of(name: bytes) -> bytes:
    """The start of a line of this node."""
    return b"node=" + name + b" " if name else b""


@pytest.mark.parametrize(("name", "prefix", "node"), PREFIXES)
def test_prefix(name: str, prefix: bytes, node: bytes) -> None:
    """A prefix is recognised and taken off; its host is the node of lines that name none."""
    form = FORMS[name]

    assert recognised(prefix + RECORD) is form
    assert form.strip(prefix + RECORD + b"\n").lines == node_of(node) + RECORD + b"\n"
    for own in (b"node=db1 ", b"host=db1 ", b"node=db1  ", b"node= db1 "):
        assert form.strip(prefix + own + RECORD + b"\n").lines == b"node=db1 " + RECORD + b"\n"
    if not node:
        assert form.strip(prefix + RECORD, b"mine").lines == b"node=mine " + RECORD


@pytest.mark.parametrize(("name", "prefix", "node"), KERNEL_PREFIXES)
def test_kernel_prefix(name: str, prefix: bytes, node: bytes) -> None:
    """The kernel's own form, with a number as type and without `msg=`, becomes a record."""
    form = FORMS[name]

    assert recognised(prefix + PRINTK) is form
    assert form.strip(prefix + PRINTK + b"\n").lines == node_of(node) + KERNEL + b"\n"


@pytest.mark.parametrize(("name", "prefix", "node"), PREFIXES + KERNEL_PREFIXES)
def test_cut_lines(name: str, prefix: bytes, node: bytes) -> None:
    """A line that is cut at any byte harms no neighbour, and the number of lines stays."""
    form = FORMS[name]
    record, whole = (PRINTK, KERNEL) if (name, prefix, node) in KERNEL_PREFIXES else (RECORD,) * 2
    line = prefix + record
    for end in range(len(line)):
        stripped = form.strip(line + b"\n" + line[:end] + b"\n" + line + b"\n").lines.split(b"\n")
        assert len(stripped) == 4
        assert stripped[0] == stripped[2] == node_of(node) + whole
        recognised(line[:end])


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_plain_lines_stay(form: Form) -> None:
    """Audit lines without a prefix stay as they are in a file of any form."""
    for line in (RECORD, b"node=a " + RECORD, RECORD + b" \x1d\xff\r"):
        assert form.strip(line + b"\n") == (line + b"\n", 0)
        assert form.strip(line) == (line, 0)
    assert form.strip(RECORD, b"mine").lines == b"node=mine " + RECORD
    assert form.strip(b"node=a " + RECORD, b"mine").lines == b"node=a " + RECORD


@pytest.mark.parametrize(
    "line",
    [
        b"Nov 30 12:00:01 web1 sshd[7]: Invalid user " + RECORD,
        b"Nov 30 12:00:01 web1 sshd[7]: user=a " + RECORD,
        b"Nov 30 12:00:01 web1 a b " + RECORD,
        b"x Nov 30 12:00:01 web1 audispd: " + RECORD,
        b"Nov 30 12:00:01 web1 audispd: x=1 " + RECORD,
    ],
)
def test_record_within_a_message(line: bytes) -> None:
    """A record that does not begin directly behind the prefix is data: it stays malformed."""
    assert FORMS["syslog"].strip(line + b"\n") == (line + b"\n", 0)


def test_forged_values() -> None:
    """Prefixes, headers and nodes inside of a record stay inside of it."""
    forged = b" exe=Nov 30 12:00:01 evil audispd: node=evil type=USER_LOGIN msg=" + ID + b": res=1"
    for name, prefix, node in PREFIXES:
        line = prefix + RECORD + forged + b"\n"
        assert FORMS[name].strip(line).lines == node_of(node) + RECORD + forged + b"\n"


def test_other_programs() -> None:
    """Lines of other programs become blank, and are counted; damaged audit lines are not."""
    lines = (
        b"Nov 30 12:00:01 web1 sshd[7]: Accepted publickey\n"
        b"Nov 30 12:00:01 web1 audispd: node=web1 ty\n"
        b"Nov 30 12:00:01 web1 x: audit(1\n"
        b"Nov 30 12:00:01 web1 kernel: usb 1-1: new device\n"
    )
    kept = lines.splitlines(keepends=True)

    assert FORMS["syslog"].strip(lines) == (b"\n" + kept[1] + kept[2] + b"\n", 2)


def test_ausearch() -> None:
    """Separators of ausearch become blank lines."""
    lines = [b"----", b"time->Thu Mar 23 03:30:00 2017", RECORD, RECORD]

    assert recognised(*lines) is AUSEARCH
    assert AUSEARCH.strip(b"\n".join(lines) + b"\n").lines == b"\n\n" + (RECORD + b"\n") * 2


def test_audit_and_host() -> None:
    """Plain lines, and those with `host=`, are told apart."""
    assert recognised(RECORD) is AUDIT
    assert recognised(b"node=a " + RECORD) is AUDIT
    assert recognised(b"garbage", RECORD) is AUDIT
    assert recognised(b"host=a " + RECORD) is FORMS["host"]
    assert recognised(b"garbage") is None
    lines = b"host=a " + RECORD + b" host=b\nhost=c " + RECORD + b"\n"
    expected = b"node=a " + RECORD + b" host=b\nnode=c " + RECORD + b"\n"
    assert FORMS["host"].strip(lines) == (expected, 0)


def test_hosts_in_order_of_lines() -> None:
    """Each line has the node of its own header."""
    lines = b"".join(b"Nov 30 12:00:01 web%d audispd: %b\n" % (n, RECORD) for n in range(9))
    nodes = re.findall(rb"node=(\S+) ", FORMS["syslog"].strip(lines).lines)

    assert nodes == [b"web%d" % n for n in range(9)]


@pytest.mark.parametrize(
    "text",
    [
        b"x" * (1 << 20),
        b"Nov 30 12:00:01 " + b"x" * (1 << 20) + b" audispd: " + RECORD,
        b"Nov 30 12:00:01 web1 " + b"x[" * (1 << 19) + b": " + RECORD,
        b"<13>1 - - - - - " + b"[" * (1 << 20) + RECORD,
        b"<13>1 - - - - - " + b'[a b="' + b"\\" * (1 << 20) + RECORD,
        b"<13>1 - - - - - " + b'[""]' * (1 << 18) + RECORD,
        b" " * (1 << 20) + RECORD,
        b"node=" * (1 << 18) + RECORD,
        b"type=" * (1 << 18) + RECORD,
    ],
    ids=range(9),
)
def test_prefix_of_one_mebibyte(text: bytes) -> None:
    """A prefix that is far too long is no prefix, and takes no time to speak of."""
    started = time.monotonic()
    for form in FORMS.values():
        assert form.strip(text + b"\n" + RECORD + b"\n").lines.endswith(b"\n" + RECORD + b"\n")
    assert recognised(text) in (None, *FORMS.values())
    assert time.monotonic() - started < 2
