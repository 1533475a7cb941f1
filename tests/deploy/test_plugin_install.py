"""The README's way to a plugin of a real auditd, and back again."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.documentation import pages
from tests.support.machine import Machine
from tests.support.waiting import wait_until

LOG = "/var/log/laurel-mp/audit.log"

NOT_HERE = ("apt-get", "tail")
"""Of the README's commands: what is there already, and what does not end."""

OF_OTHERS = re.compile(
    # Left by useradd(8), and its locks.
    r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/etc/\.pwd\.lock"
    # What auditd does with or without a plugin.
    r"|/var/log/audit/.*|/etc/audit/audit\.rules"
    # Where the test has put the checkout, and taken other plugins away.
    r"|/srv/laurel-mp|/etc/audit/plugins\.d/laurel\.conf|/etc/audit/rules\.d/audit\.rules"
    r"|/run/.*|/run"
)


def _commands() -> list[str]:
    """The README's section about installing it."""
    blocks = pages.blocks("README.md")
    return list(next(block for block in blocks if "deploy/install.sh" in block.text).commands())


def _events(host: Machine) -> list[dict[str, Any]]:
    return [json.loads(line) for line in host.read(LOG).split(b"\n")[:-1]]


def _program_of(host: Machine) -> int:
    """The process that auditd has started."""
    return int(host.read("/var/log/laurel-mp/.laurel-mp.lock") or 0)


def _is_logged(host: Machine, name: str) -> bool:
    """Starts a program of this name; true if it is in the log."""
    host.run(f"sh -c 'true {name}'")
    return any(name in str(event.get("EXECVE")) for event in _events(host))


AS_THE_UNIT_DOES = (
    # What the unit has of User=, Group=, AmbientCapabilities= and CapabilityBoundingSet=.
    "setpriv --reuid _laurel-mp --regid _laurel-mp --init-groups --no-new-privs"
    " --inh-caps=-all,+sys_ptrace,+dac_read_search"
    " --ambient-caps=-all,+sys_ptrace,+dac_read_search"
    " --bounding-set=-all,+sys_ptrace,+dac_read_search"
)


def test_service_reads_from_auditds_socket(host: Machine) -> None:
    """With --af-unix it is its user from the start, and gets events through auditd's socket."""
    said = host.run(
        "PIP_NO_COMPILE=1 sh deploy/install.sh --af-unix --prefix /opt/tools-laurel-mp\n"
        "cp deploy/auditd/af_unix-3.conf /etc/audit/plugins.d/af_unix.conf\n"
        "cp deploy/rules/laurel-mp-40-programs.rules /etc/audit/rules.d/\n"
        "service auditd start\n"
    )
    assert "laurel-mp.service: written" in said
    socket = host.path("/run/laurel-mp/auditd/events")
    wait_until(socket.exists, "auditd listens")
    host.run(
        "install -d -o _laurel-mp -m 0700 /run/laurel-mp/service\n"
        f"TMPDIR=/run/laurel-mp/service {AS_THE_UNIT_DOES}"
        " laurel-mp -c /etc/laurel-mp/config.toml >/dev/null 2>&1 &"
    )
    wait_until(lambda: _is_logged(host, "service"), "events are in the log", 30)
    status = host.path(f"/proc/{_program_of(host)}/status").read_text()
    assert f"Uid:\t{host.path(LOG).stat().st_uid}\t" in status
    assert any("PARENT_INFO" in event or "PID" in str(event) for event in _events(host))

    pid = _program_of(host)
    os.kill(pid, signal.SIGTERM)  # as systemd does
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "it ends", 20)
    # It knows where it is.
    host.run("sh /opt/tools-laurel-mp/share/laurel-mp/install.sh --uninstall")
    assert [name for name in host.changes() if "laurel-mp" in name and "srv" not in name] == []


def test_readme_leads_to_json_and_back(host: Machine) -> None:
    """The README's commands lead to JSON; doing it again changes nothing; uninstalling all."""
    host.run("service auditd start")  # as Debian's package does
    began = time.monotonic()
    for command in _commands():
        if not command.startswith(NOT_HERE):
            host.run(command)
    wait_until(lambda: _is_logged(host, "readme"), "events are in the log", 30)
    assert time.monotonic() - began < 120

    status = host.path(LOG).stat()
    passwd = host.read("/etc/passwd").decode()
    found = re.search(r"^_laurel-mp:x:(\d+):", passwd, re.MULTILINE)
    assert found
    assert (int(found[1]), 0o100600) == (status.st_uid, status.st_mode)
    first = _program_of(host)
    assert int(found[1]) == Path(f"/proc/{first}").stat().st_uid

    assert "nothing has changed" in host.run("sh deploy/install.sh --rules")
    assert first == _program_of(host)

    # As another version would be.
    said = host.run("rm /opt/laurel-mp/made-of; PIP_NO_COMPILE=1 sh deploy/install.sh")
    assert "auditd reads its configuration again" in said
    wait_until(lambda: _program_of(host) != first, "auditd has started the new program", 30)
    wait_until(lambda: _is_logged(host, "upgrade"), "it writes events", 30)

    report = json.loads(host.run("laurel-mp doctor --json || true"))
    assert [finding for finding in report["findings"] if finding["severity"] == "problem"] == []

    second = _program_of(host)
    host.run("sh /opt/laurel-mp/share/laurel-mp/install.sh --uninstall")
    assert not Path(f"/proc/{second}").exists()
    assert [name for name in host.changes() if not OF_OTHERS.fullmatch(name)] == []
    assert not host.path("/run/laurel-mp").exists()
    assert (
        subprocess.run(["auditctl", "-l"], capture_output=True, text=True, check=True).stdout
        == "No rules\n"
    )
