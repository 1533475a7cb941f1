"""From LAUREL to laurel-mp: its files as they are, but for the path of the program."""

import json
import pwd
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine import CHECKOUT, Machine
from tests.support.waiting import wait_until

PLUGIN = "/etc/audit/plugins.d/laurel.conf"
CONFIG = "/etc/laurel/config.toml"
LOG = "/var/log/laurel/audit.log"


@pytest.fixture
def migrated(requires_laurel: Path, host: Machine, wheels: Path) -> Machine:
    """A machine where Debian's plugin file starts laurel-mp."""
    (wheel,) = wheels.glob("laurel_mp-*.whl")
    host.run(
        f"PIP_NO_COMPILE=1 sh deploy/install.sh --from {wheel} --wheels {wheels}\n"
        "rm /etc/audit/plugins.d/laurel-mp.conf\n"
        "sed -i 's|^path = .*|path = /opt/laurel-mp/bin/laurel-mp|; s/^active = no/active = yes/'"
        f" {PLUGIN}\n"
        "cp deploy/rules/laurel-mp-40-programs.rules /etc/audit/rules.d/"
    )
    return host


def _run(host: Machine, word: str) -> dict[str, Any]:
    """Run a program with this argument; its line in the log, without what is in front of it."""
    found: list[bytes] = []

    def is_there() -> bool:
        host.run(f"/bin/true {word}")
        lines = host.read(LOG).split(b"\n")[:-1]
        found[:] = [line for line in lines if b'"EXECVE"' in line and f'"{word}"'.encode() in line]
        return bool(found)

    wait_until(is_there, f"{word} is in the log", 30)
    event: dict[str, Any] = json.loads(found[0][found[0].index(b"{") :])
    return event


def test_debians_files(migrated: Machine) -> None:
    """Those of Debian's package: it runs as LAUREL's user and writes where that did."""
    theirs = migrated.read(CONFIG)
    assert b'user = "_laurel"' in theirs
    migrated.run("service auditd start")
    event = _run(migrated, "migrated")

    assert event["SYSCALL"]["comm"] == "true"
    status = migrated.path(LOG).stat()
    uid = pwd.getpwnam("_laurel").pw_uid
    assert (uid, 0o100600) == (status.st_uid, status.st_mode)
    pid = int(migrated.read("/var/log/laurel/.laurel-mp.lock"))
    assert Path(f"/proc/{pid}").stat().st_uid == uid
    assert Path(CONFIG).read_bytes() == theirs


def test_every_option(migrated: Machine) -> None:
    """A configuration with all that LAUREL 0.8 documents does what it did there."""
    ours = (CHECKOUT / "tests/config/laurel-0.8.toml").read_bytes()
    migrated.path(CONFIG).write_bytes(ours)
    assert "is valid" in migrated.run(f"laurel-mp -d -c {CONFIG}")
    migrated.run("service auditd start")
    event = _run(migrated, "labelled")

    assert event["EXECVE"]["enriched_argv_str"] == "/bin/true labelled"
    assert event["SYSCALL"]["enriched_labels"] == ["labelled"]
    assert event["SYSCALL"]["enriched_uid"] == "root"
    assert "uid" not in event["SYSCALL"]
    lines = migrated.read(LOG).splitlines()
    assert all(line.startswith(b'@cee: {"ID":"') for line in lines)
    made = {path.name for path in migrated.path("/var/log/laurel").iterdir()}
    assert {"audit.log", "debug.log", "input.log", "parse-error.log", "filtered.log"} <= made
