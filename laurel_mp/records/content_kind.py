"""Kinds of files that are no audit logs, told by how they begin."""

from __future__ import annotations

import re

from laurel_mp.records.line_forms import AUDIT, Form

_MAGIC = (
    (b"\x1f\x8b", "gzip data; use zcat"),
    (b"\xfd7zXZ\0", "xz data; use xzcat"),
    (b"BZh", "bzip2 data; use bzcat"),
    (b"\x28\xb5\x2f\xfd", "zstd data; use zstdcat"),
    (b"PK\x03\x04", "a zip archive; use unzip -p"),
    (b"LPKSHHRH", "a journal file; use journalctl --file FILE -o short"),
    (b"\xff\xfe", "UTF-16 text; use iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text; use iconv -f UTF-16 -t UTF-8"),
)
_EVENT = re.compile(rb'\s*\{"(?:ID|NODE|LAUREL\w*)": ?["{]')
_JSON = re.compile(rb"\s*(?:\{\s*(?:\"|\})|\[\s*[\[{\"])")
_INTERPRETED = re.compile(rb"msg=audit\([0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{1,4} ")
_JOURNAL_AUDIT = re.compile(
    rb"^[^\n]{0,200} audit(?:\[[0-9]+\])?: [A-Z][A-Z_]{2,63} ", re.MULTILINE
)
_CONTROLS = bytes(set(range(32)) - {9, 10, 13, 27, 29})
_SAMPLE = 1 << 16


def content_kind(sample: bytes, form: Form) -> str:
    """Returns what a file that begins with `sample` looks like, and what to do about it.

    `form` is the one that its lines resemble.
    """
    sample = sample[:_SAMPLE]
    for magic, kind in _MAGIC:
        if sample.startswith(magic):
            return kind
    if _EVENT.match(sample):
        return "events in JSON; laurel-mp revert turns them into audit lines"
    if _JSON.match(sample):
        return "JSON; export the audit records as lines of text"
    if _INTERPRETED.search(sample):
        return "output of ausearch -i; use ausearch --raw"
    if _JOURNAL_AUDIT.search(sample):
        return "audit messages of the journal, which have no event ids; use the logs of auditd"
    if len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 100:
        return "binary data; extract the audit records as lines of text"
    if form is not AUDIT:
        return f"{form.title} of other programs; take the file with the audit records"
    return "text of another kind; --input-format audit converts it nevertheless"
