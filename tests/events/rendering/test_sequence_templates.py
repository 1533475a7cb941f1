"""Sequences of records that are rendered at once, and what is left to the general way."""

from itertools import product
from unittest.mock import patch

import pytest

from laurel_mp.events.rendering import execution as execution_module
from laurel_mp.events.rendering.event_renderer import EventRenderer
from laurel_mp.events.rendering.execution import execution
from laurel_mp.events.rendering.sequence_templates import (
    LEARNED_AFTER,
    MOST_CANDIDATES,
    REPLACED_AFTER,
    SEQUENCES_PER_LENGTH,
    split_auxiliary,
)
from laurel_mp.records import execve
from laurel_mp.records.record_options import RecordOptions

SOCKADDR = b"type=SOCKADDR msg=audit(\0): saddr=02000035C0A80001FFC3A4220000\n"
CWD = b'type=CWD msg=audit(\0): cwd="/srv"\n'
PATH = (
    b'type=PATH msg=audit(\0): item=0 name="/bin/ls" inode=260104 dev=fe:00 mode=0100755 ouid=0 '
    b"ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\n"
)
NO_FILE = b'type=PATH msg=audit(\0): item=1 name="new" nametype=UNKNOWN cap_fp=0 cap_fi=0\n'
EXECVE = b'type=EXECVE msg=audit(\0): argc=2 a0="ls" a1=2F6120\n'
FCAPS = b"type=BPRM_FCAPS msg=audit(\0): fver=0 fp=0 old_pp=000001fffeffffff frootid=0\n"
PROCTITLE = b"type=PROCTITLE msg=audit(\0): proctitle=6C73002F6120\n"
EXEC = FCAPS + EXECVE + SOCKADDR + CWD + PATH + NO_FILE + PROCTITLE


def learned(text: bytes, options: RecordOptions | None = None) -> EventRenderer:
    """A renderer that has learned the sequence of a rest."""
    renderer = EventRenderer(options or RecordOptions())
    for _ in range(LEARNED_AFTER):
        renderer.render_auxiliary(text)
    return renderer


def is_learned(renderer: EventRenderer, text: bytes) -> bool:
    """Returns True if one template renders all auxiliary records."""
    return renderer.sequences.render(text[:-1]) is not None


