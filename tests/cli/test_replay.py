"""`laurel-mp replay` as a user meets it."""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from laurel_mp.loadtest.rounds import repeat
from tests.support.commands import COMMAND

EVENT = (
    b"type=SYSCALL msg=audit(100.500:7): arch=c000003e syscall=59 items=1 ppid=1 pid=400 auid=0"
    b' comm="sh" key=(null)\n'
    b"type=EOE msg=audit(100.500:7): \n"
)


def replay(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, "replay", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_long_stream_from_a_packed_capture(tmp_path: Path) -> None:
    """A capture is unpacked, repeated and written to a file of the user's own."""
    packed, output = tmp_path / "capture.txt.xz", tmp_path / "long.txt"
    packed.write_bytes(lzma.compress(EVENT))

    done = replay(packed, "--lines", 5, "--move-pids", "--speed", "max", "-o", output)

    assert b"".join(repeat(EVENT, 5, move_pids=True)) == output.read_bytes()
    assert output.stat().st_mode & 0o077 == 0
    assert (done.returncode, done.stdout) == (0, b"")
    assert re.match(rb"laurel-mp: 3 events, 6 lines, \d+ bytes, \d+ lines/s\n$", done.stderr)


def test_standard_input_and_output() -> None:
    """Without names it is a filter, also at its own speed."""
    done = replay("--events", 2, "--speed", "100", stdin=EVENT)

    assert b"".join(repeat(EVENT, 4)) == done.stdout
    assert done.returncode == 0


def test_now() -> None:
    """The first time stamp is the present one."""
    before = int(time.time())

    done = replay("--now", stdin=EVENT)

    first = re.search(rb"audit\((\d+)\.500:7\)", done.stdout)
    assert first
    assert before <= int(first[1]) <= time.time()


def test_closed_reader(tmp_path: Path) -> None:
    """A reader that has enough is no error, and nothing but the summary is said."""
    path = tmp_path / "capture.txt"
    path.write_bytes(EVENT)
    command = [*COMMAND, "replay", str(path), "--loop", "0", "--rate", "100000"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert len(EVENT) == len(os.read(process.stdout.fileno(), len(EVENT)))
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == 0
    assert re.match(rb"laurel-mp: [^\n]*; the reader closed\n$", said)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "0"], b"expected a number above 0: '0'"),
        (["--speed", "fast"], b"expected a number above 0: 'fast'"),
        (["--rate", "nan"], b"expected a number above 0: 'nan'"),
        (["--rate", "inf"], b"expected a number above 0: 'inf'"),
        (["--loop", "-1"], b"expected a number: '-1'"),
        (["--loop", "2", "--lines", "5"], b"not allowed with argument"),
        (["--speed", "2", "--rate", "5"], b"not allowed with argument"),
    ],
)
def test_wrong_usage(arguments: list[str], message: bytes) -> None:
    """It is said what is wrong, without a traceback."""
    done = replay(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_input_is_not_overwritten(tmp_path: Path) -> None:
    """The output may not be one of the captures."""
    path = tmp_path / "capture.txt"
    path.write_bytes(EVENT)

    done = replay(path, "-o", path)

    assert done.returncode == 2
    assert path.read_bytes() == EVENT


def test_missing_capture(tmp_path: Path) -> None:
    """One line says which."""
    done = replay(tmp_path / "nothing")

    assert done.returncode == 1
    assert f"laurel-mp: {tmp_path}/nothing: cannot be read: No such file" in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
