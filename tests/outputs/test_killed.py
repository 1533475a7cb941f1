"""Writers that are killed: real processes, at every step that they take and at any time."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.stages.stage_messages import Merged
from tests.support.outputs import lines, outputs_to
from tests.support.waiting import wait_until

BATCHES = [
    Merged(lines(7, 50), b""),
    Merged(lines(1, 30, 7) + lines(1, 300, 8), lines(3, 30)),
    Merged(b"", b""),
    Merged(lines(9, 40, 9), lines(2, 30, 3)),
]
EVENTS = b"".join(batch.text for batch in BATCHES)
FILTERED = b"".join(batch.filtered for batch in BATCHES)


def outputs(directory: Path, size: int = 100, generations: int = 1000) -> Outputs:
    """Small files of events and of filtered events."""
    return outputs_to(
        Target(str(directory / "x.log"), size, generations),
        Target(str(directory / "y.log"), size, generations),
    )


def write_all(opened: Outputs, journal: Journal, batches: list[Merged]) -> None:
    """A writer."""
    with opened.open(Journal(journal.fd)) as writer:
        for number, batch in enumerate(batches):
            if number > writer.done:
                writer.write(number, batch, b"")


def in_child(do: Callable[[], None]) -> int:
    """Run something in a process of its own; its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            do()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Killer:
    """Kills this process at a certain step, a write perhaps in its middle."""

    def __init__(self, step: int, part: float) -> None:
        self.left = step
        self.part = part
        for holder, name in ((os, "write"), (os, "pwrite"), (os, "ftruncate"), (os, "open"),
                             (os, "fchmod"), (os, "close"),
                             (Path, "rename"), (Path, "unlink")):  # fmt: skip
            setattr(holder, name, self.wrapped(getattr(holder, name), name))

    def wrapped(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        """A system call that may be the last one."""

        def counted(*arguments: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                if self.part and name.endswith("write"):
                    fd, data, *rest = arguments
                    call(fd, bytes(data)[: int(len(data) * self.part)], *rest)
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return counted


def contents(path: Path) -> bytes:
    """All generations of a file, one after another."""
    old = sorted(path.parent.glob(f"{path.name}.*"), key=lambda each: -int(each.suffix[1:]))
    return b"".join(each.read_bytes() for each in (*old, path))


@pytest.mark.parametrize("size", [100, 0])
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_killed_at_every_step(tmp_path: Path, part: float, size: int) -> None:
    """Wherever a writer was killed, and its successor too: every byte is there, once."""
    step, status = 0, -1
    rng = random.Random(1)
    while status != 0:
        step += 1
        directory = tmp_path / str(step)
        directory.mkdir()
        journal = Journal.create()
        to = outputs(directory, size)

        def killed(at: int) -> Callable[[], None]:
            def write() -> None:
                Killer(at, part)
                write_all(to, journal, BATCHES)  # noqa: B023 - it runs at once

            return write

        status = in_child(killed(step))
        in_child(killed(rng.randrange(1, 30)))
        write_all(to, journal, BATCHES)
        assert contents(directory / "x.log") == EVENTS
        assert contents(directory / "y.log") == FILTERED
        journal.close()
    assert step > 30


def test_no_generations(tmp_path: Path) -> None:
    """Without generations, the content of the last file is exact all the same."""
    expected = tmp_path / "expected"
    expected.mkdir()
    write_all(outputs(expected, 100, 0), Journal.create(), BATCHES)
    for step in range(1, 100):
        directory = tmp_path / str(step)
        directory.mkdir()
        journal = Journal.create()
        to = outputs(directory, 100, 0)

        def write() -> None:
            Killer(step, 0.5)  # noqa: B023
            write_all(to, journal, BATCHES)  # noqa: B023

        in_child(write)
        write_all(to, journal, BATCHES)
        for name in ("x.log", "y.log"):
            assert (directory / name).read_bytes() == (expected / name).read_bytes()
        journal.close()


def test_killed_at_any_time(tmp_path: Path) -> None:
    """A writer that is killed again and again, while it writes much, loses no byte."""
    rng = random.Random(2)
    batches = [Merged(lines(500, 60, 500 * number), lines(20, 30)) for number in range(40)]
    journal = Journal.create()
    to = outputs(tmp_path, 20_000, 10_000)
    kills = 0
    while True:
        pid = os.fork()
        if pid == 0:
            try:
                write_all(to, journal, batches)
            finally:
                os._exit(0)
        goal = journal.read().batch + 1
        if goal == len(batches):
            os.waitpid(pid, 0)  # however slow it is: it completes the last one
            break
        wait_until(lambda: journal.read().batch >= goal, "it makes progress")  # noqa: B023
        time.sleep(rng.uniform(0.0, 0.01))  # at any moment of what it does then
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        kills += 1
    assert contents(tmp_path / "x.log") == b"".join(batch.text for batch in batches)
    assert contents(tmp_path / "y.log") == b"".join(batch.filtered for batch in batches)
    assert kills


def test_another_configuration(tmp_path: Path) -> None:
    """In another file than before, a torn line is written from its beginning."""
    journal = Journal.create()
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()

    def write() -> None:
        Killer(13, 0.5)
        write_all(outputs(old, 0), journal, BATCHES)

    assert in_child(write) == -signal.SIGKILL
    torn = contents(old / "x.log")
    write_all(outputs(new, 0), journal, BATCHES)
    whole = torn.rfind(b"\n") + 1

    assert 0 < whole < len(torn)
    assert torn[:whole] + contents(new / "x.log") == EVENTS


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["stdout", "command"])
def test_files_of_the_user(tmp_path: Path, kind: str, part: float) -> None:
    """Standard output in a file, and the file of a command, are exact as well."""
    for step in range(1, 30):
        journal = Journal.create()
        path = tmp_path / str(step)
        again = False

        def write() -> None:
            if again:  # noqa: B023
                Killer(100, 0.0)
            else:
                Killer(step, part)  # noqa: B023
            target = Target(str(path) if kind == "command" else "-")  # noqa: B023
            to = outputs_to(target, waits=False, append=False)
            with to.open(Journal(journal.fd), again=again) as writer:  # noqa: B023
                for number in range(writer.done + 1, len(BATCHES)):
                    writer.write(number, BATCHES[number], b"")

        before = os.dup(1)
        stdout = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(stdout, 1)
        try:
            in_child(write)
            again = True
            assert in_child(write) == 0
        finally:
            os.dup2(before, 1)
            os.close(stdout)
            os.close(before)
            journal.close()

        assert path.read_bytes() == EVENTS


@pytest.mark.parametrize("kind", ["stdout", "fifo"])
def test_pipes(tmp_path: Path, kind: str) -> None:
    """A pipe that outlives the writer gets each line whole; some may come twice."""
    journal = Journal.create()
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading, writing = os.pipe()
    if kind == "fifo":
        os.close(reading)
        reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, False)
    received = b""
    for step in range(1, 200):

        def write() -> None:
            Killer(step, 0.5)  # noqa: B023
            if kind == "stdout":
                os.dup2(writing, 1)
            target = Target("-" if kind == "stdout" else str(path))
            write_all(outputs_to(target), journal, BATCHES)

        pid = os.fork()
        if pid == 0:
            try:
                write()
            finally:
                os._exit(0)
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            received += readable(reading)
        received += readable(reading)
        if Journal(journal.fd).read().batch == len(BATCHES) - 1:
            break
    found = [line for line in received.split(b"\n") if line]
    whole = [line for line in found if line + b"\n" in EVENTS]

    assert list(dict.fromkeys(whole)) == EVENTS.splitlines()
    assert len(found) - len(whole) <= step
    os.close(reading)
    os.close(writing)


def readable(fd: int) -> bytes:
    """Content of a pipe now."""
    try:
        return os.read(fd, 1 << 20)
    except BlockingIOError:
        return b""
