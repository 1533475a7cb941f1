"""Containers and systemd services, by the control groups of processes that run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.conftest import Start
from tests.support.live import asleep, cgroup, gone, now

CONTAINER = "5a" * 32
SERVICE = "laurel-mp-test.service"


@pytest.fixture
def container() -> Iterator[Path]:
    """A control group as Docker makes it with systemd."""
    with cgroup(f"docker-{CONTAINER}.scope") as path:
        yield path


@pytest.fixture
def service() -> Iterator[Path]:
    """A control group as systemd makes it for a service."""
    with cgroup(SERVICE) as path:
        yield path


def test_a_process_in_a_container(start: Start, container: Path) -> None:
    """PID names the container; from its exec on, and for what is looked up."""
    stream = now()
    with start() as plugin, asleep() as program, asleep() as other:
        program.enter(container)
        other.enter(container)
        executed = plugin.tell(stream, program.executes(stream))
        later = plugin.tell(stream, program.opens(stream))
        looked_up = plugin.tell(stream, other.opens(stream))
    for event in (executed, later, looked_up):
        assert event["SYSCALL"]["PID"]["container"] == {"id": CONTAINER}
        assert "CONTAINER_INFO" not in event


def test_container_info(start: Start, container: Path) -> None:
    """`container_info` adds the id at the top, and `container` can be switched off."""
    stream = now()
    with start("[enrich]\ncontainer = false\ncontainer_info = true") as plugin, asleep() as program:
        program.enter(container)
        executed = plugin.tell(stream, program.executes(stream))
    assert executed["CONTAINER_INFO"] == {"ID": CONTAINER}
    assert executed["SYSCALL"]["PID"] == {"EVENT_ID": executed["ID"]}


def test_a_short_life_in_a_container(start: Start, container: Path) -> None:
    """P6: a process that is gone before it is looked at was in its parent's container."""
    stream = now()
    with start() as plugin, asleep() as parent:
        parent.enter(container)
        plugin.tell(stream, parent.executes(stream))
        pid = gone()
        child = plugin.tell(stream, stream.execute(pid, parent.pid, "/bin/true", "true"))
        again = plugin.tell(stream, stream.execute(pid, parent.pid, "/bin/false", "false"))
    for event in (child, again):
        assert event["SYSCALL"]["PID"]["container"] == {"id": CONTAINER}


def test_a_systemd_service(start: Start, service: Path) -> None:
    """PID names the services of the process."""
    stream = now()
    with start() as plugin, asleep() as program:
        program.enter(service)
        executed = plugin.tell(stream, program.executes(stream))
    assert executed["SYSCALL"]["PID"]["systemd_service"] == [SERVICE]


def test_without_systemd_services(start: Start, service: Path) -> None:
    """`enrich.systemd` switches them off."""
    stream = now()
    with start("[enrich]\nsystemd = false") as plugin, asleep() as program:
        program.enter(service)
        executed = plugin.tell(stream, program.executes(stream))
    assert "systemd_service" not in executed["SYSCALL"]["PID"]


def test_a_process_that_has_left_a_service(start: Start, service: Path, container: Path) -> None:
    """A login's shell is no part of sshd's service, though sshd is its parent."""
    stream = now()
    with start() as plugin, asleep() as parent, asleep() as child:
        parent.enter(service)
        child.enter(container)
        child.ppid = parent.pid
        plugin.tell(stream, parent.executes(stream))
        executed = plugin.tell(stream, child.executes(stream))
    assert executed["SYSCALL"]["PPID"]["EVENT_ID"]
    assert "systemd_service" not in executed["SYSCALL"]["PID"]


def test_filter_by_service(start: Start, service: Path) -> None:
    """`filter-systemd-services` leaves out what a service does, its first event too."""
    stream = now()
    config = f'[filter]\nfilter-systemd-services = ["{SERVICE}"]'
    with start(config) as plugin, asleep() as program, asleep() as other:
        program.enter(service)
        plugin.ask(stream)
        before = set(plugin.events())
        program.executes(stream)
        program.opens(stream)
        kept = other.executes(stream)
        plugin.tell(stream, kept)
        assert set(plugin.events()) - before == {kept}


def test_filtered_services_go_to_the_second_output(
    start: Start, service: Path, tmp_path: Path
) -> None:
    """With `filter-action = "log"` the filterlog has what a service does."""
    stream = now()
    config = f"""
[filterlog]
file = "filtered.log"
[filter]
filter-systemd-services = ["{SERVICE}"]
filter-action = "log"
"""
    with start(config) as plugin, asleep() as program:
        program.enter(service)
        executed = program.executes(stream)
        plugin.ask(stream)
    assert executed in (tmp_path / "filtered.log").read_text()
