"""Records of an event as one object."""

from typing import Any

import pytest

from laurel_mp.events.rendering.event_renderer import EventRenderer, syscall_object
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.sequence_templates import split_auxiliary
from laurel_mp.events.rendering.syscall import Call, Syscall
from laurel_mp.records.record import LookUp
from laurel_mp.records.record_options import RecordOptions
from tests.support.decoding import parse

PATH0 = (b"PATH", b'item=0 name="a"')
PATH1 = (b"PATH", b'item=1 name="b"')
CWD = (b"CWD", b'cwd="/"')


def renderer(options: RecordOptions | None = None) -> EventRenderer:
    """A renderer that has seen nothing yet."""
    return EventRenderer(options or RecordOptions())


def shown(fragment: Fragment) -> Any:
    """A fragment as an object of its own."""
    return parse(b"{" + fragment.text[1:].replace(b"\0", b"") + b"}")


def test_types_stand_in_the_order_of_their_first_record() -> None:
    """Records of one type are together, where its first one stood."""
    fragment = renderer().fragment([PATH0, CWD, PATH1])

    assert list(shown(fragment)) == ["PATH", "CWD"]
    assert [path["item"] for path in shown(fragment)["PATH"]] == [0, 1]


def test_lists_and_objects() -> None:
    """Single record types are objects; all other types are lists, even of one record."""
    single = [(b"PROCTITLE", b'proctitle="x"'), (b"EXECVE", b"argc=0")]
    expected = {
        "PATH": [{"item": 0, "name": "a"}],
        "CWD": {"cwd": "/"},
        "PROCTITLE": {"ARGV": ["x"]},
        "EXECVE": {"argc": 0, "ARGV": []},
        "NEW": [{"a": "b"}],
    }

    assert expected == shown(renderer().fragment([PATH0, CWD, *single, (b"NEW", b"a=b")]))


@pytest.mark.parametrize(
    ("options", "key"), [(RecordOptions(), "REPEATED"), (RecordOptions(prefix=b"x_"), "x_repeated")]
)
def test_what_an_event_should_have_one_of(options: RecordOptions, key: str) -> None:
    """Further ones are kept apart, in their order."""
    records = [CWD, (b"CWD", b'cwd="/a"'), PATH0, (b"CWD", b'cwd="/b"')]
    expected = {
        "CWD": {"cwd": "/"},
        "PATH": [{"item": 0, "name": "a"}],
        key: [{"CWD": {"cwd": "/a"}}, {"CWD": {"cwd": "/b"}}],
    }

    assert expected == shown(renderer(options).fragment(records))


def test_arguments_of_all_execve_records_are_joined() -> None:
    """They are one object, at the place of the first."""
    records = [(b"EXECVE", b'argc=2 a0="x"'), CWD, (b"EXECVE", b'a1="y"')]
    fragment = renderer().fragment(records)

    expected = {"EXECVE": {"argc": 2, "ARGV": ["x", "y"]}, "CWD": {"cwd": "/"}}
    assert expected == shown(fragment)
    assert fragment.execution is not None
    assert fragment.execution.arguments == (b"x", b"y")
    assert not fragment.missing_arguments


def test_a_fragment_says_what_it_holds() -> None:
    """Fragments count records and paths, and tell if arguments are missing."""
    fragment = renderer().fragment([PATH0, PATH1, (b"EXECVE", b'argc=2 a0="x"')])

    assert (fragment.records, fragment.paths, fragment.missing_arguments) == (3, 2, True)


def test_place_for_the_environment() -> None:
    """Members can be added at the end of the EXECVE object, wherever it stands."""
    fragment = renderer().fragment([CWD, (b"EXECVE", b'argc=1 a0="x"'), PATH0])
    text, end = fragment.text, fragment.execve_end
    added = parse(b"{" + (text[:end] + b',"ENV":{}' + text[end:])[1:] + b"}")

    assert added["EXECVE"] == {"argc": 1, "ARGV": ["x"], "ENV": {}}


def test_no_place_for_the_environment() -> None:
    """Without an EXECVE record there is neither such a place nor an execution."""
    fragment = renderer().fragment([CWD, PATH0])

    assert (fragment.execve_end, fragment.execution) == (0, None)


ADDRESS = (b"SOCKADDR", b"saddr=020000357F0000010000000000000000")


@pytest.mark.parametrize(
    ("filtered", "records", "expected"),
    [
        (("127.0.0.1", 53), [CWD, ADDRESS], True),
        (("127.0.0.1", 54), [CWD, ADDRESS], False),
        (("127.0.0.1", 53), [CWD, (b"OTHER", ADDRESS[1])], False),
        (("127.0.0.1", 53), [(b"SOCKADDR", b"saddr=01002F78"), ADDRESS], True),
    ],
)
def test_filter_by_address(
    filtered: tuple[str, int], records: list[tuple[bytes, bytes]], expected: bool
) -> None:
    """Any socket address of an event can say filter."""
    options = RecordOptions(filter_address=lambda *address: address == filtered)

    assert expected == renderer(options).fragment(records).filtered


