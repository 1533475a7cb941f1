"""Reasons why a line is malformed."""

from __future__ import annotations

import re

from laurel_mp.records.line_forms import AUDIT, FORMS, MAX_LINE_START

_TYPE = re.compile(
    rb"(?:(?:node|host)=(?P<node>[^ \n]*) {1,4})?type=(?P<type>[^ \n]*)(?P<rest>[^\n]*)"
)
_ID = re.compile(rb"audit\((?P<id>[^)\n]{0,64})(?P<end>\)?)")
_VALID_ID = re.compile(rb"[0-9]{1,12}\.[0-9]{3}:[0-9]{1,20}")
_INTERPRETED = re.compile(rb"[0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{1,4} ")


def malformed_reason(line: bytes, max_line_bytes: int, *, is_cut: bool = False) -> str:
    """Returns why a line is malformed; `line` may be only the start if it `is_cut`."""
    if is_cut or len(line) > max_line_bytes:
        return f"longer than {max_line_bytes} bytes"
    if not line.strip():
        return "blank"
    start = line[:MAX_LINE_START]
    match = _TYPE.match(start)
    if match is None:
        for form in FORMS.values():
            if form is not AUDIT and (form.recognises(start) or form.resembles(start)):
                return f"another form: {form.title}"
        return "no audit record header"
    node, name = match["node"], match["type"]
    if node is not None and not 0 < len(node) < 256:
        return "bad node name"
    if not 0 < len(name) <= 64 or b"=" in name:
        return "bad record type"
    return _id_reason(match["rest"].lstrip(b" "))


def _id_reason(rest: bytes) -> str:
    match = _ID.match(rest.removeprefix(b"msg="))
    if match is None:
        return "no event id"
    if _INTERPRETED.match(match["id"]):
        return "event id interpreted by ausearch -i"
    if not match["end"] or not _VALID_ID.fullmatch(match["id"]):
        return "bad event id"
    return "bad header"
