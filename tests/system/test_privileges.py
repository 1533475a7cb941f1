"""Capabilities of each process: those on the page are those that the kernel shows."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from laurel_mp.config import Config, parse
from laurel_mp.errors import ConfigError
from laurel_mp.processes.procfs import LiveProcess, Procfs
from laurel_mp.system import privileges
from laurel_mp.system.privileges import Capability, Role
from tests.support.auditd_start import Started, start_as_auditd
from tests.support.commands import all_children
from tests.support.conversion import Event, by_id
from tests.support.conversion import parse as parse_event
from tests.support.forked import in_child
from tests.support.live import copied, now, running
from tests.support.streams import eoe, event
from tests.support.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "security.md"

NOBODY = "nobody"

BOTH = frozenset({Capability.DAC_READ_SEARCH, Capability.SYS_PTRACE})
PTRACE = frozenset({Capability.SYS_PTRACE})

ALL = """
[enrich]
exe-hash = true
ppid-verbose = true
container_info = true
argv = true
[label-process]
label-exe = { "x" = "x" }
label-script = { "x" = "x" }
[filter]
filter-exe = ["^/nothing"]
"""

BARE = """
[enrich]
pid = false
parent-info = false
spawned-by = false
script = false
execve-env = []
"""


def config_of(text: str) -> Config:
    """The configuration that a text describes."""
    return parse(text, "test")


# --- what the configuration needs


def test_nothing_is_needed() -> None:
    """S7: Without enrichments that ask /proc no role needs a right, but to read the settings."""
    config = config_of(BARE)

    assert all(privileges.needs(role, config) == privileges.NONE for role in Role)
    assert privileges.needed(config) == {Capability.DAC_READ_SEARCH}


@pytest.mark.parametrize(
    ("setting", "worker", "tracker"),
    [
        ("[enrich]\npid = true", PTRACE, PTRACE),
        ("[enrich]\nparent-info = true", PTRACE, PTRACE),
        ("[enrich]\nspawned-by = true", PTRACE, PTRACE),
        ("[enrich]\nppid-verbose = true", PTRACE, PTRACE),
        ("[enrich]\ncontainer_info = true", PTRACE, PTRACE),
        ("[enrich]\nscript = true", PTRACE, privileges.NONE),
        ("[enrich]\nexe-hash = true", BOTH, privileges.NONE),
        ('[enrich]\nexecve-env = ["A"]', BOTH, privileges.NONE),
        ("[enrich]\nuser-groups = true", privileges.NONE, privileges.NONE),
        ('[label-process]\nlabel-exe = {"a" = "b"}', PTRACE, PTRACE),
        ('[label-process]\nunlabel-exe = {"a" = "b"}', PTRACE, PTRACE),
        ('[label-process]\nlabel-script = {"a" = "b"}', PTRACE, privileges.NONE),
        ('[label-process]\nlabel-keys = ["a"]', privileges.NONE, privileges.NONE),
        ('[filter]\nfilter-exe = ["a"]', PTRACE, PTRACE),
        ('[filter]\nfilter-systemd-services = ["a"]', PTRACE, PTRACE),
        ('[filter]\nfilter-keys = ["a"]', privileges.NONE, privileges.NONE),
    ],
)
def test_what_a_feature_needs(
    setting: str, worker: privileges.Capabilities, tracker: privileges.Capabilities
) -> None:
    """Each feature needs what the page says, and nothing else."""
    header, line = setting.split("\n")
    name = line.partition(" ")[0]
    bare = [each for each in BARE.splitlines() if not each.startswith(name)]
    text = "\n".join([*bare, line] if header == "[enrich]" else [*bare, header, line])
    config = config_of(text)

    assert worker == privileges.needs(Role.WORKER, config)
    assert tracker == privileges.needs(Role.TRACKER, config)
    assert worker | tracker == privileges.needs(Role.INLINE, config)
    assert privileges.needs(Role.WRITER, config) == privileges.NONE


def test_page_names_the_features() -> None:
    """The page says which settings need a right."""
    rows = [row for row in PAGE.read_text().splitlines() if row.startswith("| worker | CAP")]

    named = set(re.findall("`([a-z_-]+)`", rows[0].split("|")[3]))
    expected = {"pid", "ppid-verbose", "parent-info", "spawned-by", "container_info"}
    assert expected | {"script", "exe-hash", "execve-env"} == named


def test_beyond() -> None:
    """A configuration that needs more than the first one is recognised."""
    bare, default = config_of(BARE), Config()

    assert privileges.beyond(bare, default) == PTRACE
    assert privileges.beyond(default, bare) == privileges.NONE


# --- users


def test_unknown_user() -> None:
    """A user that does not exist is an error in the configuration."""
    with pytest.raises(ConfigError, match="user: no such user: 'nobody-here'"):
        privileges.find_user("nobody-here")


@pytest.mark.usefixtures("requires_root")
def test_only_root_becomes_another_user() -> None:
    """Other users than root can run it only as themselves."""

    def attempts() -> list[str]:
        user = privileges.find_user(NOBODY)
        assert user
        os.setuid(user.uid)
        privileges.check(user)
        try:
            privileges.check(privileges.find_user("root"))
        except ConfigError as error:
            return [str(error)]
        return []

    assert in_child(attempts) == ["user: only root can run it as 'root'"]


# --- the kernel's view


def status_of(pid: int | str) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.mark.usefixtures("requires_root")
def test_drop() -> None:
    """S7: User, groups and rights cannot be regained; supplementary groups of root, too."""

    def dropped() -> dict[str, str]:
        os.setgroups([0, 4, 20])
        user = privileges.find_user(NOBODY)
        privileges.drop(user, PTRACE)
        with pytest.raises(PermissionError):
            os.setuid(0)
        with pytest.raises(PermissionError):
            os.setgroups([0])
        with privileges.raised(*Capability):
            assert privileges.held() == (PTRACE, PTRACE)
        return status_of("self")

    found = in_child(dropped)
    entry = pwd.getpwnam(NOBODY)
    groups = sorted(os.getgrouplist(NOBODY, entry.pw_gid))
    assert [str(entry.pw_uid)] * 4 == found["Uid"].split()
    assert [str(entry.pw_gid)] * 4 == found["Gid"].split()
    assert groups == sorted(map(int, found["Groups"].split()))
    assert found["NoNewPrivs"] == "1"
    ptrace = f"{1 << Capability.SYS_PTRACE:016x}"
    sets = [found[f"Cap{name}"] for name in ("Prm", "Bnd", "Eff", "Inh", "Amb")]
    assert [ptrace, ptrace, *["0" * 16] * 3] == sets


@pytest.mark.usefixtures("requires_root")
def test_root_without_rights() -> None:
    """Without a user it stays root, who then cannot even read what belongs to others."""

    def dropped() -> list[int]:
        privileges.drop(None, privileges.NONE)
        with tempfile.NamedTemporaryFile() as file, pytest.raises(PermissionError):
            os.chown(file.name, 1, 1)
        done = subprocess.run(["cat", "/proc/self/status"], capture_output=True, check=True)
        [line] = re.findall(rb"CapPrm:\t(.*)", done.stdout)
        return [os.getuid(), int(line, 16)]

    assert in_child(dropped) == [0, 0]


@pytest.mark.usefixtures("requires_root")
def test_raised() -> None:
    """A permitted capability can be raised for a block."""

    def readable(path: str) -> bool:
        try:
            Path(path).read_bytes()
        except PermissionError:
            return False
        return True

    with tempfile.NamedTemporaryFile() as file:

        def attempts() -> list[bool]:
            privileges.drop(privileges.find_user(NOBODY), BOTH)
            before = readable(file.name)
            with privileges.raised(Capability.DAC_READ_SEARCH):
                within = readable(file.name)
            return [before, within, readable(file.name)]

        assert in_child(attempts) == [False, True, False]


@pytest.mark.usefixtures("requires_root")
def test_given_up() -> None:
    """A child cannot raise capabilities that it gave up."""

    def attempt() -> list[int]:
        privileges.drop(None, BOTH)
        privileges.become(Role.TRACKER, Config())
        tracker = privileges.held()
        privileges.give_up()
        with privileges.raised(*Capability):
            return [len(tracker.permitted), len(tracker.effective), *map(len, privileges.held())]

    assert in_child(attempt) == [1, 1, 0, 0]


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize(
    ("capabilities", "shown"),
    [
        (privileges.NONE, []),
        ({Capability.DAC_READ_SEARCH}, []),
        (PTRACE, ["exe", "namespace"]),
        (BOTH, ["exe", "namespace", "environ", "content"]),
    ],
    ids=["none", "read", "trace", "both"],
)
def test_what_the_kernel_asks_for(
    tmp_path: Path, capabilities: privileges.Capabilities, shown: list[str]
) -> None:
    """`needs` agrees with what /proc shows of another user's process by each capability."""
    secret = copied("sleep", tmp_path, "secret")
    secret.chmod(0o700)

    def attempt(live: LiveProcess) -> list[str]:
        privileges.drop(privileges.find_user(NOBODY), BOTH)
        with privileges.raised(*capabilities):
            found = {
                "exe": live.exe(),
                "namespace": live.pid_namespace(),
                "environ": live.environ(),
                "content": live.open_exe(),
            }
        return [name for name, value in found.items() if value is not None]

    with running(secret, "1000", environment={"A": "b"}) as (program, _):
        live = Procfs().open(b"%d" % program.pid)
        assert live
        with live:
            assert in_child(partial(attempt, live)) == shown


