"""`dump-state-period`: the process table in the debug log, now and then, and nowhere else."""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import plugin_config, started, wait_for_children
from tests.support.plugin import ids, write
from tests.support.streams import eoe, event, record, syscall
from tests.support.waiting import wait_until

LIVE: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}

SHELL, CHILD, OTHER = 4_000_002, 4_000_003, 4_000_004  # no such processes are here

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} INFO laurel-mp\[\d+\]: (?:tracker: )?process (\{.*\})"
)


def exec_of(serial: int, pid: int, ppid: int, exe: bytes, node: bytes = b"") -> bytes:
    """A program that is started, as an event."""
    argv = record(b"EXECVE", serial, b'argc=1 a0="x"', node=node)
    call = syscall(serial, pid=pid, ppid=ppid, exe=exe, number=59, node=node)
    return call + argv + eoe(serial, node=node)


def config_of(directory: Path, workers: int) -> Path:
    """A configuration with a debug log that has the table each second."""
    path = plugin_config(directory, workers=workers)
    path.write_text(
        path.read_text() + 'log = { file = "debug.log" }\ndump-state-period = 1\n'
        '[label-process]\nlabel-exe = { "sh$" = "shell" }\n'
        'propagate-labels = ["shell"]\n'
    )
    return path


def debug_log(directory: Path) -> str:
    """The debug log so far."""
    path = directory / "debug.log"
    return path.read_text() if path.exists() else ""


def dumped(directory: Path) -> list[dict[str, Any]]:
    """All processes in the debug log."""
    lines = [line for line in debug_log(directory).splitlines() if " process {" in line]
    matches = [LINE.fullmatch(line) for line in lines]
    return [json.loads(match[1]) for match in matches if match]


@pytest.mark.parametrize("workers", [0, 2])
def test_process_table(tmp_path: Path, workers: int) -> None:
    """The dump has labels, processes that have ended, and those of other nodes."""
    stream = (
        exec_of(7, SHELL, 1, b"/bin/sh")
        + exec_of(8, CHILD, SHELL, b"/usr/bin/caf\xc3\xa9")
        + exec_of(9, OTHER, SHELL, b"/usr/bin/o")
        + syscall(10, pid=OTHER, ppid=SHELL, number=231, exe=b"/usr/bin/o")
        + eoe(10)
        + exec_of(11, CHILD, 1, b"/bin/far", node=b"far")
    )
    with started("-c", config_of(tmp_path, workers), **LIVE) as process:
        write(process, stream)
        wait_until(lambda: len(ids(tmp_path / "audit.log")) == 5, "the stream is there")
        known = len(dumped(tmp_path))
        wait_until(lambda: len(dumped(tmp_path)) >= known + 8, "the table is there, and again")
        _, messages = process.communicate(timeout=60)

    assert process.returncode == 0
    found = {(each.get("node"), each["PID"]): each for each in dumped(tmp_path)}
    assert found[None, SHELL] == {
        "PID": SHELL,
        "PPID": 1,
        "state": "running",
        "EVENT_ID": "1000.000:7",
        "LABELS": ["shell"],
        "comm": "x",
        "exe": "/bin/sh",
    }
    child = found[None, CHILD]
    assert (child["LABELS"], child["exe"]) == (["shell"], "/usr/bin/café")
    assert found[None, OTHER]["state"] == "ended"
    assert found["far", CHILD]["exe"] == "/bin/far"
    assert b" process " not in messages, "others than the debug log have it, too"
    assert "process table: " in debug_log(tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
def test_without_a_log(tmp_path: Path, workers: int) -> None:
    """Without a debug log the table is not dumped."""
    path = plugin_config(tmp_path, workers=workers)
    path.write_text(path.read_text() + "dump-state-period = 1\n")
    with started("-c", path, **LIVE) as process:
        write(process, eoe(1) + event(7))
        wait_until(lambda: ids(tmp_path / "audit.log"), "it runs")
        time.sleep(2.5)
        _, messages = process.communicate(timeout=60)

    assert process.returncode == 0
    assert b"process" not in messages


def test_over_a_crash(tmp_path: Path) -> None:
    """A tracker that replaces another one continues the dump."""
    with started("-c", config_of(tmp_path, 2), **LIVE) as process:
        write(process, exec_of(7, SHELL, 1, b"/bin/sh"))
        wait_until(lambda: dumped(tmp_path), "the table is there")
        wait_for_children(process, 2)["tracker"].kill()
        wait_until(lambda: "restarting all processes" in debug_log(tmp_path), "it has failed")
        known = len(dumped(tmp_path))
        wait_until(lambda: len(dumped(tmp_path)) > known, "the table is there again")
        process.communicate(timeout=60)

    assert process.returncode == 0
