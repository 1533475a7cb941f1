"""`laurel-mp doctor`, as an administrator starts it, on this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from laurel_mp.doctor.catalogue import CHECKS
from tests.conftest import StartAuditd
from tests.support import auditd, requirements
from tests.support.commands import COMMAND
from tests.support.waiting import wait_until

PLUGIN = "active = yes\ndirection = out\npath = /opt/x/laurel-mp\ntype = always\nargs = -c {}\n"


def doctor(*arguments: object, **how: Any) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    return subprocess.run(
        [*COMMAND, "doctor", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        **how,
    )


def found(*arguments: object) -> dict[str, dict[str, Any]]:
    """The first finding of each check, from the JSON."""
    done = doctor("--json", *arguments)
    assert done.stderr == ""
    findings = json.loads(done.stdout)["findings"]
    return {finding["check"]: finding for finding in reversed(findings)}


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    """A directory as auditd's, with a plugin whose program is not there."""
    directory = tmp_path / "audit"
    plugins = directory / "plugins.d"
    plugins.mkdir(parents=True)
    (directory / "auditd.conf").write_text("q_depth = 400\nwrite_logs = no\n")
    (plugins / "laurel-mp.conf").write_text(PLUGIN.format("/nosuch/config.toml"))
    return directory


def test_it_says_what_and_where_and_what_to_do(audit_dir: Path) -> None:
    """A finding has its place with line, the reason, and a command; the last line counts."""
    requirements.root()
    requirements.require(requirements.program("auditctl"), "auditctl")

    done = doctor("--audit-dir", audit_dir)

    assert (done.returncode, done.stderr) == (1, "")
    text = " ".join(done.stdout.split())  # however it is wrapped
    assert f"seen {audit_dir}/auditd.conf:1: q_depth = 400 why" in text
    assert f"  do    in {audit_dir}/auditd.conf: q_depth = 20000\n" in done.stdout
    assert f"PROBLEM plugin-program seen {audit_dir}/plugins.d/laurel-mp.conf:3" in text
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"{len(CHECKS)} checks: ")
    kinds = [line.split("  ")[0] for line in done.stdout.splitlines() if line[:1].isupper()]
    order = [kind for kind in kinds if kind in {"PROBLEM", "WARNING", "NOTE"}]
    assert order == sorted(order, key=["PROBLEM", "WARNING", "NOTE"].index)


def test_json_says_the_same(audit_dir: Path) -> None:
    """Counts, findings and what was not checked, as one object."""
    done = doctor("--json", "--audit-dir", audit_dir, "-c", "/nosuch/config.toml")
    report = json.loads(done.stdout)

    assert {
        "checks", "configuration", "findings", "notes", "problems", "unchecked", "version",
        "warnings",
    } == set(report)  # fmt: skip
    assert len(CHECKS) == report["checks"]
    kinds = [finding["severity"] for finding in report["findings"]]
    assert (kinds.count("problem"), kinds.count("warning"), kinds.count("note")) == (
        report["problems"], report["warnings"], report["notes"],
    )  # fmt: skip
    invalid = next(each for each in report["findings"] if each["check"] == "config-valid")
    assert invalid["where"] == report["configuration"] == "/nosuch/config.toml"


def test_wrong_usage() -> None:
    """An option that it does not have is not a finding."""
    assert doctor("--nosuch").returncode == 2