@pytest.mark.usefixtures("requires_root")
def test_undropped() -> None:
    """A process that has not dropped its privileges keeps them, whatever it runs."""

    def attempt() -> list[str]:
        before = status_of("self")
        privileges.become(Role.INLINE, config_of(BARE))
        privileges.become(Role.INGEST, Config())
        with privileges.raised(*Capability):
            pass
        after = status_of("self")
        return [name for name in before if name.startswith("Cap") and before[name] != after[name]]

    assert in_child(attempt) == []


@pytest.mark.usefixtures("requires_root")
def test_one_process_and_back() -> None:
    """When the number of workers changes, ingest puts into effect what it needs at a time."""

    def attempt() -> list[list[int]]:
        privileges.drop(None, BOTH)
        found = []
        for role in (Role.INGEST, Role.INLINE, Role.INGEST):
            privileges.become(role, config_of(ALL))
            found.append([len(each) for each in privileges.held()])
        return found

    assert in_child(attempt) == [[2, 0], [2, 2], [2, 0]]


# --- the program


@contextmanager
def plugin(config: str, *, user: str | None, workers: int) -> Iterator[tuple[Started, Path]]:
    """The program, started as auditd does; it has given out an event."""
    # Not below pytest's directory: that is root's alone.
    place = Path(tempfile.mkdtemp(prefix="laurel-mp-test-"))
    place.chmod(0o755)
    path = place / "config.toml"
    first = f'user = "{user}"\n' if user else ""
    path.write_text(
        f'{first}directory = "{place}/log"\n{config}\n'
        f'[loss]\nrecords = "never"\n[pipeline]\nworkers = {workers}\n'
    )
    path.chmod(0o600)
    log = place / "log" / "audit.log"
    try:
        with start_as_auditd("-c", path) as started:
            started.give(eoe(1) + event(7))
            wait_until(lambda: log.exists() and log.read_bytes(), "an event is in the log", 20)
            yield started, log
    finally:
        shutil.rmtree(place)


