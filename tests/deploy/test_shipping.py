"""rsyslog and syslog-ng deliver laurel-mp's lines unchanged to another host."""

import signal
import tomllib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support import shippers
from tests.support.commands import convert
from tests.support.corpus import corpus_bytes
from tests.support.machine import CHECKOUT
from tests.support.plugin import configure, plugin
from tests.support.shippers import Shipper
from tests.support.stream import Stream
from tests.support.waiting import wait_until

Start = Callable[[Path], AbstractContextManager[Shipper]]

CORPUS = CHECKOUT / "tests" / "corpus"
CAPTURES = [CORPUS / f"{name}.raw.txt.xz" for name in ("users", "argv", "concurrent")]
"""Events of all kinds, one of them of 150 kB; times go up."""

PATIENT = "end-of-event-timeout = 60"
"""So that it does not matter how long anything takes."""

ODD = (
    "\xe9t\xe9",
    b"\xff\xfe",
    "100% %41 %0A",
    "\u2028\u0085",
    "a\tb\nc\rd\x1be\x7f",
    "\\n\"'",
    " x ",
)
"""Text that is escaped, or looks so, in several ways."""


@pytest.fixture(params=[shippers.rsyslog, shippers.syslog_ng])
def start(request: pytest.FixtureRequest, requires_root: None) -> Start:
    """Starts one of them."""
    found: Start = request.param
    return found


def _lines() -> bytes:
    """Captures, odd events, and long ones: one argument, and nearly what the programs allow."""
    stream = Stream(seconds=2_000_000_000)
    words: list[Sequence[str | bytes]]
    words = [ODD, ["A" * 120_000], ["\xfc" * 60_000, *ODD], ["B" * 120_000] * 32, ["last"]]
    for argv in words:
        stream.execute(stream.serial, 1, "/usr/bin/printf", "printf", *argv)
    return b"".join(map(corpus_bytes, CAPTURES)) + stream.text()


def _pieces(lines: bytes, count: int) -> list[bytes]:
    """The same in so many pieces of whole lines."""
    each = lines.splitlines(keepends=True)
    size = -(-len(each) // count)
    return [b"".join(each[start : start + size]) for start in range(0, len(each), size)]


def _expected(config: Path, lines: bytes) -> bytes:
    """All events, as a file would have them."""
    return convert("-c", config, "-w", "0", stdin=lines).stdout


def test_from_a_socket(start: Start, tmp_path: Path) -> None:
    """Sent to a socket of theirs, each event arrives unaltered."""
    lines = _lines()
    with start(tmp_path) as shipper:
        config = configure(
            tmp_path, more=PATIENT, sections=f'[auditlog]\nfile = "unix:{shipper.socket}"'
        )
        expected = _expected(config, lines)
        with plugin(config) as running:
            running.give(lines)
            assert running.end() == 0
        _arrives(shipper, expected)


def test_from_a_file(start: Start, tmp_path: Path) -> None:
    """Read from the log, each event arrives unaltered, while files are rotated."""
    lines = _lines()
    config = configure(tmp_path, more=PATIENT, sections="[auditlog]\nsize = 0")
    expected = _expected(config, lines)
    with plugin(config) as running, start(tmp_path) as shipper:
        received = shipper.collector.data
        for number, piece in enumerate(_pieces(lines, 3), 1):
            before, behind = _pieces(piece, 2)
            begin = len(received())
            running.give(before)
            # A reader that looks for files each second has not seen one that is gone before.
            wait_until(lambda: len(received()) > begin, "it is being read", 20)  # noqa: B023
            running.process.send_signal(signal.SIGUSR1)
            running.give(behind)
            wait_until((tmp_path / f"audit.log.{number}").exists, "there is a new file", 20)
            # Nor one that two others have come after.
            wait_until(lambda: len(received()) >= _size(tmp_path), "everything has arrived", 30)
        assert running.end() == 0
        _arrives(shipper, expected)


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("audit.log*"))


@pytest.mark.parametrize("source", ["file", "socket"])
def test_restart(start: Start, tmp_path: Path, source: str) -> None:
    """A reader that is restarted continues where it was: no event is missing."""
    pieces = _pieces(_lines(), 3)
    if source == "file":
        config = configure(tmp_path, more=PATIENT, sections="[auditlog]\nsize = 0")
    else:
        config = configure(
            tmp_path, more=PATIENT, sections=f'[auditlog]\nfile = "unix:{tmp_path}/ship.sock"'
        )
    expected = _expected(config, b"".join(pieces)).splitlines()
    with plugin(config) as running:
        with start(tmp_path) as first:
            running.give(pieces[0])
            wait_until(lambda: len(first.collector.data()) > 100_000, "events arrive", 30)
        running.give(pieces[1])
        with start(tmp_path) as second:
            running.give(pieces[2])
            assert running.end() == 0
            last = expected[-1] + b"\n"
            wait_until(lambda: second.collector.data().endswith(last), "the last one arrives", 30)

    received = [*first.collector.data().splitlines(), *second.collector.data().splitlines()]
    # What a reader may not have read comes again, and a connection may end within a line.
    assert expected == list(dict.fromkeys(line for line in received if line in set(expected)))
    assert len(received) - len(expected) < 1000


def _arrives(shipper: Shipper, expected: bytes) -> None:
    received = shipper.collector.data
    wait_until(lambda: len(received()) >= len(expected), "everything has arrived", 30)
    assert expected.split(b"\n") == received().split(b"\n")


def test_vector_configuration_is_toml() -> None:
    """It can be read, and reads the log."""
    text = (CHECKOUT / "deploy/ship/vector.toml").read_text()
    sources = tomllib.loads(text)["sources"]
    assert sources["laurel_mp"]["include"] == ["/var/log/laurel-mp/audit.log"]
