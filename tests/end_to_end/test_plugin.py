"""A real auditd with laurel-mp as its plugin: what goes in comes out, whatever happens."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import StartAuditd
from tests.support import hosted
from tests.support.auditd import PluginConf
from tests.support.conversion import Event
from tests.support.hosted import Hosted, Witness, all_once, converted, ids, load, logged, same
from tests.support.requirements import program
from tests.support.waiting import wait_until

TIMES = 20

MOST_IN_HAND = 1000
"""Events: what a plugin that is killed may take along. Its socket holds those of twenty executions;
the others are those that it had read and not written. Seen were 15 to 40 in all."""

SIDE_BY_SIDE = 20
"""Events that overlap, at most."""

ODD = ("two words", 'a"b', "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n 100%25 %2541 %ff", "")

WORKERS = pytest.mark.parametrize("workers", [0, 2])


@pytest.mark.parametrize(
    ("workers", "log_format", "name_format"),
    [
        (0, "RAW", "NONE"),
        (2, "ENRICHED", "NONE"),
        (0, "ENRICHED", "HOSTNAME"),
        (2, "RAW", "HOSTNAME"),
    ],
)
def test_every_event_once(
    real_auditd: StartAuditd, tmp_path: Path, workers: int, log_format: str, name_format: str
) -> None:
    """The output has each event that auditd logs, once, in each format, and no others."""
    running, witness = Hosted(tmp_path), Witness(tmp_path)
    running.configure(workers)
    plugins = {"laurel-mp": running.conf(), "witness": witness.conf()}
    with real_auditd(tmp_path, running.rules, plugins, log_format, name_format) as auditd:
        running.work(TIMES)
        running.finish("end")
        auditd.stop()
        running.ended()

    events = running.events()
    all_once(logged(auditd), events)
    same(converted(running, witness.lines()), running.output().splitlines())
    executions = [event for event in events if "EXECVE" in event]
    assert hosted.executions_of(TIMES) + 1 == len(executions)
    assert _found_by_ausearch(auditd.log_file, "ran") == {
        event["ID"] for event in events if _has_key(event, "ran")
    }
    (long,) = (e for e in executions if e["EXECVE"]["ARGV"][-1] == "behind")
    assert long["EXECVE"]["ARGV"][1] == "A" * hosted.LONG
    assert len(running.executions(*ODD)) == TIMES
    node = socket.gethostname() if name_format == "HOSTNAME" else None
    assert {node} == {event.get("NODE") for event in events}
    if log_format == "ENRICHED":
        assert {("execve", "root")} == {
            (e["SYSCALL"]["SYSCALL"], e["SYSCALL"]["UID"]) for e in executions
        }


def _has_key(event: Event, key: str) -> bool:
    return f'"key": "{key}"' in json.dumps(event)


def _found_by_ausearch(log: Path, key: str) -> set[str]:
    """The events with this key that audit's own tool finds."""
    ausearch = program("ausearch")
    assert ausearch
    command: list[str | Path] = [ausearch, "-if", log, "-k", key, "--raw"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return set(ids(done.stdout))


# --- crashes


@WORKERS
def test_killed_at_rest(real_auditd: StartAuditd, tmp_path: Path, workers: int) -> None:
    """Auditd starts it again with the next record: nothing is lost, and processes are known."""
    running, witness = Hosted(tmp_path), Witness(tmp_path)
    running.configure_context(workers)
    plugins = {"laurel-mp": running.conf(), "witness": witness.conf()}
    with real_auditd(tmp_path, running.rules, plugins) as auditd:
        script = ("-c", "read line; bin/true after")
        shell = running.start("sh", *script, stdin=subprocess.PIPE, cwd=tmp_path)
        parent = running.execution(*script)
        running.saved(parent["ID"])
        _kill(running.ingest())
        running.ended()

        shell.communicate(b"go on\n")
        child = running.execution("after")
        # Up to version 4.0.4 auditd blocks this signal in whom it starts again.
        running.configure_context(workers, "[transform]\nrecord-types = true")
        running.reload(auditd, "configuration reloaded")
        running.work(TIMES)
        running.finish("end")
        auditd.stop()
        running.ended()

    all_once(logged(auditd), running.events())
    all_once(ids(witness.lines()), running.events())
    assert child["PARENT_INFO"]["ID"] == parent["ID"]
    assert child["SYSCALL"]["PPID"] == {"EVENT_ID": parent["ID"]}
    assert child["SYSCALL"]["LABELS"] == ["ran"]


@WORKERS
def test_killed_under_load(real_auditd: StartAuditd, tmp_path: Path, workers: int) -> None:
    """One piece of the stream is lost: the input in its memory and in its socket."""
    running, witness = Hosted(tmp_path), Witness(tmp_path)
    running.configure(workers)
    plugins = {"laurel-mp": running.conf(), "witness": witness.conf()}
    with real_auditd(tmp_path, running.rules, plugins) as auditd:
        with load(running):
            running.flows()
            killed = running.ingest()
            _kill(killed)
            wait_until(lambda: running.ingest() not in {0, killed}, "it is started again", 30)
            running.flows()
        running.finish("end")
        auditd.stop()
        running.ended()

    everything = witness.lines()
    assert set(logged(auditd)) == set(ids(everything))
    events = [event for event in running.events() if "DAEMON_END" not in event]
    written = {event["ID"] for event in events}
    assert len(written) == len(events), "written twice"
    assert written <= set(ids(everything))
    # What was not written, or not whole, is one piece of the stream, but for events side by side.
    whole = set(running.output().splitlines())
    missing = {_id(line) for line in set(converted(running, everything)) - whole}
    places = [place for place, id_ in enumerate(ids(everything)) if id_ in missing]
    assert len(places) < MOST_IN_HAND
    assert not places or places[-1] - places[0] < len(places) + SIDE_BY_SIDE


def _kill(pid: int) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


# --- reloads and stops


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0)])
def test_reload_under_load(
    real_auditd: StartAuditd, tmp_path: Path, before: int, after: int
) -> None:
    """SIGHUP to auditd has the configuration read again; a broken one changes nothing."""
    running, witness = Hosted(tmp_path), Witness(tmp_path)
    running.configure(before)
    plugins = {"laurel-mp": running.conf(), "witness": witness.conf()}
    with real_auditd(tmp_path, running.rules, plugins) as auditd:
        with load(running):
            running.flows()
            first = running.ingest()
            running.configure(after, sections="[transform]\nrecord-types = true")
            running.reload(auditd, "configuration reloaded")
            running.has('"RECORD_TYPES"')
            running.config.write_text("[transform]\nrecord-types = 1")
            running.reload(auditd, "keeping the former configuration")
            running.flows()
        running.finish("end")
        assert running.ingest() == first
        auditd.stop()
        running.ended()

    all_once(logged(auditd), running.events())
    running.configure(0)
    plain = converted(running, witness.lines())
    running.configure(0, sections="[transform]\nrecord-types = true")
    with_types = converted(running, witness.lines())
    lines = running.output().splitlines()
    assert set(lines) <= {*plain, *with_types}
    changed = [b'"RECORD_TYPES"' in line for line in lines]
    assert changed == sorted(changed)