def table(title: str) -> dict[str, list[str]]:
    """A table of the page, by role."""
    _, _, after = PAGE.read_text().partition(f"\n{title}\n\n")
    lines = after.partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {role: cells for role, *cells in rows}


def role_of(title: str) -> str:
    """The role behind a title: `worker 2/4` is a worker."""
    return re.split("[ ,]*(?:[0-9]+/[0-9]+|keeper)$", title)[0]


def shown(process: psutil.Process) -> list[str]:
    """A process's rights, as the page shows them."""
    status = status_of(process.pid)
    [uid] = set(status["Uid"].split())
    names = {1 << each: f"CAP_{each.name}" for each in Capability}

    def named(bits: str) -> str:
        left = int(bits, 16)
        found = [names[1 << bit] for bit in range(64) if left >> bit & 1]
        return ", ".join(found) or "none"

    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    yes = {"0": "no", "1": "yes"}
    return [uid, named(status["CapPrm"]), named(status["CapEff"]), yes[status["NoNewPrivs"]]]


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize("user", [None, NOBODY])
@pytest.mark.parametrize(
    ("config", "title"),
    [(ALL, "With all enrichments on:"), (BARE, "With none that needs a right:")],
    ids=["all", "none"],
)
def test_table(config: str, title: str, user: str | None) -> None:
    """S7: Each process has the user and the rights that docs/security.md says, and no others."""
    expected = table(title)
    uid = str(pwd.getpwnam(user or "root").pw_uid)
    with plugin(config, user=user, workers=2) as (started, _):
        wanted = all_children(2) | {"ingest", "names", "names, keeper"}
        wait_until(lambda: wanted == set(started.all_processes()), "all processes are there")
        processes = started.all_processes()
        assert set(expected) == {role_of(title) for title in processes}
        found = {title: shown(process) for title, process in processes.items()}
        groups = {status_of(process.pid)["Groups"].strip() for process in processes.values()}
        assert started.end_of_input() == 0

    for name, row in found.items():
        assert [uid, *expected[role_of(name)][1:]] == row, name
    if user:
        assert {str(pwd.getpwnam(user).pw_gid)} == groups


