"""Messages go where administrators look for them, and block no process."""

import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from laurel_mp.observe import log

SAY = """
import logging, sys
from laurel_mp.observe import log
log.SYSLOG = sys.argv[1]
log.start_logging()
say = logging.getLogger("x")
"""


def run(code: str, syslog: Path, stderr: int) -> tuple[bytes, bytes]:
    """Run code that says something, with another syslog; return what stdout and stderr got."""
    done = subprocess.run(
        [sys.executable, "-c", SAY + code, syslog],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=True,
        timeout=60,
    )
    return done.stdout, done.stderr or b""


@contextmanager
def listening(place: Path) -> Iterator[socket.socket]:
    """A socket that listens at a path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(place))
        listener.settimeout(20)
        yield listener


@pytest.fixture
def place() -> Iterator[Path]:
    """A path for a syslog socket, short enough for an address."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory) / "log"


def message(listener: socket.socket) -> str:
    """The next message."""
    return listener.recv(10_000).decode()


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    """A message for a handler."""
    return logging.LogRecord("x", level, "", 0, text, None, None)


def test_stderr(place: Path) -> None:
    """S12: Messages go to stderr if that leads somewhere, and never to stdout."""
    out, err = run('say.info("hello %s", "there")', place, subprocess.PIPE)

    assert err == b"laurel-mp: hello there\n"
    assert out == b""


def test_syslog(place: Path) -> None:
    """With stderr at /dev/null, as auditd sets it up, messages go to syslog with priority."""
    code = 'say.info("a"); say.warning("b"); say.error("c"); say.critical("d")'
    with listening(place) as listener:
        out, _ = run(code, place, subprocess.DEVNULL)
        messages = [message(listener) for _ in range(4)]

    assert [text.split("laurel-mp[")[0] for text in messages] == ["<30>", "<28>", "<27>", "<26>"]
    assert [text.split("]: ")[1] for text in messages] == ["a", "b", "c", "d"]
    assert out == b""


def test_no_syslog(place: Path) -> None:
    """Without a syslog messages are dropped, and nothing fails."""
    run('say.info("hello")', place, subprocess.DEVNULL)


def test_hostile_text(place: Path) -> None:
    """One message is one line without control characters, however long or wrong it is."""
    code = r"say.error('bad \n\x1b[31m <13>fake %s', '\ud800' + 'x' * 5000); say.error('%d', 'x')"
    _, err = run(code + "; say.info('end')", place, subprocess.PIPE)

    first, last = err.decode().splitlines()[0], err.decode().splitlines()[-1]
    assert first.startswith(r"laurel-mp: bad \n\x1b[31m <13>fake \ud800xxx")
    assert len(first) < 1100
    assert last == "laurel-mp: end"


def test_exceptions(place: Path) -> None:
    """A fault of ours is one line with its places, no traceback."""
    code = "\ntry:\n 1 / 0\nexcept Exception: say.exception('internal error')"
    _, err = run(code, place, subprocess.PIPE)

    assert err.decode().startswith(
        "laurel-mp: internal error: ZeroDivisionError: division by zero ("
    )
    assert err.count(b"\n") == 1


def test_children(place: Path) -> None:
    """Children say who they are, and their process id is theirs."""
    code = """
import os
if os.fork() == 0:
    log.speak_as("worker 2/4")
    say.warning("hello %d", os.getpid())
    os._exit(0)
os.wait()
say.warning("bye")
"""
    with listening(place) as listener:
        run(code, place, subprocess.DEVNULL)
        child, parent = message(listener), message(listener)

    pid = child.rpartition(" ")[2]
    assert child == f"<28>laurel-mp[{pid}]: worker 2/4: hello {pid}"
    assert parent.endswith("]: bye")
    assert f"[{pid}]" not in parent


def test_syslog_that_does_not_read(place: Path) -> None:
    """Messages without room are kept and sent later, once, without waiting."""
    with listening(place) as listener:
        handler = log.Syslog(str(place))
        for number in range(100):
            handler.emit(record(f"message {number}"))
        arrived: list[str] = []
        while len(arrived) < 100:
            arrived.append(message(listener).rpartition("]: ")[2])
            handler.flush()

        assert arrived == [f"message {number}" for number in range(100)]
        assert not handler.lost
    handler.close()


def test_syslog_that_never_reads(place: Path) -> None:
    """Messages beyond the buffer are lost and counted; a later message has the count."""
    with listening(place) as listener:
        handler = log.Syslog(str(place))
        for number in range(3000):
            handler.emit(record(f"message {number}"))
        assert handler.lost
        arrived: list[str] = []
        while len(arrived) < 3001 - handler.lost:
            arrived.append(message(listener).rpartition("]: ")[2])
            handler.flush()

        assert arrived[:-1] == [f"message {number}" for number in range(3000 - handler.lost)]
        assert arrived[-1] == f"{handler.lost} log messages lost: no room"
        assert not select.select([listener], [], [], 0)[0]
    handler.close()


def test_syslog_that_comes_back(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restarted syslog gets the messages; meanwhile connections are tried seldom."""
    monkeypatch.setattr(log, "RETRY", 1000.0)
    handler = log.Syslog(str(place))
    handler.emit(record("first"))
    with listening(place) as listener:
        handler.emit(record("too early to look again"))
        handler._retry_at = 0.0
        handler.flush()
        assert message(listener).endswith("]: first")
        assert message(listener).endswith("]: too early to look again")
    place.unlink()
    handler._retry_at = 0.0
    handler.emit(record("it is gone"))
    handler._retry_at = 0.0
    with listening(place) as listener:
        handler.emit(record("second"))
        assert message(listener).endswith("]: it is gone")
        assert message(listener).endswith("]: second")
    assert not handler.lost
    handler.close()


def test_end_waits_a_moment(place: Path) -> None:
    """At the end the last messages have a moment to find room."""
    code = "for number in range(50): say.info('%d', number)"
    with listening(place) as listener:
        found: list[str] = []
        reader = threading.Thread(
            target=lambda: found.extend(message(listener).rpartition(" ")[2] for _ in range(50))
        )
        reader.start()
        run(code, place, subprocess.DEVNULL)
        reader.join()

    assert found == [str(number) for number in range(50)]


def test_stderr_that_nobody_reads() -> None:
    """A full pipe does not block."""
    read, write = os.pipe()
    code = SAY + "for number in range(5000): say.info('x' * 100)\nprint(log.statistics().lost)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, "/none"],
            stdout=subprocess.PIPE,
            stderr=write,
            check=True,
            timeout=60,
        )
    finally:
        os.close(write)
        os.close(read)

    assert int(done.stdout) > 1000


def test_another_handler(place: Path) -> None:
    """A handler for a file gets all messages, with their time and priority."""
    code = """
from pathlib import Path
handler = logging.FileHandler(sys.argv[1])
log.add_handler(handler)
say.error("a\\nb")
log.remove_handler(handler)
say.error("later")
"""
    run(code, place, subprocess.PIPE)

    [line] = place.read_text().splitlines()
    time, rest = line.split(" ", 1)
    assert len(time) == len("2026-01-01T00:00:00+0000")
    assert rest.startswith("ERROR laurel-mp[")
    assert rest.endswith(r"]: a\nb")