@WORKERS
def test_stop_under_load(real_auditd: StartAuditd, tmp_path: Path, workers: int) -> None:
    """All that auditd has given is written, at once, and no process is left."""
    running, witness = Hosted(tmp_path), Witness(tmp_path)
    running.configure(workers)
    plugins = {"laurel-mp": running.conf(), "witness": witness.conf()}
    with real_auditd(tmp_path, running.rules, plugins) as auditd, load(running):
        running.flows()
        auditd.stop()
        running.ended(5)

    # Between two plugins auditd may end, in the middle of an event.
    given, written = converted(running, witness.lines()), running.output().splitlines()
    assert len({_id(line) for line in set(given) ^ set(written)}) <= 1
    assert len({*map(_id, written)}) == len(written)


def _id(line: bytes) -> str:
    id_: str = json.loads(line)["ID"]
    return id_


@WORKERS
def test_stop_at_rest(real_auditd: StartAuditd, tmp_path: Path, workers: int) -> None:
    """The last event is auditd's own, that it ends: if auditd takes the time to hand it over."""
    for attempt in range(5):
        running = Hosted(tmp_path / str(attempt))
        running.configure(workers)
        with real_auditd(running.directory, running.rules, {"laurel-mp": running.conf()}) as auditd:
            running.finish("end")
            auditd.stop()
            running.ended(5)
        all_once(logged(auditd), running.events())
        assert "DAEMON_START" in running.events()[0]
        if "DAEMON_END" in running.events()[-1]:
            return
    raise AssertionError("in none of five stops did auditd's end get through")


# --- other plugins beside it


def test_beside_one_that_does_not_read(real_auditd: StartAuditd, tmp_path: Path) -> None:
    """It stops auditd's deliveries to all; once it resumes, both get everything."""
    running = Hosted(tmp_path)
    hold = tmp_path / "hold"
    hold.touch()
    slow = Witness(tmp_path, "slow", f"while [ -e {hold} ]; do sleep 0.02; done")
    running.configure(2)
    plugins = {"laurel-mp": running.conf(), "slow": slow.conf()}
    with real_auditd(tmp_path, running.rules, plugins) as auditd:
        running.work(TIMES)
        running.run("true", "while-stalled")
        wait_until(lambda: b'"while-stalled"' in auditd.log_file.read_bytes(), "auditd has it")
        assert not running.executions("while-stalled")
        hold.unlink()
        running.has('"while-stalled"')
        running.finish("end")
        auditd.stop()
        running.ended()

    all_once(logged(auditd), running.events())
    all_once(ids(slow.lines()), running.events())


@WORKERS
def test_beside_laurel(
    real_auditd: StartAuditd, requires_laurel: Path, public_path: Path, workers: int
) -> None:
    """Debian's laurel and this one have the same events, each once."""
    running = Hosted(public_path)
    running.configure(workers)
    theirs = public_path / "theirs"
    theirs.mkdir()
    config = public_path / "laurel.toml"
    config.write_text(f'directory = "{theirs}"\n[auditlog]\nfile = "audit.log"\nsize = 100000000\n')
    plugins = {
        "laurel-mp": running.conf(),
        "laurel": PluginConf(requires_laurel, args=f"--config {config}"),
    }
    with real_auditd(public_path, running.rules, plugins) as auditd:
        running.work(TIMES)
        running.finish("end")
        auditd.stop()
        running.ended()

    all_once(logged(auditd), running.events())
    log = theirs / "audit.log"
    wait_until(lambda: b'"end"' in log.read_bytes(), "laurel has written everything")
    lines = log.read_bytes().split(b"\n")[:-1]
    all_once(logged(auditd), [json.loads(line) for line in lines])
