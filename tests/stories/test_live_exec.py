"""Additions of plugin mode to execs: variables, hashes, scripts, groups, names."""

import grp
import hashlib
import os
import pwd
from pathlib import Path

import pytest

from tests.stories.conftest import Start
from tests.support.live import asleep, copied, gone, now, running


def test_variables_of_an_exec(start: Start) -> None:
    """`enrich.execve-env` shows variables by their name, or by how it starts, and no others."""
    stream = now()
    config = '[enrich]\nexecve-env = ["LD_PRELOAD", "PYTHON*"]'
    environment = {"LD_PRELOAD": "", "PYTHONPATH": "/x", "SECRET": "s", "LD_PRELOAD_": "y"}
    with start(config) as plugin, asleep(environment) as program:
        executed = plugin.tell(stream, program.executes(stream))
    assert executed["EXECVE"]["ENV"] == {"LD_PRELOAD": "", "PYTHONPATH": "/x"}


def test_variables_that_are_shown_by_default(start: Start) -> None:
    """Those that make a program load other code are shown if nothing is configured."""
    stream = now()
    environment = {"LD_LIBRARY_PATH": "/nowhere", "HOME": "/"}
    with start() as plugin, asleep(environment) as program:
        executed = plugin.tell(stream, program.executes(stream))
    assert executed["EXECVE"]["ENV"] == {"LD_LIBRARY_PATH": "/nowhere"}


def test_variables_of_another_program(start: Start) -> None:
    """P14: when the process runs something else by now, its variables are not those of the exec."""
    stream = now()
    with start('[enrich]\nexecve-env = ["*"]') as plugin, asleep({"A": "b"}) as program:
        id_ = stream.execute(program.pid, program.ppid, "/usr/bin/earlier", "earlier")
        executed = plugin.tell(stream, id_)
    assert "ENV" not in executed["EXECVE"]


def test_the_hash_of_an_executable(start: Start) -> None:
    """`enrich.exe-hash` shows the SHA-256 of what was executed, on execs."""
    stream = now()
    with start("[enrich]\nexe-hash = true") as plugin, asleep() as program:
        executed = plugin.tell(stream, program.executes(stream))["SYSCALL"]
        opened = plugin.tell(stream, program.opens(stream))["SYSCALL"]
    expected = hashlib.sha256(Path(program.exe).read_bytes()).hexdigest()
    assert executed["EXE_HASH"] == expected
    assert "EXE_HASH" not in opened


def test_no_hash_of_another_program(start: Start) -> None:
    """When the process runs something else by now there is no hash."""
    stream = now()
    with start("[enrich]\nexe-hash = true") as plugin, asleep() as program:
        id_ = stream.execute(program.pid, program.ppid, "/usr/bin/earlier", "earlier")
        executed = plugin.tell(stream, id_)
    assert "EXE_HASH" not in executed["SYSCALL"]


def test_hashes_without_a_cache(start: Start) -> None:
    """P16: with `exe-hash-cache-entries = 0` each executable is hashed, and each time again."""
    stream = now()
    config = "[enrich]\nexe-hash = true\nexe-hash-cache-entries = 0"
    with start(config) as plugin, asleep() as program:
        hashes = [
            plugin.tell(stream, program.executes(stream))["SYSCALL"]["EXE_HASH"] for _ in range(2)
        ]
    assert hashes == [hashlib.sha256(Path(program.exe).read_bytes()).hexdigest()] * 2


def test_an_upgrade_with_the_same_time_and_size(start: Start, tmp_path: Path) -> None:
    """P15: a new file in the place of the old one has a hash of its own."""
    stream = now()
    path = copied("sleep", tmp_path, "program")
    before = path.read_bytes()
    with start("[enrich]\nexe-hash = true") as plugin:
        with running(path, "1000") as (program, _):
            old = plugin.tell(stream, program.executes(stream))["SYSCALL"]["EXE_HASH"]
        times = path.stat()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        with running(path, "1000") as (program, _):
            new = plugin.tell(stream, program.executes(stream))["SYSCALL"]["EXE_HASH"]
    assert old == hashlib.sha256(before).hexdigest()
    assert new == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("room", [0, -1])