@pytest.mark.usefixtures("requires_root")
def test_without_workers() -> None:
    """One process for all has in effect what a worker and the tracker need."""
    with plugin(ALL, user=NOBODY, workers=0) as (started, _):
        found = shown(started.all_processes()["ingest"])
        assert started.end_of_input() == 0

    both = "CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE"
    assert [str(pwd.getpwnam(NOBODY).pw_uid), both, both, "yes"] == found


@pytest.mark.usefixtures("requires_root")
@pytest.mark.parametrize("workers", [0, 2])
def test_enrichments_work_without_root(tmp_path: Path, workers: int) -> None:
    """The rights that are kept suffice for what root's processes hide from other users."""
    secret = copied("sleep", tmp_path, "secret")
    secret.chmod(0o700)
    stream = now()
    config = "[enrich]\nexe-hash = true"
    with (
        running(secret, "1000", environment={"LD_LIBRARY_PATH": "/nowhere"}) as (program, _),
        plugin(config, user=NOBODY, workers=workers) as (started, log),
    ):
        id_ = program.executes(stream, "secret", "1000")
        started.give("".join(line + "\n" for line in stream.lines).encode())

        def events() -> dict[str, Event]:
            return by_id([parse_event(line) for line in log.read_bytes().split(b"\n")[:-1]])

        wait_until(lambda: id_ in events(), "the exec is in the log")
        found = events()[id_]
        assert started.end_of_input() == 0

    assert len(found["SYSCALL"]["EXE_HASH"]) == 64
    assert found["EXECVE"]["ENV"] == {"LD_LIBRARY_PATH": "/nowhere"}


@pytest.mark.usefixtures("requires_root")
def test_children_end_with_it() -> None:
    """Dropping privileges does not take from the children that they end with their parent."""
    with plugin(ALL, user=NOBODY, workers=2) as (started, _):
        processes = list(started.all_processes().values())
        started.process.kill()
        started.process.wait()
        wait_until(lambda: not any(map(is_alive, processes)), "all have ended")


def is_alive(process: psutil.Process) -> bool:
    """True if a process exists and is no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.usefixtures("requires_root")
def test_log_belongs_to_the_user() -> None:
    """S8: The directory that it made is the user's, as the log is, and no one else's."""
    with plugin(BARE, user=NOBODY, workers=2) as (started, log):
        owner = pwd.getpwnam(NOBODY).pw_uid
        directory, file = log.parent.stat(), log.stat()
        assert started.end_of_input() == 0

    assert [(owner, 0o700), (owner, 0o600)] == [
        (status.st_uid, stat.S_IMODE(status.st_mode)) for status in (directory, file)
    ]
