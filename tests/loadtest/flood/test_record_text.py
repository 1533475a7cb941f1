"""Values as the kernel writes them, compared with what it has written."""

import re

import pytest

from laurel_mp.loadtest.flood import record_text
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

ARGUMENTS = next(path for path in corpus_files() if corpus_name(path) == "argv.raw")

_execve = re.compile(r"(?m)^type=EXECVE msg=audit\((\S+)\): (.*)$")
_argument = re.compile(r'(?:^| )a(\d+)(?:\[\d+\])?=("[^"]*"|\S*)(?= |$)')


def _captured() -> dict[str, list[str]]:
    """The bodies of EXECVE records by event."""
    events: dict[str, list[str]] = {}
    for id_, body in _execve.findall(corpus_bytes(ARGUMENTS).decode("latin1")):
        events.setdefault(id_, []).append(body)
    return events


def _arguments(bodies: list[str]) -> list[str]:
    """The command line that the records stand for."""
    found: dict[int, str] = {}
    for body in bodies:
        for number, value in _argument.findall(body):
            piece = value[1:-1] if value[:1] == '"' else bytes.fromhex(value).decode("latin1")
            found[int(number)] = found.get(int(number), "") + piece
    return [found[number] for number in range(len(found))]


@pytest.mark.parametrize("bodies", _captured().values(), ids=_captured().keys())
def test_command_lines_are_cut_as_the_kernel_does(bodies: list[str]) -> None:
    """Empty, quoted, hexadecimal, long and many arguments: the records are those of the capture."""
    assert bodies == record_text.execve(_arguments(bodies))


def test_there_are_command_lines() -> None:
    """None is lost because the expression does not match."""
    assert len(_captured()) == 20


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["id"], '"id"'),
        (["date", "-Is"], "64617465002D4973"),
        (["x" * 200], f'"{"x" * 128}"'),
        (["a b"], "612062"),
    ],
)
def test_proctitle(arguments: list[str], expected: str) -> None:
    """128 bytes of the command line; in quotes if it is a single plain word."""
    assert expected == record_text.proctitle(arguments)


def test_users() -> None:
    """As auditd's translations have them."""
    assert [record_text.user(uid) for uid in (0, record_text.UNSET, 7)] == [
        '"root"',
        '"unset"',
        '"unknown(7)"',
    ]
