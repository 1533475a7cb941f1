"""Programs that read lines, and die."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from laurel_mp.errors import OutputError
from laurel_mp.outputs import program as module
from laurel_mp.outputs.program import Program
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy
from tests.support.outputs import EnoughError, Waiting, lines, policy
from tests.support.waiting import wait_until

READS_AND_DIES = """
import os, signal, sys
most, part, to = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
raw = sys.stdin.buffer.raw
for _ in range(most):
    line = raw.readline()
    if not line:
        break
    with open(to, "ab") as file:
        file.write(line)
else:
    os.read(0, part)
    os.kill(os.getpid(), signal.SIGKILL)
"""

TEXT = lines(1000, 200)


@contextmanager
def running(command: str, waiting: Waiting | None = None) -> Iterator[Program]:
    """A program that is started again soon."""
    program = Program.open(command, policy(f"| {command}", waiting), Backoff(0.001, 0.01))
    try:
        yield program
    finally:
        program.close()


def python(tmp_path: Path, source: str, *arguments: object) -> str:
    """The command that runs a script, with quotes around a word of several."""
    script = tmp_path / "a script.py"
    script.write_text(source)
    return " ".join([sys.executable, "-S", f"'{script}'", *map(str, arguments)])


def test_arguments(tmp_path: Path) -> None:
    """S11: a program has arguments, in quotes where there are blanks; no shell reads them."""
    with running(f"tee '{tmp_path}/a b' {tmp_path}/$(x)") as program:
        program.write(TEXT)

    assert (tmp_path / "a b").read_bytes() == TEXT
    assert (tmp_path / "$(x)").read_bytes() == TEXT


@pytest.mark.parametrize(("most", "part"), [(50, 0), (37, 10), (20, 199), (99, 200)])
def test_dies_again_and_again(tmp_path: Path, most: int, part: int) -> None:
    """S11: one that dies gets a successor, and what it read in part comes again, whole."""
    to = tmp_path / "out"
    text = lines(200, 200)
    sizes: list[int] = []
    with running(python(tmp_path, READS_AND_DIES, most, part, to)) as program:
        program.write(text, sizes.append)
        program.write(lines(5, 200, 200))

    expected = lines(205, 200)
    if part == 200:  # it had read a whole line more when it died
        assert set(to.read_bytes().splitlines()) < set(expected.splitlines())
    else:
        assert to.read_bytes() == expected
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == len(text)
    assert all(size % 200 == 0 for size in sizes)


def test_killed_while_it_works(tmp_path: Path) -> None:
    """L1: a program killed at any moment costs no line that it had not read."""
    to = tmp_path / "out"
    waiting = Waiting()
    with running(python(tmp_path, READS_AND_DIES, 100_000, 0, to), waiting) as program:
        for number in range(20):
            program.write(lines(10, 200, 10 * number))
            assert program._child is not None
            os.kill(program._child.pid, signal.SIGKILL)

    found = to.read_bytes()
    # It may have died between reading a line and writing it.
    assert len(lines(200, 200)) - len(found) <= 20 * 200
    assert found.count(b"\n") * 200 == len(found)


def test_death_is_noticed_while_idle(caplog: pytest.LogCaptureFixture) -> None:
    """No zombie stays, and a successor is there before there is something to read."""
    with running("cat") as program:
        first = program._child
        assert first is not None
        os.kill(first.pid, signal.SIGTERM)
        wait_until(program._is_gone, "it has ended")
        program.tick()
        program.tick()
        second = program._child
        assert second is not None

        assert second.pid != first.pid
        assert not psutil.pid_exists(first.pid)
        assert caplog.messages == ["| cat: the program ended (SIGTERM): restarting it"]


def test_back_off() -> None:
    """One that always dies is started at once, then later and later, and that is told."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    program = Program.open("false", policy("| false", waiting), Backoff(0.4, 0.4))
    with pytest.raises(EnoughError):
        program.write(b"x\n")
    program.close()

    assert "| false: the program ended (status 1)" in waiting.reasons


def test_impatience() -> None:
    """Without patience a program that always dies is an error."""
    program = Program.open("false", StallPolicy("| false"), Backoff())
    with pytest.raises(OutputError, match=r"false: cannot be written: .* ended \(status 1\)"):
        program.write(b"x\n")
    program.close()


def test_program_that_vanishes(tmp_path: Path) -> None:
    """A program that cannot be started any more is waited for."""
    waiting = Waiting()
    path = tmp_path / "program"
    path.symlink_to("/bin/false")
    with running(str(path), waiting) as program:
        path.unlink()
        waiting.then = lambda: path.symlink_to("/bin/cat")
        waiting.after = 1
        program.write(b"")
        program.write(b"x\n")

    assert waiting.reasons
    assert all("cannot start the program: No such file" in reason for reason in waiting.reasons)


def test_program_that_does_not_read() -> None:
    """A program that does not read stalls, with a reason; text counts when it is read."""
    waiting = Waiting()
    waiting.then = waiting.give_up
    sizes: list[int] = []
    with running("sleep 0.7", waiting) as program, pytest.raises(EnoughError):
        program.write(b"x\n", sizes.append)

    assert waiting.reasons == ["| sleep 0.7: the program reads slowly"] * 2
    assert sizes == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-program", "no such program"),
        ("/no/such/program x", "no such program"),
        ("cat 'x", "not a command: No closing quotation"),
        ("''", "no such program"),
    ],
)
def test_no_program(command: str, reason: str) -> None:
    """A program that cannot be started is an error at the start."""
    with pytest.raises(OutputError, match=f"^| {command}: {reason}"):
        Program.open(command, policy("x"))


def test_not_executable(tmp_path: Path) -> None:
    """So is what the kernel does not run."""
    path = tmp_path / "x"
    path.write_bytes(b"\x00")
    path.chmod(0o755)
    with pytest.raises(OutputError, match="x: cannot be started: Exec format error"):
        Program.open(str(path), policy("x"))


def test_environment(tmp_path: Path) -> None:
    """A program has signals, environment and descriptors as from a shell, whatever ours are."""
    to = tmp_path / "out"
    source = f"""
import os
with open("/proc/self/status") as status, open({str(to)!r}, "w") as file:
    found = [line for line in status if line.startswith(("SigBlk", "SigIgn"))]
    fds = [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
    print(*found, sorted(os.environ), len(fds), os.getpgid(0) == os.getpid(), file=file)
os.read(0, 1)
"""
    stray = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(stray, True)
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    try:
        with running(python(tmp_path, source)):
            pass
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGUSR1, before)
        os.close(stray)
    blocked, ignored, rest = to.read_text().splitlines()

    assert int(blocked.split()[1], 16) == 0
    # Python itself ignores SIGPIPE and SIGXFSZ; 32 and 33 are the C library's own.
    assert int(ignored.split()[1], 16) & 0x7FFFFFFF == 1 << 12 | 1 << 24
    # Python adds LC_CTYPE; three files are open: the two that the script has opened, and the list.
    assert rest.strip() == "['LC_CTYPE', 'PATH'] 3 True"


def test_farewell(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """One that does not end with its input is left alone after a while."""
    monkeypatch.setattr(module, "FAREWELL", 0.05)
    program = Program.open("sleep 100", policy("| sleep 100"))
    assert program._child is not None
    pid = program._child.pid
    program.close()
    program.close()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert caplog.messages == ["| sleep 100: the program is still running: leaving it alone"]
