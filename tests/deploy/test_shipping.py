"""What laurel-mp writes comes out of rsyslog and syslog-ng as it was, at another host."""

import signal
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support import shippers
from tests.support.commands import convert
from tests.support.corpus import corpus_bytes
from tests.support.machine import CHECKOUT
from tests.support.plugin import configure, plugin
from tests.support.shippers import Shipper
from tests.support.waiting import wait_until

Start = Callable[[Path], AbstractContextManager[Shipper]]

CORPUS = CHECKOUT / "tests" / "corpus"
CAPTURES = [CORPUS / f"{name}.raw.txt.xz" for name in ("users", "argv", "concurrent")]
"""Events of all kinds, one of them of 150 kB; times go up."""


@pytest.fixture(params=[shippers.rsyslog, shippers.syslog_ng])
def start(request: pytest.FixtureRequest, requires_root: None) -> Start:
    """Starts one of them."""
    found: Start = request.param
    return found


def _expected(config: Path, lines: bytes) -> bytes:
    """All events, as a file would have them."""
    return convert("-c", config, "-w", "0", stdin=lines).stdout


def test_from_a_socket(start: Start, tmp_path: Path) -> None:
    """Sent to a socket of theirs, each event arrives unaltered."""
    lines = b"".join(corpus_bytes(path) for path in CAPTURES)
    with start(tmp_path) as shipper:
        config = configure(tmp_path, sections=f'[auditlog]\nfile = "unix:{shipper.socket}"')
        expected = _expected(config, lines)
        with plugin(config) as running:
            running.give(lines)
            assert running.end() == 0
        _arrives(shipper, expected)


def test_from_a_file(start: Start, tmp_path: Path) -> None:
    """Read from the log, each event arrives unaltered, also from a file that was begun anew."""
    first, second = corpus_bytes(CAPTURES[0]), b"".join(map(corpus_bytes, CAPTURES[1:]))
    config = configure(tmp_path)
    expected = _expected(config, first + second)
    with plugin(config) as running:
        running.give(first)
        with start(tmp_path) as shipper:
            wait_until(lambda: len(shipper.collector.data()) > 1000, "events arrive", 20)
            running.process.send_signal(signal.SIGUSR1)
            wait_until((tmp_path / "audit.log.1").exists, "there is a new file")
            running.give(second)
            assert running.end() == 0
            _arrives(shipper, expected)


def _arrives(shipper: Shipper, expected: bytes) -> None:
    received = shipper.collector.data
    wait_until(lambda: len(received()) >= len(expected), "everything has arrived", 30)
    assert expected.splitlines() == received().splitlines()


def test_vector_configuration_is_toml() -> None:
    """It can be read, and reads the log."""
    text = (CHECKOUT / "deploy/ship/vector.toml").read_text()
    sources = tomllib.loads(text)["sources"]
    assert sources["laurel_mp"]["include"] == ["/var/log/laurel-mp/audit.log"]
