"""Files of deploy/ for systemd, AppArmor, SELinux and audit rules, and YAML."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import StartAuditd
from tests.support import auditd
from tests.support.commands import COMMAND, own_sockets
from tests.support.corpus import corpus_bytes
from tests.support.machine import CHECKOUT
from tests.support.plugin import configure, write
from tests.support.requirements import program, require
from tests.support.waiting import wait_until

DEPLOY = CHECKOUT / "deploy"
RULES = sorted((DEPLOY / "rules").iterdir())
SELINUX = Path("/usr/share/selinux/devel/Makefile")


def _run(*command: str | Path, directory: Path = CHECKOUT) -> str:
    """Run a program; what it prints, both ways."""
    done = subprocess.run(
        command,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _needed(name: str, package: str) -> Path:
    found = program(name)
    require(found, f"{name} (Debian: apt-get install {package})")
    assert found
    return found


# --- systemd


def test_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    """Systemd finds no fault in the unit, and not much that it could take away from it."""
    analyze = _needed("systemd-analyze", "systemd")
    unit = tmp_path / "laurel-mp.service"
    text = (DEPLOY / "systemd/laurel-mp.service").read_text()
    assert "ExecStart=/opt/laurel-mp/bin/laurel-mp -c /etc/laurel-mp/config.toml\n" in text
    unit.write_text(text.replace("/opt/laurel-mp/bin/laurel-mp", "/bin/true"))

    assert _run(analyze, "verify", "--man=no", unit) == ""
    level = re.search(
        r"exposure level .*: ([\d.]+)", _run(analyze, "security", "--offline=true", unit)
    )
    assert level
    assert float(level[1]) < 2


def _calls_of(analyze: Path, group: str) -> set[str]:
    """The system calls in one of systemd's groups, and in those that it consists of."""
    found = set()
    for line in _run(analyze, "syscall-filter", group).splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            found |= _calls_of(analyze, name)
        elif name and not name.startswith("#"):
            found.add(name)
    return found


def _allowed_calls(analyze: Path) -> set[str]:
    """System calls that the unit allows: filters add up in order, and `~` removes."""
    allowed: set[str] = set()
    text = (DEPLOY / "systemd/laurel-mp.service").read_text()
    for words in re.findall(r"^SystemCallFilter=(.*)", text, re.MULTILINE):
        named = {call for word in words.lstrip("~").split() for call in _expanded(analyze, word)}
        allowed = allowed - named if words.startswith("~") else allowed | named
    return allowed | _calls_of(analyze, "@default")


def _expanded(analyze: Path, word: str) -> set[str]:
    return _calls_of(analyze, word) if word.startswith("@") else {word}


def test_unit_allows_all_calls(requires_root: None, tmp_path: Path) -> None:
    """No process makes a system call that the unit does not allow, from the start to the end."""
    trace, log = tmp_path / "calls", tmp_path / "audit.log"
    config = configure(
        tmp_path,
        2,
        sections="[state]\nwrite-state-period = 1\n[translate]\nuser-db = true\n"
        '[auditlog]\nread-users = ["nobody"]',
    )
    lines = corpus_bytes(CHECKOUT / "tests/corpus/users.raw.txt.xz").splitlines(keepends=True)
    half = len(lines) // 2
    strace = _needed("strace", "strace")
    with own_sockets() as environment:
        process = subprocess.Popen(
            [strace, "-f", "-qq", "-o", trace, *COMMAND, "-c", config],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        write(process, b"".join(lines[:half]))
        wait_until(lambda: log.exists() and log.stat().st_size, "events are written", 60)
        ingest = int((tmp_path / ".laurel-mp.lock").read_text())
        os.kill(ingest, signal.SIGUSR1)
        os.kill(ingest, signal.SIGHUP)
        wait_until((tmp_path / "state").exists, "the state is written", 60)
        process.communicate(b"".join(lines[half:]), timeout=60)

    assert process.returncode == 0
    made = set(re.findall(r"^\d+ +(?:<... )?([a-z]\w*)[( ]", trace.read_text(), re.MULTILINE))
    assert {"openat", "write", "capset"} <= made
    assert made - _allowed_calls(_needed("systemd-analyze", "systemd")) == set()


def test_users_and_directories(requires_root: None, tmp_path: Path) -> None:
    """Systemd makes the user and the directories that a package would leave to it."""
    (tmp_path / "etc").mkdir()
    root = f"--root={tmp_path}"
    _run(_needed("systemd-sysusers", "systemd"), root, DEPLOY / "sysusers.d/laurel-mp.conf")
    _run(
        _needed("systemd-tmpfiles", "systemd"),
        root,
        "--create",
        DEPLOY / "tmpfiles.d/laurel-mp.conf",
    )

    found = re.search(r"^_laurel-mp:.*", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    assert found
    _, _, uid, gid, _, _, shell = found[0].split(":")
    assert shell == "/usr/sbin/nologin"
    made = [tmp_path / name for name in ("var/log", "var/lib", "run")]
    status = [(path / "laurel-mp").stat() for path in made] + [
        (tmp_path / "run/laurel-mp/auditd").stat()
    ]
    assert [
        (int(uid), int(gid), 0o40755),
        (int(uid), int(gid), 0o40700),
        (0, 0, 0o40755),
        (0, int(gid), 0o42750),
    ] == [(each.st_uid, each.st_gid, each.st_mode) for each in status]


# --- plugin files


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("aud*/*.conf")), ids=lambda path: path.stem)
def test_plugin_files_avoid_traps(path: Path) -> None:
    """Each line is one that all versions of auditd take."""
    text = path.read_text()
    assert text.endswith("\n")
    for line in text.splitlines():
        assert len(line) <= auditd.LONGEST_CONF_LINE
        assert re.fullmatch(r"#.*||[a-z]+ = [^#\"'\t]*\S", line), line
    keys = re.findall(r"^([a-z]+) = ", text, re.MULTILINE)
    assert keys == ["active", "direction", "path", "type", "args", "format"]
    # audisp-af_unix has a default for its third word, which auditd before 4.0.1 leaves out.
    (words,) = re.findall(r"^args = (.*)", text, re.MULTILINE)
    assert len(words.split()) <= (3 if path.stem == "af_unix-4" else 2)


