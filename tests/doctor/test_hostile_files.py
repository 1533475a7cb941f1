"""No content of a file, and no answer of a program, makes a check fail."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laurel_mp.cli.doctor import _lines, as_json
from laurel_mp.doctor import audit_rules, plugin_file, settings_file
from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.examination import Report, results
from laurel_mp.doctor.external_commands import Done
from tests.support.hosts import USER, HostTree, audit_2, auditd_3

FILES_3 = (
    "/etc/audit/auditd.conf",
    "/etc/audit/plugins.d/laurel-mp.conf",
    "/etc/audit/plugins.d/syslog.conf",
    "/etc/laurel-mp/config.toml",
    "/opt/laurel-mp/bin/laurel-mp",
    "/proc/700/status",
    "/proc/710/cmdline",
    "/proc/cmdline",
    "/proc/mounts",
    "/proc/net/netlink",
    "/proc/self/uid_map",
    "/run/auditd.state",
    "/usr/lib/systemd/system/auditd.service",
    "/var/log/syslog",
)

FILES_2 = ("/etc/audit/auditd.conf", "/etc/audisp/audispd.conf")

ANSWERS = (
    "auditctl -l",
    "auditctl -s",
    "auditctl -v",
    f"getent initgroups {USER}",
    f"getent passwd {USER}",
)

_pieces = st.sampled_from(
    [
        b"\0", b"\r\n", b"\n", b"=", b" = ", b"#", b"\t", b"\xff", b"\xd9\xa1", b"9" * 5000, b"-a ",
        b"-F ", b"always,exit", b"msgtype>=", b"pid ", b"path = ", b"path = /\n", b"../" * 50, b"%",
        b"[Service]", b"\x1b[2J", b"x" * 200, b"q_depth = \xe2\x82\n", b'directory = "\\u0000"\n',
        b"plugin x terminated unexpectedly", b":" * 9, b"auditd[9]: ", b"plugin_dir = \0\n",
    ]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, text: bytes) -> bytes:
    """The text with some of it replaced, or something else altogether."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + draw(_pieces | st.binary(max_size=8)) + text[end:]
    return text


def _report(host: HostTree) -> Report:
    report = Report(len(CHECKS))
    facts = host.facts()
    for check in CHECKS:
        for result in results(check, facts):
            report.add(check.name, result)
    return report


def _look(host: HostTree) -> None:
    report = _report(host)
    shown = "\n".join(_lines(report))
    assert not re.search(r"[^\x20-\x7e\n\u2026\ufffd\x80-\U0010ffff]", shown)
    as_json(report)


@pytest.mark.parametrize("name", FILES_3)
def test_any_file(name: str, tmp_path: Path) -> None:
    """Whatever is in a file, all checks come to an end, and what is shown is printable."""
    host = auditd_3(tmp_path)
    path = host.path(name)
    text = path.read_bytes()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=mutated(text))
    def look(data: bytes) -> None:
        path.write_bytes(data)
        _look(host)

    look()


@pytest.mark.parametrize("name", FILES_2)
def test_any_file_of_audit_2(name: str, tmp_path: Path) -> None:
    """The same for the files of the dispatcher."""
    host = audit_2(tmp_path)
    path = host.path(name)
    text = path.read_bytes()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=mutated(text))
    def look(data: bytes) -> None:
        path.write_bytes(data)
        _look(host)

    look()


@pytest.mark.parametrize("command", ANSWERS)
def test_any_answer(command: str, tmp_path: Path) -> None:
    """Whatever a program says, and however it ends."""
    host = auditd_3(tmp_path)
    text = host.answers[command].out.encode()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=mutated(text), status=st.sampled_from([0, 0, 0, 1, 2, 255, -9, None]))
    def look(data: bytes, status: int | None) -> None:
        host.answers[command] = Done(status, data.decode("utf-8", "replace"), "", 0.1)
        _look(host)

    look()


@given(data=st.binary(max_size=2000), version=st.sampled_from([(2, 8), (3, 0, 9), (4, 1, 3)]))
def test_parsers_take_any_bytes(data: bytes, version: tuple[int, ...]) -> None:
    """Parsers raise nothing, and find each line at most once."""
    found = plugin_file.parse("x", data, version)
    lines = data.count(b"\n") + 1

    assert len(found.faults) <= lines
    assert len(settings_file.parse("x", data).faulty) <= lines
    assert len(audit_rules.parse("x", data.decode("utf-8", "replace").split("\n"))) <= lines
