"""The outputs of a run: which there are, and what a former run has left of them."""

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest

from laurel_mp.config import Config
from laurel_mp.config.schema import AuditLog, Debug, Filter, FilterLog, LogFile, ParseErrorLog
from laurel_mp.errors import OutputError
from laurel_mp.outputs.acl import Readers
from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.target import Target
from laurel_mp.outputs.unwritten import Pending, Unwritten
from laurel_mp.pipeline.runner.run_outputs import Outputs, open_copy
from laurel_mp.stages.stage_messages import Merged
from tests.support.outputs import EnoughError, Waiting, lines, outputs_to, small_disk


def config(tmp_path: Path, **sections: Any) -> Config:
    """A configuration with `tmp_path` as its directory."""
    return replace(Config(), directory=str(tmp_path), **sections)


def all_outputs(tmp_path: Path) -> Config:
    """A configuration with all three outputs."""
    return config(
        tmp_path,
        auditlog=AuditLog(read_users=("root",), read_groups=("root",), read_other=True),
        filter=Filter(filter_action="log"),
        filterlog=FilterLog(file="filtered.log", size=1, generations=2),
        debug=Debug(parse_error_log=ParseErrorLog(file="errors.log")),
    )


def test_of_the_configuration(tmp_path: Path) -> None:
    """Names, sizes and readers are those of the configuration."""
    assert Outputs.of_plugin(all_outputs(tmp_path)) == outputs_to(
        Target(f"{tmp_path}/audit.log", 10 << 20, 5, Readers((0,), (0,), other=True), "checkpoint"),
        Target(f"{tmp_path}/filtered.log", 1, 2, Readers(), "checkpoint"),
        Target(f"{tmp_path}/errors.log", 10 << 20, 5, Readers(), "checkpoint"),
    )


def test_on_the_way_to_the_writer(tmp_path: Path) -> None:
    """The writer gets what ingest has made of the configuration."""
    for outputs in (
        Outputs.of_plugin(all_outputs(tmp_path)),
        outputs_to(Target("-"), append=False),
    ):
        plain = msgpack.unpackb(msgpack.packb(outputs.to_plain()))

        assert Outputs.of_plain(plain) == outputs


def test_filtered_events_without_an_output(tmp_path: Path) -> None:
    """L20: to log filtered events takes a place for them; main events have one by default."""
    with pytest.raises(OutputError, match=r"needs a file in \[filterlog\]"):
        Outputs.of_plugin(config(tmp_path, filter=Filter(filter_action="log")))
    assert Outputs.of_plugin(config(tmp_path)).targets[0].name == f"{tmp_path}/audit.log"


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (AuditLog(read_users=("no-such-user",)), "audit.log: no such user: 'no-such-user'"),
        (AuditLog(read_groups=("no-such-group",)), "audit.log: no such group: 'no-such-group'"),
    ],
)
def test_unknown_readers(tmp_path: Path, log: AuditLog, message: str) -> None:
    """Readers who do not exist are an error at the start."""
    with pytest.raises(OutputError, match=message):
        Outputs.of_plugin(config(tmp_path, auditlog=log))


@pytest.mark.parametrize("name", ["audit.log", "./audit.log", "audit.log.1"])
def test_one_file_for_two(tmp_path: Path, name: str) -> None:
    """No output writes to the file of another, nor does a copy."""
    for debug in (
        Debug(parse_error_log=ParseErrorLog(file=name)),
        Debug(inputlog=LogFile(file=name)),
        Debug(log=LogFile(file=name)),
    ):
        with pytest.raises(OutputError, match=r"two outputs|former file"):
            Outputs.of_plugin(config(tmp_path, debug=debug))


def test_all_texts_have_their_place(tmp_path: Path) -> None:
    """Events, filtered events and malformed lines go to their outputs; what has none is left."""
    outputs = Outputs.of_plugin(all_outputs(tmp_path))
    with outputs.open() as opened:
        opened.write(0, Merged(b"event\n", b"filtered\n"), b"malformed\n")
        opened.rotate()
        opened.write(1, Merged(b"event 1\n", b""), b"")
        opened.tick()
        opened.sync()
        assert opened.done == 1
    with outputs_to(Target(f"{tmp_path}/only"), waits=False).open() as opened:
        opened.write(0, Merged(b"event\n", b"filtered\n"), b"malformed\n")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}

    assert found == {
        "audit.log.1": "event\n",
        "audit.log": "event 1\n",
        "filtered.log.1": "filtered\n",
        "filtered.log": "",
        "errors.log.1": "malformed\n",
        "errors.log": "",
        "only": "event\n",
    }


def test_a_command_truncates_its_output(tmp_path: Path) -> None:
    """A command truncates the output it was given; configured logs are continued."""
    outputs = Outputs.of_command(all_outputs(tmp_path), f"{tmp_path}/out")
    for _ in range(2):
        with outputs.open() as opened:
            opened.write(0, Merged(b"event\n", b"filtered\n"), b"malformed\n")

    assert (tmp_path / "out").read_bytes() == b"event\n"
    assert (tmp_path / "errors.log").read_bytes() == b"malformed\n" * 2