def test_large_executables_are_not_hashed(start: Start, room: int) -> None:
    """P17: `exe-hash-size-limit` bounds what is read for one event."""
    stream = now()
    with asleep() as program:
        limit = Path(program.exe).stat().st_size + room
        with start(f"[enrich]\nexe-hash = true\nexe-hash-size-limit = {limit}") as plugin:
            executed = plugin.tell(stream, program.executes(stream))
    assert (room == 0) == ("EXE_HASH" in executed["SYSCALL"])


def test_a_script(start: Start, tmp_path: Path) -> None:
    """The file that was asked for is the script, as the executable is another file."""
    stream = now()
    script = tmp_path / "job"
    script.write_text("#!/bin/sh\nsleep 1000\n")
    script.chmod(0o755)
    with start() as plugin, running(script) as (program, _):
        id_ = stream.execute(
            program.pid, program.ppid, program.exe, "/bin/sh", "./job",
            script="./job", cwd=str(tmp_path), comm="job", inode=script.stat().st_ino,
        )  # fmt: skip
        executed = plugin.tell(stream, id_)
    assert executed["SYSCALL"]["SCRIPT"] == str(script)


def test_an_interpreter_that_records_do_not_show(start: Start, tmp_path: Path) -> None:
    """Inode numbers tell a script that the kernel gave to an interpreter of binfmt_misc."""
    stream = now()
    path = tmp_path / "program.jar"
    path.touch()
    with start() as plugin, asleep() as program:
        id_ = stream.execute(
            program.pid, program.ppid, program.exe, "java", "-jar",
            script=str(path), comm="program.jar", inode=path.stat().st_ino,
        )  # fmt: skip
        executed = plugin.tell(stream, id_)
    assert executed["SYSCALL"]["SCRIPT"] == str(path)


def test_a_program_by_another_name_is_no_script(start: Start) -> None:
    """The same inode is the same file, by whatever link it was run."""
    stream = now()
    with start() as plugin, asleep() as program:
        executed = plugin.tell(stream, program.executes(stream))
    assert "SCRIPT" not in executed["SYSCALL"]


def test_a_script_of_another_device(start: Start) -> None:
    """The same inode number on another device is not the same file."""
    stream = now()
    with start() as plugin, asleep() as program:
        id_ = stream.execute(
            program.pid, program.ppid, program.exe, program.exe, "/mnt/job",
            script="/mnt/job", comm="job", inode=Path(program.exe).stat().st_ino, dev="00:ff",
        )  # fmt: skip
        executed = plugin.tell(stream, id_)
    assert executed["SYSCALL"]["SCRIPT"] == "/mnt/job"


def test_groups_of_the_user(start: Start) -> None:
    """UID_GROUPS names the groups of `uid`, on every event."""
    stream = now()
    groups = os.getgrouplist("root", 0)
    with start() as plugin, asleep() as program:
        opened = plugin.tell(stream, program.opens(stream))
    assert opened["SYSCALL"]["UID_GROUPS"] == [grp.getgrgid(gid).gr_name for gid in groups]


@pytest.mark.parametrize("option", ["user-groups", "uid-groups"])
def test_without_groups(start: Start, option: str) -> None:
    """They can be switched off, by either name of the option."""
    stream = now()
    with start(f"[enrich]\n{option} = false") as plugin, asleep() as program:
        opened = plugin.tell(stream, program.opens(stream))
    assert "UID_GROUPS" not in opened["SYSCALL"]


def test_a_user_that_nobody_knows(start: Start) -> None:
    """An unknown user has no groups, and a name that says so."""
    stream = now()
    with start("[translate]\nuser-db = true") as plugin:
        opened = plugin.tell(stream, stream.open(gone(), 1, "/bin/true", uid=987_654))
    assert opened["SYSCALL"]["UID"] == "unknown(987654)"
    assert "UID_GROUPS" not in opened["SYSCALL"]


def test_names_of_users(start: Start) -> None:
    """`user-db` names users and groups by the database of this host."""
    stream = now()
    nobody = pwd.getpwnam("nobody")
    with start("[translate]\nuser-db = true") as plugin:
        event = plugin.tell(stream, stream.kill(gone(), 1, "/bin/kill", 1))
        other = plugin.tell(stream, stream.open(gone(), 1, "/bin/true", uid=nobody.pw_uid))
    assert [event["SYSCALL"]["UID"], event["SYSCALL"]["GID"]] == ["root", "root"]
    assert event["OBJ_PID"][0]["OUID"] == "root"
    assert event["OBJ_PID"][0]["OAUID"] == "unset"
    assert other["SYSCALL"]["UID"] == "nobody"