# Combinations are looped over within a test: each would take longer to be a test of its own.
OPTIONS = [
    RecordOptions(),
    RecordOptions(universal=True, prefix=b"x_", record_types=True),
    RecordOptions(user_name=lambda _: b"root", group_name=lambda _: b"wheel", drop_raw=True),
    RecordOptions(argv_limit=3),
    RecordOptions(argv_string=True),
    RecordOptions(argv_array=False),
    RecordOptions(filter_address=lambda _address, _port: True),
    RecordOptions(look_up_pids=False),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b""),
        (b'"/srv"', b'"/s+v%\\"'),
        (b'"/srv"', b"2F61C3A420"),
        (b'"/srv"', b"2F6"),
        (b'"/srv"', b"(null)"),
        (b'"/srv"', b'"/a" b'),
        (b'"/srv"', b'"/srv" cwd="/"'),
        (b'"/srv"', b'"/a\x1db"'),
        (b'"/srv"\n', b'"/srv"  \n'),
        (b"\0): cwd", b"\0):   cwd"),
        (b"\0): cwd", b"\0):cwd"),
        (b'"/bin/ls"', b'"/c++/100%"'),
        (b'"/bin/ls"', b"(null)"),
        (b'"/bin/ls"', b"2F00FF"),
        (b'"/bin/ls"', b"2F0"),
        (b'"/bin/ls"', b'"/bin/\xff\x01"'),
        (b"item=0", b"item=00"),
        (b"item=0", b"item=-1"),
        (b"inode=260104", b"inode=1234567890123456789012"),
        (b"inode=260104 ", b""),
        (b"dev=fe:00", b"dev=fe:00 name=x"),
        (b"dev=fe:00", b"dev=fe:00 dev=fe:01"),
        (b"dev=fe:00", b"dev=fe:00 opid=5"),
        (b"dev=fe:00", b"dev= stray words"),
        (b"cap_frootid=0\n", b'cap_frootid=0\x1dOUID="root" OGID="root"\n'),
        (b"cap_frootid=0\n", b'cap_frootid=0\x1dNAME="x"\n'),
        (b"cap_frootid=0\n", b'cap_frootid=0\x1dname="x"\n'),
        (b"NORMAL", b"CREATE"),
        (b"NORMAL", b"DELETE"),
        (b"NORMAL", b"DELETED"),
        (b"UNKNOWN", b"CREATE"),
        (b"argc=2", b"argc=3"),
        (b'argc=2 a0="ls" a1=2F6120', b""),
        (b'argc=2 a0="ls" a1=2F6120', b"odd="),
        (b"argc=2", b"argc=02"),
        (b"a1=", b"a2="),
        (b"a1=", b"a1_len=7 a1[0]="),
        (b"2F6120", b'"a%b+c\\"'),
        (b"2F6120", b"2F612"),
        (b"2F6120", b"(null)"),
        (b"2F6120", b"2F6120 a2=41"),
        (b"6C73002F6120", b'"ls"'),
        (b"6C73002F6120", b'"l%s"'),
        (b"6C73002F6120", b"6C7322005C2B00"),
        (b"6C73002F6120", b"C3A400FF00EFBBBF"),
        (b"6C73002F6120", b"6C7300F"),
        (b"6C73002F6120", b"(null)"),
        (b"6C73002F6120", b'"ls" x=1'),
        (b"saddr=02", b"saddr=0"),
        (b"saddr=02", b"saddr=02 x=1 saddr="),
        (b"type=SOCKADDR msg=audit(\0): saddr=", b'type=SOCKADDR msg=audit(\0): saddr="a" b='),
        (b"0000\n", b"0000\x1dSADDR={ saddr_fam=inet laddr=1.2.3.4 lport=5 }\n"),
        (b"fver=0", b"fver=0 opid=7"),
        (b"fver=0", b"fver=0 fver=1"),
        (b"type=CWD", b"type=SYSCALL"),
        (b"type=CWD", b"type=USER_CMD"),
        (b"type=", b"node=n type="),
        (b"(\0)", b"(\0\0\0)"),
        (b'"/srv"', b'"/s\0rv"'),
        (b'"/srv"', b'"\0):"'),
        (b"NORMAL", b'"" nametype=CREATE'),
        (b'"/bin/ls"', b'"a nametype=CREATE b"'),
    ],
)
def test_both_ways_give_the_same(old: bytes, new: bytes) -> None:
    """Output is the same with a learned sequence and without."""
    text = EXEC.replace(old, new)
    for options in OPTIONS:
        general = EventRenderer(options).fragment(split_auxiliary(text), behind_syscall=True)
        found = learned(EXEC, options).render_auxiliary(text)

        if found.records < 0:  # it is taken line by line
            found = found._replace(records=general.records)
        assert general._replace(executed=None) == found._replace(executed=None), options
        assert general.execution == found.execution, options


FIRST_NAMES = [b'"/s"', b'"./s"', b"2F73", b'"a" nametype="b"', b"(null)", b'""']
CHANGES = [(b"", b""), (b"item=1", b"item=0"), (b"item=0", b"item=2")]


@pytest.mark.parametrize(
    "second", [b'"/bin/sh"', b"2F62696E2F7368", b'"/bin/sh" x="', b"(null)", b'""', None]
)
@pytest.mark.parametrize(
    "arguments",
    [
        b'argc=2 a0="/bin/sh" a1="/s"',
        b'argc=2 a0=2F62696E2F7368 a1="/s"',
        b'argc=3 a0="/bin/sh" a1="-e" a2="./s"',
        b'argc=3 a0="[/bin/sh" a1="/bin/sh" a2="/s"',
        b'argc=1 a0="/bin/sh"',
        b'argc=2 a0="" a1="/s"',
        b'argc=2 a0="s" a1="/s"',
    ],
)
def test_scripts(second: bytes | None, arguments: bytes) -> None:
    """The hint in rendered text finds the same scripts as a search of all records."""
    for first, (old, new) in product(FIRST_NAMES, CHANGES):
        usual = b"type=EXECVE msg=audit(\0): argc=2 a0=41 a1=42\n" + CWD + PATH
        text = usual.replace(b"argc=2 a0=41 a1=42", arguments).replace(b'"/bin/ls"', first)
        if second is not None:
            usual += PATH.replace(b"item=0", b"item=1")
            text += PATH.replace(b"item=0", b"item=1").replace(b'"/bin/ls"', second)
        text = text.replace(old, new)
        found = learned(usual + PROCTITLE).render_auxiliary(text + PROCTITLE).executed
        records = split_auxiliary(text)
        bodies = [body for name, body in records if name == b"EXECVE"]
        expected = execution(execve.read(bodies).texts, records)

        assert found is not None, text
        for inode, device in product((b"", b"260104", b"5"), (b"fe:00", b"00:00")):
            assert expected.script(inode, device) == found.script(inode, device), text


