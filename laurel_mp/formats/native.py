"""laurel-mp's own JSON: LAUREL's member names, one object for each event.

The only module that spells the members of an event that are no records, and the beginning of an
event: `{"ID":"1795332283.711:40649","NODE":"web-1",…`. Members that are added to an event get
the configured prefix (`RecordOptions.added`); `ID` and `NODE` never do.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

from laurel_mp.formats.event_format import EventFormat, Identity
from laurel_mp.records.strings import decode, encode

ID = b"ID"
NODE = b"NODE"
PARENT_INFO = b"PARENT_INFO"
CONTAINER_INFO = b"CONTAINER_INFO"
INCOMPLETE = b"INCOMPLETE"
REPEATED = b"REPEATED"
RECORD_TYPES = b"RECORD_TYPES"
NOTE = b"LAUREL_MP"
"""In place of records: a line about the stream itself, such as a loss."""

ADDED = (PARENT_INFO, CONTAINER_INFO, INCOMPLETE, REPEATED, RECORD_TYPES)
"""Members of an event that are neither records nor its identity."""

# Templates, for the % operator: the hot path fills them in by itself. A call takes as long as all
# that it would save.
BEGIN = b'{"ID":"%b"'
"""Beginning of an event, with its id."""

OF_NODE = b',"NODE":%b'
"""Next member, if lines name their node: a JSON string."""

# Within a JSON string there is no quotation mark without a backslash before it. So this matches
# no text of a user. PARENT_INFO, which begins with the id of another event, has its key before it.
_find = re.compile(rb'(?<!":)\{"ID":"([^"]+)"(?:,"NODE":("(?:[^"\\]|\\.)*"))?').finditer


def begin(id_: bytes, node: bytes | None) -> bytes:
    """Returns the beginning of an event, up to where a comma and the next member follow."""
    return BEGIN % id_ + (b"" if node is None else OF_NODE % encode(node))


def begin_template(node: bytes | None) -> bytes:
    """Returns the same for events of a node as a template, to fill in the id with %."""
    return BEGIN + (b"" if node is None else OF_NODE % encode(node).replace(b"%", b"%%"))


class NativeFormat(EventFormat):
    """laurel-mp's own JSON."""

    name = "native"

    def convert(self, text: bytes) -> bytes:
        """Returns `text`: the pipeline makes native events."""
        return text

    def identity(self, line: bytes) -> Identity | None:
        """See EventFormat."""
        return next(self.identities(line), None)

    def identities(self, text: bytes | mmap.mmap, start: int = 0) -> Iterator[Identity]:
        """See EventFormat."""
        for match in _find(text, start):
            id_, node = match.groups()
            yield Identity(id_, None if node is None else decode(node))


NATIVE = NativeFormat()
