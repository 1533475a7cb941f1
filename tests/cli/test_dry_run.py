"""`laurel-mp -d` finds all that keeps the plugin from starting, at once."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from laurel_mp.cli.dry_run import problems_of
from tests.support.commands import COMMAND
from tests.support.forked import in_child
from tests.support.requirements import root

BROKEN = """\
user = "nosuch"
directory = "/nosuch/logs"
colour = 1
[auditlog]
file = "/missing/audit.log"
read-users = ["nobody-here", "root"]
read-groups = ["no-group"]
[filterlog]
file = "/missing/audit.log"
[filter]
filter-action = "log"
filter-users = ["no-one", "neither"]
[state]
file = "/dev/null/state"
[pipeline]
workers = "many"
"""

FOUND = {
    "colour: unknown key",
    "[pipeline] workers: expected",
    "user: no such user: 'nosuch'",
    "[filter] filter-users: no such user: 'no-one'",
    "[filter] filter-users: no such user: 'neither'",
    "[auditlog] file: /missing: no such directory",
    "[state] file: /dev/null: not a directory",
    "[auditlog] read-users: no such user: 'nobody-here'",
    "[auditlog] read-groups: no such group: 'no-group'",
    "[filterlog] file: conflict with [auditlog] file: /missing/audit.log: is the file of two",
}


def write(path: Path, text: str) -> Path:
    """Write a configuration that is trusted."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Each problem is one message with file, section and key, whatever else is wrong."""
    path = write(tmp_path / "config.toml", BROKEN)
    done = subprocess.run(
        [*COMMAND, "-d", "-c", path], capture_output=True, text=True, check=False, timeout=60
    )

    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    for expected in FOUND:
        assert any(line.startswith(f"laurel-mp: {path}: {expected}") for line in lines), expected
    assert len(lines) == len(FOUND)


def test_valid(tmp_path: Path) -> None:
    """A configuration without a problem is named; nothing is made, not even the directory."""
    path = write(tmp_path / "config.toml", f'directory = "{tmp_path}/logs"\n')
    done = subprocess.run(
        [*COMMAND, "-d", "-c", "config.toml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"laurel-mp: {path}: the configuration is valid\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("directory = 7", ["directory: expected"]),
        ('directory = "/nosuch/logs"', ["directory: /nosuch/logs: No such file or directory"]),
        ('directory = "/dev/null"', ["directory: /dev/null: is not a directory"]),
        ('directory = "/tmp"', ["directory: /tmp: group or others can write it"]),
        ("directory = ", ["not valid TOML: "]),
        ('directory = "/nosuch/logs"\n[auditlog]\nfile = "x"', ["directory: /nosuch/logs: No"]),
        ('directory = "/var"\n[pipeline]\nspool = "/nosuch/spool"', ["[pipeline] spool: /nosuch"]),
    ],
)
def test_directories(tmp_path: Path, text: str, expected: list[str]) -> None:
    """A directory that is missing, or that others can write, is one problem."""
    path = write(tmp_path / "config.toml", text)

    found = problems_of(path)

    assert len(found) == len(expected)
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(f"{path}: {start}")


def test_missing_file(tmp_path: Path) -> None:
    """A configuration that is not there is the problem."""
    expected = f"{tmp_path}/config.toml: cannot be read: No such file or directory"
    assert [expected] == problems_of(tmp_path / "config.toml")


def test_as_another_user() -> None:
    """A file that only root can read is no problem for other users."""
    root()

    def look() -> list[str]:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        return problems_of(path)

    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        Path(directory, "closed").mkdir(0o700)
        path = write(Path(directory, "config.toml"), f'directory = "{directory}/closed/logs"\n')
        path.chmod(0o644)

        assert in_child(look) == []
