"""The native format: beginnings of events, and identities in written lines."""

import pytest

from laurel_mp.formats import native
from laurel_mp.formats.event_format import Identity
from laurel_mp.formats.native import NATIVE
from laurel_mp.formats.registry import FORMATS

ID = b"1700000000.123:7"


@pytest.mark.parametrize("node", [None, b"web-1", b"50%b", b'a"\\\xff'])
def test_identity_of_what_it_begins(node: bytes | None) -> None:
    """A line tells the id and the node that it was begun with, whatever the node's name."""
    assert native.begin(ID, node) == native.begin_template(node) % ID
    line = b"@cee: " + native.begin(ID, node) + b',"SYSCALL":{"a":"{\\"ID\\":\\"1.2:3\\""}}\n'

    assert NATIVE.identity(line) == Identity(ID, node)


def test_identities_of_lines() -> None:
    """All of them, from any position on; other lines have none."""
    text = (
        native.begin(b"1.000:1", None) + b"}\nno event\n" + native.begin(b"1.000:2", b"n") + b"}\n"
    )

    assert list(NATIVE.identities(text)) == [Identity(b"1.000:1", None), Identity(b"1.000:2", b"n")]
    assert [each.key for each in NATIVE.identities(text, 3)] == [b"n 1.000:2"]
    assert NATIVE.identity(b"no event") is None


@pytest.mark.parametrize("key", [b"PARENT_INFO", b"x_parent_info"])
def test_a_parent_is_no_event(key: bytes) -> None:
    """An exec that is still in flight at a crash may be the parent of an event that is written."""
    line = native.begin(ID, None) + b',"%b":{"ID":"1.000:1","comm":"sh"}}\n' % key

    assert [each.id for each in NATIVE.identities(line)] == [ID]


def test_native_is_a_format() -> None:
    """Events are native already."""
    assert FORMATS["native"].convert(b"x\n") == b"x\n"