# --- rules


def test_rules_are_all_taken(real_auditd: StartAuditd, tmp_path: Path) -> None:
    """The kernel takes each rule, and none of them excludes what ends an event."""
    settings = re.compile(r"^(?:-[Dbf]|--backlog_wait_time)\b.*\n", re.MULTILINE)
    text = "".join(settings.sub("", path.read_text()) for path in RULES)
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert not re.search(r"^[^#].*(EOE|PROCTITLE|-e 2)", text, re.MULTILINE)
    assert len(rules) > 50

    with real_auditd(tmp_path, text, {}):
        listed = _run(_needed("auditctl", "auditd"), "-l").splitlines()

    assert len(rules) == len(listed)


def test_each_rule_says_why() -> None:
    """Each group of rules has a comment above it."""
    for path in RULES:
        for group in path.read_text().strip().split("\n\n"):
            first = group.split("\n")[0]
            assert first.startswith("# ") or path.read_text().startswith("# "), group


def test_rules_have_their_names() -> None:
    """They come behind others, in order, and the installer finds them again."""
    assert all(re.fullmatch(r"laurel-mp-\d\d-[a-z]+\.rules", path.name) for path in RULES)


# --- mandatory access control


def test_apparmor_profile_is_valid() -> None:
    """AppArmor's parser takes the profile."""
    parser = _needed("apparmor_parser", "apparmor")
    _run(
        parser,
        "--skip-kernel-load",
        "--skip-cache",
        DEPLOY / "apparmor/opt.laurel-mp.bin.laurel-mp",
    )


def test_selinux_module_is_valid(tmp_path: Path) -> None:
    """The module can be made, with the interfaces of Debian's policy."""
    require(SELINUX.exists(), "SELinux's policy (Debian: apt-get install selinux-policy-dev)")
    for path in (DEPLOY / "selinux").iterdir():
        shutil.copy(path, tmp_path)
    _run("make", "-f", SELINUX, "laurel_mp.pp", directory=tmp_path)
    assert (tmp_path / "laurel_mp.pp").stat().st_size > 10_000


def test_paths_are_those_of_the_installer() -> None:
    """Both policies are about what the installer makes."""
    labels = (DEPLOY / "selinux/laurel_mp.fc").read_text()
    profile = (DEPLOY / "apparmor/opt.laurel-mp.bin.laurel-mp").read_text()
    for path in ("/opt/laurel-mp/bin/laurel-mp", "/etc/laurel-mp", "/var/log/laurel-mp"):
        assert path in labels
        assert path in profile


# --- YAML


@pytest.mark.parametrize("name", ["filebeat.yml", "fluent-bit.yaml"])
def test_yaml_configurations(name: str) -> None:
    """They can be read, and read the log."""
    text = (DEPLOY / "ship" / name).read_text()
    found: Any = yaml.safe_load(text)
    assert "/var/log/laurel-mp/audit.log" in str(found)
