"""The fixture that the tests with a real auditd stand on."""

import subprocess
from pathlib import Path

from tests.conftest import StartAuditd
from tests.support.auditd import PluginConf, alone, install_plugin
from tests.support.requirements import program
from tests.support.waiting import wait_until


def test_records_of_our_rules_reach_a_plugin(real_auditd: StartAuditd, tmp_path: Path) -> None:
    """The plugin gets events of a watched file; no rule and no auditd are left behind."""
    watched = tmp_path / "watched"
    received = tmp_path / "received"
    plugin = install_plugin(tmp_path / "plugin", f"#!/bin/sh\nexec cat > {received}\n")
    rules = f"-w {watched} -p w -k fixture\n"

    with real_auditd(tmp_path, rules, {"cat": PluginConf(plugin)}) as auditd:
        subprocess.run(["touch", watched], check=True)
        wait_until(lambda: _received(received, b"nametype=CREATE"), "the plugin has the event")
        lost = auditd.status()["lost"]

    lines = received.read_bytes().splitlines()
    assert lines[0].startswith(b"type=DAEMON_START msg=audit(")
    assert any(b"type=SYSCALL" in line and b'key="fixture"' in line for line in lines)
    assert any(line.startswith(b"type=EOE ") for line in lines)
    assert lost >= 0
    with alone():
        assert _auditctl("-l") == "No rules\n"
        assert "enabled 0\n" in _auditctl("-s")
    assert auditd.process.returncode == 0


def _received(path: Path, text: bytes) -> bool:
    return path.is_file() and text in path.read_bytes()


def _auditctl(option: str) -> str:
    auditctl = program("auditctl")
    assert auditctl
    return subprocess.run([auditctl, option], capture_output=True, text=True, check=True).stdout