def test_a_reader_may_leave(audit_dir: Path) -> None:
    """`laurel-mp doctor | head -1` is no error."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [*COMMAND, "doctor", "--audit-dir", audit_dir],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=100,
        )

    assert done.stderr == ""


def test_without_root(public_path: Path) -> None:
    """Another user gets to know what that user can see, and what could not be checked."""
    requirements.root()
    program = shutil.which("setpriv")
    requirements.require(program, "setpriv")
    assert program
    closed = public_path / "audit"
    closed.mkdir(mode=0o700)
    words = [program, "--reuid=65534", "--regid=65534", "--clear-groups", *COMMAND, "doctor"]

    done = subprocess.run(
        [*words, "--audit-dir", closed],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=Path(__file__).parent.parent.parent,
    )

    assert done.stderr == ""
    assert done.returncode in {0, 1}
    assert f"{closed}/auditd.conf: Permission denied" in done.stdout
    assert "(root can check more)" in done.stdout


def test_configuration_of_this_host(audit_dir: Path, public_path: Path) -> None:
    """Users that filters name are looked for, and links that others made are seen."""
    requirements.root()
    (public_path / "real").mkdir()
    link = public_path / "logs"
    link.symlink_to("real")
    os.chown(link, 65534, 65534, follow_symlinks=False)
    config = public_path / "config.toml"
    config.write_text(f'directory = "{link}"\n[filter]\nfilter-users = ["nosuch-user"]\n')
    config.chmod(0o600)

    findings = found("--audit-dir", audit_dir, "-c", config)

    assert findings["config-valid"]["where"] == str(config)
    assert "no such user: 'nosuch-user'" in findings["config-valid"]["seen"]
    assert findings["places-trusted"]["where"] == str(link)


def test_a_real_auditd(real_auditd: StartAuditd, public_path: Path) -> None:
    """Beside a running auditd with our plugin it finds what is wrong there, and nothing else."""
    config = public_path / "config.toml"
    logs = public_path / "logs"
    logs.mkdir(mode=0o755)
    config.write_text(f'directory = "{logs}"\n[pipeline]\nworkers = 0\n')
    config.chmod(0o600)
    # Started by a script of this name, as a venv's would be; auditd leaves one like pytest's alone.
    program = auditd.install_plugin(
        public_path / "laurel-mp",
        f"#!{sys.executable} -I\nimport sys\nsys.path.insert(0, {str(Path.cwd())!r})\n"
        "from laurel_mp.cli.main import main\nsys.exit(main())\n",
    )
    plugins = {"laurel-mp": auditd.PluginConf(program, f"-c {config}")}
    rules = (
        "-a always,exit -F arch=b64 -S execve -F exe=/nosuch -k x\n"
        "-a always,exclude -F msgtype=1320 -F uid=54321\n"
    )
    directory = public_path / "auditd"
    with real_auditd(public_path, rules, plugins) as running:
        wait_until((logs / "audit.log").exists, "the plugin runs")
        findings = found("--audit-dir", directory)
        pid = running.process.pid
        children = Path(f"/proc/{pid}/status").exists()

    assert children
    mine = {name for name in findings if not name.startswith(("kernel-boot", "journald", "rights"))}
    assert {"auditd-write-logs", "config-user", "rules-excluded", "rules-programs"} == mine - {
        "names-speed", "space-free", "space-rotation", "listeners", "kernel-lost",
    }  # fmt: skip
    assert findings["rules-excluded"]["severity"] == "warning"
    assert findings["rules-programs"]["severity"] == "warning"


def test_a_plugin_that_is_not_started(real_auditd: StartAuditd, public_path: Path) -> None:
    """A last line without its line feed: the real auditd leaves it out, and doctor says so."""
    sink = auditd.install_plugin(public_path / "sink", "#!/bin/sh\nexec cat > /dev/null\n")
    plugins = {"sink": auditd.PluginConf(sink)}
    directory = public_path / "auditd"
    with real_auditd(public_path, "", plugins):
        trap = directory / "plugins.d" / "laurel-mp.conf"
        trap.write_text(PLUGIN.format("/nosuch/config.toml").rstrip("\n"))
        trap.chmod(0o640)
        findings = found("--audit-dir", directory)

    assert findings["plugin-line-length"]["where"] == f"{trap}:5"
    assert findings["plugin-line-length"]["seen"] == "args = -c /nosuch/config.toml"
    assert findings["plugin-program"]["seen"] == "/opt/x/laurel-mp is not there"
    assert findings["plugin-running"]["severity"] == "problem"
    assert findings["plugin-others"]["seen"].endswith(str(sink))
