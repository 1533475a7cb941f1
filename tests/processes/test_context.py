"""Processes in the output."""

import json
from dataclasses import replace
from typing import Any

import pytest

from laurel_mp.processes.context import ContextOptions, ContextRenderer
from laurel_mp.processes.process_table import Process, origin_of

PARENT = Process(b"e1", b"5", b"1", b'"sh"', b'"/bin/sh"')
CHILD = Process(b"e2", b"10", b"5", b'"ls"', b'"/bin/ls"', origin=origin_of(PARENT))


def closed(
    options: ContextOptions, process: Process = CHILD, parent: Process | None = PARENT
) -> dict[str, Any]:
    """An event's object, whose SYSCALL record is closed by the renderer."""
    fresh = [each and replace(each, shown=None, shown_as_parent=None) for each in (process, parent)]
    assert fresh[0] is not None
    text = ContextRenderer(options).close_syscall(fresh[0], fresh[1])
    found: dict[str, Any] = json.loads(b'{"SYSCALL":{"pid":10' + text + b"}")
    return found


def test_instances_are_named_by_event_id() -> None:
    """PID and PPID say which event started the program that runs there."""
    syscall = closed(ContextOptions())["SYSCALL"]

    assert syscall["PID"] == {"EVENT_ID": "e2"}
    assert syscall["PPID"] == {"EVENT_ID": "e1"}


def test_verbose_ppid() -> None:
    """With `ppid-verbose` the parent is described."""
    syscall = closed(ContextOptions(ppid_verbose=True))["SYSCALL"]

    expected = {"EVENT_ID": "e1", "comm": "sh", "exe": "/bin/sh", "ppid": 1}
    assert syscall["PPID"] == expected


def test_spawned_by() -> None:
    """SPAWNED_BY describes the previous self or the parent."""
    syscall = closed(ContextOptions())["SYSCALL"]

    assert syscall["SPAWNED_BY"] == {"EVENT_ID": "e1", "pid": 5, "comm": "sh", "exe": "/bin/sh"}


def test_parent_info() -> None:
    """PARENT_INFO stands beside the records."""
    event = closed(ContextOptions())

    assert event["PARENT_INFO"] == {"ID": "e1", "comm": "sh", "exe": "/bin/sh", "ppid": 1}


def test_unknown_parent() -> None:
    """Nothing is said about a parent that is not known."""
    event = closed(ContextOptions(), PARENT, None)

    assert event == {"SYSCALL": {"pid": 10, "PID": {"EVENT_ID": "e1"}}}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (ContextOptions(pid=False), {"PID", "PPID"}),
        (ContextOptions(spawned_by=False), {"SPAWNED_BY"}),
        (ContextOptions(parent_info=False), {"PARENT_INFO"}),
    ],
    ids=["pid", "spawned-by", "parent-info"],
)
def test_options_leave_out(options: ContextOptions, missing: set[str]) -> None:
    """Each option takes away its keys, and no others."""
    event = closed(options)
    keys = {*event["SYSCALL"], *event} - {"SYSCALL", "pid"}

    assert keys == {"PID", "PPID", "SPAWNED_BY", "PARENT_INFO"} - missing


def test_prefix_names_all_keys() -> None:
    """With a prefix no key of ours differs from a raw one by its case alone."""
    event = closed(ContextOptions(prefix=b"enriched_"))

    assert set(event) == {"SYSCALL", "enriched_parent_info"}
    expected = {"pid", "enriched_pid", "enriched_ppid", "enriched_spawned_by"}
    assert set(event["SYSCALL"]) == expected


def test_process_of_another_record() -> None:
    """A process that some record mentions is described under the key that is asked for."""
    text = ContextRenderer(ContextOptions()).look_up(b"OPID", CHILD)

    expected = {"EVENT_ID": "e2", "comm": "ls", "exe": "/bin/ls", "ppid": 5}
    assert json.loads(b'{"opid":10' + text + b"}")["OPID"] == expected


def test_unknown_process_of_another_record() -> None:
    """Of a process that was never seen nothing is said."""
    assert ContextRenderer(ContextOptions()).look_up(b"OPID", None) == b""


# --- context, labels, command lines


FULL = replace(
    CHILD,
    container=b"ab" * 32,
    services=(b"a.service", b'b"\xff.service'),
    labels=frozenset((b"y", b"x")),
    argv=b'["ls","-l"]',
)


def test_context_of_a_process() -> None:
    """PID says in which container and services the process is."""
    expected = {
        "EVENT_ID": "e2",
        "container": {"id": "ab" * 32},
        "systemd_service": ["a.service", 'b"%ff.service'],
    }
    assert expected == closed(ContextOptions(), FULL)["SYSCALL"]["PID"]


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (ContextOptions(container=False), "container"),
        (ContextOptions(systemd=False), "systemd_service"),
    ],
    ids=["container", "systemd"],
)
def test_options_leave_members_out(options: ContextOptions, missing: str) -> None:
    """Each has its own option."""
    found = closed(options, FULL)["SYSCALL"]["PID"]

    assert {"EVENT_ID", "container", "systemd_service"} - {missing} == set(found)


def test_command_line() -> None:
    """It is shown if that is configured."""
    assert closed(ContextOptions(argv=True), FULL)["SYSCALL"]["PID"]["ARGV"] == ["ls", "-l"]


def test_labels_are_sorted() -> None:
    """So that the output depends on nothing else."""
    assert closed(ContextOptions(), FULL)["SYSCALL"]["LABELS"] == ["x", "y"]


def test_container_info() -> None:
    """CONTAINER_INFO stands beside the records."""
    event = closed(ContextOptions(container_info=True), FULL)

    assert event["CONTAINER_INFO"] == {"ID": "ab" * 32}


def test_no_container_info() -> None:
    """Outside of containers there is none."""
    assert "CONTAINER_INFO" not in closed(ContextOptions(container_info=True))


def test_containers_of_any_name() -> None:
    """Cgroups may have any name."""
    process = replace(CHILD, container=b'x"},"uid":0,{"\x01')
    event = closed(ContextOptions(container_info=True), process)

    expected = 'x"},"uid":0,{"%01'
    assert expected == event["SYSCALL"]["PID"]["container"]["id"]
    assert expected == event["CONTAINER_INFO"]["ID"]


def test_start_time_of_the_parent() -> None:
    """A parent that no event has started has no event id."""
    parent = replace(PARENT, id=b"100.000", by_start_time=True)
    event = closed(ContextOptions(), CHILD, parent)

    assert event["SYSCALL"]["PPID"] == {"START_TIME": "100.000"}
    assert "ID" not in event["PARENT_INFO"]
