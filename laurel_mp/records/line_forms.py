"""Forms of lines that carry audit records behind a prefix: syslog, kernel log, tags.

A prefix is taken off, and the host of a syslog header becomes the node of a line that names none.

What can be forged. Whoever may write to the log of a syslog daemon can write a whole line, with any
record in it: `logger -t audispd 'type=…'`. No reader of the file can tell such a line from a
genuine one. The host of a header is what the syslog daemon wrote, so a remote sender that is
trusted by the daemon can forge it, a local user cannot. What cannot be forged: a value inside a
record never starts a record, and never names a node. A prefix is matched at the start of a line
only, with a fixed number of words of a limited length, and the record begins directly behind it;
all that follows is data. Only line feeds separate lines. A host with bytes that no host name or
address has, control characters among them, is not taken as a node.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import NamedTuple

MAX_LINE_START = 1 << 14
"""Bytes of a line in which the prefix and the start of the record must be."""

BOM = b"\xef\xbb\xbf"

_NODE = rb"(?:(?:node|host)= {0,2}(?P<node>[^ \n\0]{1,255}) {1,4})?"
_RECORD = (
    _NODE + rb"(?P<type>type=[^ =\n\0]{1,64}) {1,4}(?:msg=)?(?P<rest>audit\([0-9])"
)  # fmt: skip

_CLOCK = rb"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_DATE = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO = _DATE + rb"[T ]" + _CLOCK + rb"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_MONTH_DAY = rb"[A-Z][a-z]{2} {1,2}[0-9]{1,2}(?: [0-9]{4})? " + _CLOCK + rb"(?: [0-9]{4})?"
_FULL = rb"[A-Z][a-z]{2} " + _DATE + rb" " + _CLOCK + rb" [A-Z0-9+:-]{1,9}"
_UNIX = rb"[0-9]{9,12}\.[0-9]{3,9}"
_UPTIME = rb"\[ {0,11}[0-9]{1,12}\.[0-9]{1,9}\]"
_PRIORITY = rb"(?:<[0-9]{1,3}>)?"
_HOST = rb"[^ =\n]{1,255}"
_WORD = rb"[^ \n]{1,255}"
_TAG = rb"[^ =\n\[:]{1,128}(?:\[[^\]\n ]{0,128}\])?(?:: {0,2}| {1,2})"
_KERNEL = rb"(?:" + _UPTIME + rb" {0,2})?(?:audit: {0,2})?"

_SYSLOG = (
    _PRIORITY
    + rb"(?:"
    + rb"|".join([_MONTH_DAY, _ISO, _FULL, _UNIX])
    + rb"):? {1,2}(?:(?P<host>"
    + _HOST
    + rb") {1,2}(?P<tag>"
    + _TAG
    + rb")?)?"
)
_MONOTONIC = _UPTIME + rb" (?P<host>" + _HOST + rb") (?P<tag>" + _TAG + rb")"
_QUOTED = rb"\"(?:[^\"\\\n]|\\[^\n]){0,8192}\""
_ELEMENT = rb"\[(?:[^\]\"\n]|" + _QUOTED + rb"){0,1024}\]"
_RFC5424 = (
    rb"(?:[0-9]{1,7} )?" + _PRIORITY + rb"1 (?:-|" + _ISO + rb") (?P<host>" + _HOST + rb") "
    rb"(?P<tag>" + _WORD + rb") " + _WORD + rb" " + _WORD + rb" (?:-|(?:" + _ELEMENT + rb"){1,16})"
    rb"(?: {1,2}|\Z)(?:" + BOM + rb")?"
)  # fmt: skip
_DMESG = (
    _PRIORITY + rb"(?:kernel: {0,2})?(?:"
    + _UPTIME + rb"|\[[A-Z][a-z]{2} " + _MONTH_DAY + rb"\]"
    + rb")? {0,2}(?:audit: {0,2})?"
)  # fmt: skip

_VALID_HOST = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._:%@/+-]{0,253}[A-Za-z0-9_.])?")
_AUDIT_TAG = re.compile(rb"audis?p?[dt]?")
_PLAIN = re.compile(
    rb"(?:node= {0,2}[^ \n\0]{1,255} {1,4})?type=[^ =\n\0]{1,64} {1,4}msg=audit\([0-9]"
)
_LIKE_PLAIN = re.compile(rb"(?:node=[^ \n]{1,255} {1,4})?type=[A-Za-z0-9_\[\]]{1,64}(?: |\Z)")
_SEPARATOR = re.compile(rb"(?:----|time->[^\n]{1,64})\r?")


class Stripped(NamedTuple):
    """Lines without their prefixes."""

    lines: bytes
    other: int
    """Number of lines with a header of the form, but of other programs; they are blank now."""


class Form(ABC):
    """A form of lines that `convert` reads."""

    is_plain = False
    """True if lines need no change, unless a node is to be added."""

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        """The value of `--input-format`."""
        self.title = title
        """The form in a message."""

    @abstractmethod
    def recognises(self, line: bytes) -> bool:
        """True if the line is an audit record in this form."""

    def resembles(self, _line: bytes) -> bool:
        """True if the line may belong to a file of this form, but is no audit record."""
        return False

    @abstractmethod
    def strip(self, lines: bytes, node: bytes | None = None) -> Stripped:
        """Takes the prefixes off whole lines; the number of lines stays the same.

        Lines of another form stay as they are. `node` is the node of lines for which neither the
        line nor its header names one.
        """


class AuditForm(Form):
    """Lines as auditd writes them."""

    is_plain = True

    def recognises(self, line: bytes) -> bool:
        """See Form."""
        return _PLAIN.match(line) is not None

    def resembles(self, line: bytes) -> bool:
        """See Form."""
        return _LIKE_PLAIN.match(line) is not None

    def strip(self, lines: bytes, node: bytes | None = None) -> Stripped:
        """See Form."""
        if node is not None:
            lines = _replace_starts(lines, b"type=", b"node=" + node + b" type=")
        return Stripped(lines, 0)


class HostForm(AuditForm):
    """Lines with `host=` in place of `node=`."""

    is_plain = False

    def recognises(self, line: bytes) -> bool:
        """See Form."""
        return line.startswith(b"host=") and _PLAIN.match(b"node=" + line[5:]) is not None

    def resembles(self, _line: bytes) -> bool:
        """See Form."""
        return False

    def strip(self, lines: bytes, node: bytes | None = None) -> Stripped:
        """See Form."""
        return super().strip(_replace_starts(lines, b"host=", b"node="), node)


class AusearchForm(AuditForm):
    """Output of ausearch without `--raw`: records, and separators between events."""

    is_plain = False

    def recognises(self, line: bytes) -> bool:
        """See Form."""
        return _SEPARATOR.fullmatch(line) is not None

    def strip(self, lines: bytes, node: bytes | None = None) -> Stripped:
        """See Form."""
        kept = [b"" if _SEPARATOR.fullmatch(line) else line for line in lines.split(b"\n")]
        return super().strip(b"\n".join(kept), node)


class PrefixForm(Form):
    """Lines with a prefix in front of the record."""

    def __init__(self, name: str, title: str, *prefixes: bytes) -> None:
        super().__init__(name, title)
        self._records = [re.compile(rb"(?:" + prefix + rb")" + _RECORD) for prefix in prefixes]
        self._headers = [re.compile(prefix) for prefix in prefixes if b"?P<host>" in prefix]

    def recognises(self, line: bytes) -> bool:
        """See Form."""
        return self._match(line) is not None

    def resembles(self, line: bytes) -> bool:
        """See Form."""
        return any(header.match(line) for header in self._headers)

    def strip(self, lines: bytes, node: bytes | None = None) -> Stripped:
        """See Form."""
        default = b"node=" + node + b" " if node is not None else b""
        kept = []
        other = 0
        for line in lines.split(b"\n"):
            match = self._match(line)
            if match is not None:
                kept.append(_record(match, default) + line[match.start("rest") :])
            elif default and line.startswith(b"type="):
                kept.append(default + line)
            elif line and self._is_of_another_program(line):
                kept.append(b"")
                other += 1
            else:
                kept.append(line)
        return Stripped(b"\n".join(kept), other)

    def _match(self, line: bytes) -> re.Match[bytes] | None:
        start = line[:MAX_LINE_START]  # no expression has to look through megabytes
        for pattern in self._records:
            match = pattern.match(start)
            if match is not None:
                return match
        return None

    def _is_of_another_program(self, line: bytes) -> bool:
        for header in self._headers:
            match = header.match(line, 0, MAX_LINE_START)
            if match is not None:
                tag = match["tag"] or b""
                return not _AUDIT_TAG.match(tag) and b"audit(" not in line and b"type=" not in line
        return False


def _record(match: re.Match[bytes], default: bytes) -> bytes:
    """Returns the header of a record up to its id."""
    named = match["node"]
    if named is not None:
        node = b"node=" + named + b" "
    else:
        host = (match["host"] or b"") if "host" in match.re.groupindex else b""
        node = b"node=" + host + b" " if _VALID_HOST.fullmatch(host) else default
    return node + match["type"] + b" msg="


def _replace_starts(lines: bytes, start: bytes, other: bytes) -> bytes:
    """Replaces `start` by `other` where a line begins with it."""
    if lines.startswith(start):
        lines = other + lines[len(start) :]
    return lines.replace(b"\n" + start, b"\n" + other)


AUDIT = AuditForm("audit", "lines as auditd writes them")
AUSEARCH = AusearchForm("ausearch", "output of ausearch")

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        AUDIT,
        HostForm("host", "audit records with host= in place of node="),
        PrefixForm("rfc5424", "syslog messages (RFC 5424)", _RFC5424 + _KERNEL),
        PrefixForm(
            "syslog",
            "syslog messages (RFC 3164 or ISO time)",
            _SYSLOG + _KERNEL,
            _MONOTONIC + _KERNEL,
        ),
        PrefixForm("kernel", "messages of the kernel log", _DMESG),
        PrefixForm("tag", "audit records behind a tag", _TAG + rb"(?:[0-9]{1,9}[:-])?" + _KERNEL),
        AUSEARCH,
    )
}
"""All forms by name, in the order in which a line is compared with them."""


class Recogniser:
    """Recognises the form of a file by its first lines."""

    def __init__(self) -> None:
        self.form: Form | None = None
        """The form of the first audit record; None if there was none so far."""
        self.resembled: Form | None = None
        """A form that lines without an audit record belong to."""
        self._has_separators = False

    def add(self, line: bytes) -> None:
        """Looks at a line without its line end; not called again once `form` is known."""
        line = line[:MAX_LINE_START]
        if AUSEARCH.recognises(line):
            self._has_separators = True
            return
        for form in FORMS.values():
            if form.recognises(line):
                self.form = AUSEARCH if form is AUDIT and self._has_separators else form
                return
        if self.resembled is None:
            self.resembled = next((each for each in FORMS.values() if each.resembles(line)), None)
