"""Parses `key=value key=value …`: the general grammar, which takes any bytes.

The specialised renderers of `layouts` have to give the same result.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple


class Form(IntEnum):
    """Notation of a value in a record."""

    BARE = 0
    QUOTED = 1
    SINGLE_QUOTED = 2
    BRACED = 3
    STRAY = 4
    """Words that belong to no key."""


class Field(NamedTuple):
    """One `key=value` as written, without its quotes."""

    key: bytes
    form: Form
    text: bytes


# `old-auid`, `a1[0]`, `aud.key`, `_x`: any key of a kernel or a program.
KEY = rb"[\w.-]+(?:\[\d+\])?"

# A closing quote counts only if the value ends there: there is no escaping inside quotes, and a
# line may have been cut anywhere. A bare value extends over blanks until the next key, because
# some programs do not quote (`subj=/usr/sbin/ntpd (enforce) key=…`). Each such word costs memory
# until the match ends, so their number is limited; `parse` joins the pieces of longer values.
_token = re.compile(
    rb" *(?:"
    rb"(?P<key>" + KEY + rb")="
    rb"(?:"
    rb'"(?P<quoted>[^"]*)"(?= |\Z)'
    rb"|'(?P<single>[^']*)'(?= |\Z)"
    rb"|(?P<braced>\{[^{}]*\})(?= |\Z)"
    rb"|(?P<bare>[^ ]*(?: +(?!" + KEY + rb"=)[^ ]+){0,200})"
    rb")"
    rb"|(?P<stray>[^ ]+(?: +(?!" + KEY + rb"=)[^ ]+){0,200})"
    rb")"
)

_FORMS = {
    "quoted": Form.QUOTED,
    "single": Form.SINGLE_QUOTED,
    "braced": Form.BRACED,
    "bare": Form.BARE,
}

_OPEN = (Form.BARE, Form.STRAY)
"""Forms that end only in front of a key."""


def parse(text: bytes) -> list[Field]:
    """Returns the fields of `text` in order. Only blanks between fields are dropped."""
    fields: list[Field] = []
    # Without blanks at the end, each run of blanks is followed by a word, and the expression does
    # not try each of them in vain.
    text = text.rstrip(b" ")
    words = more = 0
    for match in _token.finditer(text):
        form = match.lastgroup
        if form == "stray":
            if fields and fields[-1].form in _OPEN:
                more = match.end()  # the next piece of a value beyond the limit
                continue
            words = match.start("stray")
            fields.append(Field(b"", Form.STRAY, match["stray"]))
        elif form is not None:
            if more:
                fields[-1] = fields[-1]._replace(text=text[words:more])
                more = 0
            words = match.start(form)
            fields.append(Field(match["key"], _FORMS[form], match[form]))
    if more:
        fields[-1] = fields[-1]._replace(text=text[words:more])
    return fields