def test_a_run_that_gave_up(tmp_path: Path, requires_root: None) -> None:
    """L1: what a full disk did not take goes into the state, and the next run completes it."""
    with small_disk(tmp_path / "disk") as disk:
        outputs = outputs_to(Target(f"{disk}/x.log"), Target(f"{disk}/y.log"))
        waiting = Waiting()
        waiting.then = waiting.give_up
        journal = Journal.create()
        text, filtered = lines(8000, 47), lines(3, 20)
        with outputs.open(journal, waiting) as opened:
            opened.write(6, Merged(lines(1, 20), b""), b"")
            with pytest.raises(EnoughError):
                opened.write(7, Merged(text, filtered), b"")
        left = outputs.unwritten(journal)
        size = (disk / "x.log").stat().st_size
        journal.close()

        assert left.batch == 7
        assert left.texts["auditlog"].torn == (size - 20) % 47
        assert left.texts["filterlog"] == Unwritten(filtered, 0)

        enlarge(disk)
        plain = msgpack.packb(left.to_plain())
        journal = Journal.create()
        outputs.restore(journal, Pending.of_plain(msgpack.unpackb(plain)))
        with outputs.open(journal) as opened:
            assert opened.done == 7
            opened.write(8, Merged(b"next\n", b""), b"")
        journal.close()

        assert (disk / "x.log").read_bytes() == lines(1, 20) + text + b"next\n"
        assert (disk / "y.log").read_bytes() == filtered


def enlarge(disk: Path) -> None:
    """Make a disk larger."""
    subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)


def test_rest_of_an_output_that_is_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Unwritten lines of an output that was removed are discarded, with a message."""
    outputs = outputs_to(Target(f"{tmp_path}/x.log"))
    journal = Journal.create()
    outputs.restore(journal, Pending(3, {"filterlog": Unwritten(b"one\n", 0)}))
    with outputs.open(journal) as opened:
        opened.write(4, Merged(b"two\n", b""), b"")
    journal.close()

    assert (tmp_path / "x.log").read_bytes() == b"two\n"
    assert caplog.messages == ["discarding 4 bytes of an earlier run: there is no filterlog now"]


def test_an_output_that_does_not_open(tmp_path: Path) -> None:
    """It is an error at the start, and waited for if it was open before."""
    outputs = outputs_to(Target(f"{tmp_path}/d/x.log"))
    with pytest.raises(OutputError, match="cannot be written: No such file"), outputs.open():
        pass
    waiting = Waiting()
    waiting.then = (tmp_path / "d").mkdir
    with outputs.open(None, waiting, again=True) as opened:
        opened.write(0, Merged(b"one\n", b""), b"")

    assert (tmp_path / "d" / "x.log").read_bytes() == b"one\n"
    assert waiting.reasons


def test_line_prefix(tmp_path: Path) -> None:
    """Each line of a sink gets its prefix; a batch without lines gets none."""
    outputs = Outputs.of_plugin(
        config(
            tmp_path,
            auditlog=AuditLog(line_prefix="@cee: "),
            filter=Filter(filter_action="log"),
            filterlog=FilterLog(file="filtered.log", line_prefix="F "),
        )
    )
    with outputs.open() as opened:
        assert opened.write(0, Merged(b"", b""), b"") == 0
        assert opened.write(1, Merged(b"a\nb\n", b"c\n"), b"d\n") == 20

    assert (tmp_path / "audit.log").read_bytes() == b"@cee: a\n@cee: b\n"
    assert (tmp_path / "filtered.log").read_bytes() == b"F c\n"


def test_copies(tmp_path: Path) -> None:
    """A copy of the input is made where one is configured."""
    settings = config(tmp_path, debug=Debug(inputlog=LogFile(file="input.log")))
    copy = open_copy(settings, settings.debug.inputlog)
    assert copy is not None
    copy.write(b"line\n")
    copy.close()

    assert (tmp_path / "input.log").read_bytes() == b"line\n"
    assert open_copy(settings, settings.debug.log) is None


def in_child(do: Callable[[], None]) -> int:
    """Run something in a process of its own; its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            do()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_program_and_writer_die_together(tmp_path: Path) -> None:
    """L1: lines that neither the program nor the writer lived to handle come again."""
    script = tmp_path / "reads"
    script.write_text(f"#!/bin/sh\nread line && echo $line >> {tmp_path}/out\nsleep 0.1\n")
    script.chmod(0o755)
    outputs = outputs_to(Target(f"| {script}"))
    journal = Journal.create()

    def write() -> None:
        def give_up(_reason: str) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        with outputs.open(Journal(journal.fd), give_up) as opened:
            opened.write(0, Merged(lines(100, 20), b""), b"")

    assert in_child(write) == -signal.SIGKILL
    left = outputs.unwritten(journal)
    script.write_text(f"#!/bin/sh\ncat >> {tmp_path}/out\n")
    with outputs.open(journal) as opened:
        assert opened.done == 0
    journal.close()

    assert lines(100, 20).endswith(left.texts["auditlog"].text)
    found = (tmp_path / "out").read_bytes().splitlines()
    assert list(dict.fromkeys(found)) == lines(100, 20).splitlines()