def test_look_ups_are_in_the_order_of_their_marks() -> None:
    """Records of one type stand together, so their marks do, too."""
    records = [(b"OBJ_PID", b"opid=1"), (b"LOGIN", b"pid=2"), (b"OBJ_PID", b"opid=3")]
    fragment = renderer().fragment(records)

    assert (LookUp(b"OPID", b"1"), LookUp(b"OPID", b"3"), LookUp(b"PID", b"2")) == fragment.look_ups
    assert len(fragment.look_ups) == fragment.text.count(b"\0")


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        (b"ID", RecordOptions(), "type=ID"),
        (b"NODE", RecordOptions(), "type=NODE"),
        (b"PARENT_INFO", RecordOptions(), "type=PARENT_INFO"),
        (b"INCOMPLETE", RecordOptions(), "type=INCOMPLETE"),
        (b"REPEATED", RecordOptions(), "type=REPEATED"),
        (b"INCOMPLETE", RecordOptions(prefix=b"x_"), "INCOMPLETE"),
        (b"x_incomplete", RecordOptions(prefix=b"x_"), "type=x_incomplete"),
        (b'A"\xff\t', RecordOptions(), 'A"%ff%09'),
    ],
)
def test_no_type_passes_for_what_we_say(name: bytes, options: RecordOptions, expected: str) -> None:
    """A record type of another host may be called anything."""
    one = renderer(options)

    assert {expected: [{"a": "1"}]} == shown(one.fragment([(name, b"a=1")]))
    assert {expected: {"a": "1"}} == parse(b"{" + one.single(name, b"a=1").text[1:] + b"}")


def test_a_record_of_user_space_is_an_object() -> None:
    """It is the only one of its event."""
    text = renderer().single(b"USER", b"pid=1 msg='op=x'").text.replace(b"\0", b"")

    assert parse(b"{" + text[1:] + b"}") == {"USER": {"pid": 1, "msg": {"op": "x"}}}


@pytest.mark.parametrize("node", [b"", b"node=a ", b"node=type=b "])
def test_rest_takes_lines_without_the_id(node: bytes) -> None:
    """With a node in front or without, a blank behind the colon or two or none."""
    text = b"".join(
        [
            node + b'type=PATH msg=audit(\0): item=0 name="a"\n',
            node + b'type=PATH msg=audit(\0):  item=1 name="b" \n',
            node + b'type=CWD msg=audit(\0):cwd="/"\n',
        ]
    )

    assert split_auxiliary(text) == [PATH0, PATH1, CWD]


def test_rest_keeps_a_nul_byte() -> None:
    """Only the first one ends the header."""
    expected = [(b"CWD", b'cwd="a\0b"')]

    assert expected == split_auxiliary(b'type=CWD msg=audit(\0): cwd="a\0b"\n')


def test_rest_is_remembered() -> None:
    """Lines that come again are kept from then on, until names may have changed."""
    one = renderer()
    first = one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/"\n')
    second = one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/"\n')

    assert first == second
    assert second is one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/"\n')
    one.forget()
    assert second is not one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/"\n')
    assert first == one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/"\n')


def test_rest_says_if_a_record_belongs_to_no_other_event() -> None:
    """A user-space record among them has to be taken out."""
    found = renderer().auxiliary_records(
        b"type=PATH msg=audit(\0): item=0\ntype=USER msg=audit(\0): pid=1 msg='x'\n"
    )

    assert found.records == -1


@pytest.mark.parametrize(
    ("process", "expected"), [(b"", (b'{"a":1}', 0)), (b'7\t1\t"a"\t"b"', (b'{"a":1\0', 1))]
)
def test_a_syscall_is_closed_by_its_annotation(process: bytes, expected: tuple[bytes, int]) -> None:
    """If there is none, it is closed at once."""
    rendered = syscall_object(Syscall(b'"a":1', process, Call.PLAIN, 0, False))

    assert expected == (rendered.text, len(rendered.look_ups))


def test_a_second_syscall_record() -> None:
    """It is kept apart, with its arguments as a list."""
    first = syscall_object(Syscall(b'"first":1', b"", Call.PLAIN, 0, False))
    fragment = renderer().fragment([(b"SYSCALL", b"a"), (b"SYSCALL", b"syscall=1 a0=ff")], first)

    expected = {
        "SYSCALL": {"first": 1},
        "REPEATED": [{"SYSCALL": {"syscall": 1, "ARGV": ["0xff"]}}],
    }
    assert expected == shown(fragment)


def test_memory_is_counted() -> None:
    """Each clearing of a full cache is counted."""
    one = renderer()
    one.auxiliary.limit = 1000
    for number in range(100):
        one.auxiliary_records(b'type=CWD msg=audit(\0): cwd="/%d"\n' % (number // 2))

    assert one.auxiliary.clearings == sum(cache.clearings for cache in one.caches) > 0