def test_script_hint() -> None:
    """The records of a program that is no script are not searched."""
    usual = EXECVE + CWD + PATH + PATH.replace(b"item=0", b"item=1") + PROCTITLE
    found = learned(usual).render_auxiliary(usual).executed

    assert found is not None
    with patch.object(execution_module, "execution") as read:
        assert found.script() is None
        assert found.script(b"260104", b"fe:00") is None
        assert not read.called
        found.script(b"260105", b"fe:00")
        assert read.called


def test_arguments_of_an_odd_record() -> None:
    """A sequence that was learned from such a record does not render others wrongly."""
    renderer = learned(b"type=EXECVE msg=audit(\0): \n")
    text = b"type=EXECVE msg=audit(\0): odd=\n"
    expected = renderer.fragment(split_auxiliary(text), behind_syscall=True)

    assert expected.text == renderer.render_auxiliary(text).text
    assert renderer.render_auxiliary(text).missing_arguments


def test_what_comes_often_is_learned() -> None:
    """Not before: to learn costs more than to render."""
    renderer = EventRenderer(RecordOptions())
    for _ in range(LEARNED_AFTER):
        assert not is_learned(renderer, EXEC)
        renderer.render_auxiliary(EXEC)

    assert is_learned(renderer, EXEC)


@pytest.mark.parametrize(
    "text",
    [
        PATH + CWD + PATH,
        CWD + CWD,
        EXECVE + EXECVE,
        b'type=SYSCALL msg=audit(\0): pid=7 comm="x"\n',
        b"type=NEW msg=audit(\0): a=1\n",
        PATH * 30,
    ],
)
def test_what_is_left_to_the_general_way(text: bytes) -> None:
    """Records that are not rendered one after another, or of types that may be anybody's."""
    assert not is_learned(learned(text), text)


def test_addresses_that_are_to_be_looked_at() -> None:
    """With a filter for them, an event with an address is taken apart."""
    text = b"type=SOCKADDR msg=audit(\0): saddr=100000000000000000000000\n" + PROCTITLE
    filtering = RecordOptions(filter_address=lambda _address, _port: False)

    assert is_learned(learned(text), text)
    assert not is_learned(learned(text, filtering), text)


def test_there_is_a_bound() -> None:
    """A frequent sequence replaces another one of as many records."""
    kinds = [b"MMAP", b"FD_PAIR", b"IPC", b"SOCKETCALL"]
    texts = [
        b"".join([b"type=%b msg=audit(\0): fd=1\n" % name for name in names])
        for names in product(kinds, repeat=2)
        if len(set(names)) == 2
    ]
    renderer = EventRenderer(RecordOptions())
    for text in texts:
        for _ in range(LEARNED_AFTER):
            renderer.render_auxiliary(text)
    assert sum(is_learned(renderer, text) for text in texts) == SEQUENCES_PER_LENGTH

    for _ in range(REPLACED_AFTER):
        renderer.render_auxiliary(texts[-1])
    assert is_learned(renderer, texts[-1])
    assert sum(is_learned(renderer, text) for text in texts) == SEQUENCES_PER_LENGTH


def test_sequences_that_do_not_come_again() -> None:
    """They are not counted for ever."""
    renderer = EventRenderer(RecordOptions())
    kinds = [b"MMAP", b"FD_PAIR", b"IPC", b"SOCKETCALL"]
    for number, names in enumerate(product(kinds, repeat=5)):
        renderer.render_auxiliary(
            b"".join([b"type=%b msg=audit(\0): fd=1\n" % name for name in names])
        )
        assert renderer.sequences.candidates == number % MOST_CANDIDATES + 1
