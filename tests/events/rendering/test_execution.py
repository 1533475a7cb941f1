"""The executed program by the records of an exec."""

import pytest

from laurel_mp.events.rendering.execution import Execution, execution

CWD = (b"CWD", b'cwd="/home/u"')


def path(item: int, name: bytes, rest: bytes = b" inode=7 dev=fe:00") -> tuple[bytes, bytes]:
    """A PATH record."""
    return b"PATH", b"item=%d name=%b%b" % (item, name, rest)


def test_program() -> None:
    """The first path is what was asked for; its inode says which file that was."""
    records = [CWD, path(0, b'"/bin/ls"'), path(1, b'"/lib/ld.so"', b" inode=8")]

    expected = Execution((b"ls", b"-l"), b"/bin/ls", b"7", is_script=False, device=b"fe:00")
    assert expected == execution([b"ls", b"-l"], records)


@pytest.mark.parametrize(
    ("name", "cwd", "expected"),
    [
        (b'"/bin/ls"', b'"/home/u"', b"/bin/ls"),
        (b'"./a"', b'"/home/u"', b"/home/u/a"),
        (b'"../a/./b"', b'"/home/u"', b"/home/a/b"),
        (b'"a"', b'"/"', b"/a"),
        (b'"/../../a"', b'"/home/u"', b"/a"),
        (b'"//a//b"', b'"/home/u"', b"/a/b"),
        (b"2F612062", b'"/home/u"', b"/a b"),
        (b'"a"', b"2F6120", b"/a /a"),
        (b"(null)", b'"/home/u"', b""),
        (b'""', b'"/home/u"', b""),
    ],
)
def test_programs_are_absolute(name: bytes, cwd: bytes, expected: bytes) -> None:
    """A relative path is one from the working directory."""
    records = [(b"CWD", b"cwd=" + cwd), path(0, name)]

    assert expected == execution([b"x"], records).program


def test_relative_to_an_unknown_directory() -> None:
    """Known values are shown."""
    assert execution([b"x"], [path(0, b'"a/../b"')]).program == b"b"


def test_without_paths() -> None:
    """Nothing is known about the program."""
    assert execution([b"x"], [CWD]) == Execution((b"x",), b"", b"", is_script=False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([b"/bin/sh", b"./s"], True),
        ([b"/bin/sh", b"-e", b"./s"], True),
        ([b"/bin/sh", b"-e", b"./s", b"x"], True),
        ([b"/bin/sh", b"-e", b"x", b"./s"], False),
        ([b"./s"], False),
        ([b"/bin/bash", b"./s"], False),
        ([b"/bin/sh", b"/home/u/s"], False),
        ([], False),
    ],
)
def test_scripts_by_their_records(words: list[bytes], expected: bool) -> None:
    """Interpreter and script stand in front of the arguments, one argument at most between."""
    records = [CWD, path(0, b'"./s"'), path(1, b'"/bin/sh"'), path(2, b'"/lib/ld.so"')]

    assert expected == execution(words, records).is_script


def test_shell_that_is_given_a_script() -> None:
    """A shell that is called with a file is the program that was asked for."""
    records = [CWD, path(0, b'"/bin/sh"'), path(1, b'"/lib/ld.so"')]
    found = execution([b"/bin/sh", b"./s"], records)

    assert not found.is_script
    assert found.script() is None


def test_order_of_records() -> None:
    """Items count, not places; of two records for one item the first does."""
    records = [path(1, b'"/bin/sh"'), path(0, b'"/s"'), CWD, path(0, b'"/t"')]
    found = execution([b"/bin/sh", b"/s"], records)

    assert (found.program, found.is_script) == (b"/s", True)


def test_missing_arguments() -> None:
    """An argument that did not come stands as an empty one."""
    assert execution([b"a", None, b"c"], []).arguments == (b"a", b"", b"c")


def test_path_without_an_inode() -> None:
    """A file that was not there when the record was made."""
    assert execution([b"x"], [path(0, b'"/a"', b" nametype=UNKNOWN")]).inode == b""


@pytest.mark.parametrize(
    ("inode", "is_script", "running", "expected"),
    [
        (b"7", False, b"", None),
        (b"7", True, b"", b"/s"),
        (b"7", True, b"7", None),
        (b"7", False, b"8", b"/s"),
        (b"", False, b"8", None),
        (b"", True, b"8", b"/s"),
    ],
)
def test_script(inode: bytes, is_script: bool, running: bytes, expected: bytes | None) -> None:
    """The inode of what runs knows of interpreters that the records do not show."""
    assert expected == Execution((), b"/s", inode, is_script).script(running)
