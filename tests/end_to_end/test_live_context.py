"""Process context with a real auditd: programs run, and the JSON says who they were."""

import json
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartAuditd
from tests.support.auditd import PluginConf, RealAuditd, install_plugin
from tests.support.hosted import SCRIPT, wait_for_end
from tests.support.live import cgroup
from tests.support.waiting import wait_until

Event = dict[str, Any]

NOBODY = pwd.getpwnam("nobody").pw_uid

CONFIG = """
directory = "{directory}"
[auditlog]
file = "events.log"
[enrich]
exe-hash = true
argv = true
[label-process]
label-keys = ["story"]
label-argv.'-c exit' = 'brief'
propagate-labels = ["story"]
[pipeline]
workers = {workers}
"""


class Story:
    """Programs in a directory whose executions are audited, and the output about them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.log = directory / "events.log"
        self.bin.mkdir(mode=0o755)
        for name in ("sh", "cat", "id", "sleep", "true"):
            found = shutil.which(name)
            assert found
            shutil.copy(Path(found).resolve(), self.bin / name)

    @property
    def rules(self) -> str:
        """Audit rules for the host."""
        return f"-w {self.bin} -p x -k story\n"

    def conf(self, workers: int) -> PluginConf:
        """Write a configuration; laurel-mp as auditd is told of it."""
        config = self.directory / "config.toml"
        config.write_text(CONFIG.format(directory=self.directory, workers=workers))
        config.chmod(0o600)
        script = install_plugin(self.directory / "plugin", SCRIPT)
        return PluginConf(script, args=f"-c {config}")

    def run(self, *words: str, **options: Any) -> None:
        """Runs a program of the directory, to its end."""
        program, *arguments = words
        subprocess.run([self.bin / program, *arguments], check=True, capture_output=True, **options)

    def executions(self, name: str) -> list[Event]:
        """The successful executions of a program, as far as they are in the output."""
        if not self.log.exists():
            return []
        lines = self.log.read_bytes().split(b"\n")[:-1]
        events = [json.loads(line) for line in lines if b'"EXECVE"' in line]
        return [e for e in events if e["SYSCALL"]["exe"] == str(self.bin / name)]

    def execution(self, name: str, matches: Callable[[Event], bool] = lambda _: True) -> Event:
        """The one that matches, when it is there."""

        def found() -> list[Event]:
            return [event for event in self.executions(name) if matches(event)]

        wait_until(lambda: bool(found()), f"an execution of {name} is in the output")
        (event,) = found()
        return event


@contextmanager
def audited(start: StartAuditd, story: Story, workers: int) -> Iterator[RealAuditd]:
    """In the block, laurel-mp has looked at all processes; behind it, none of its own is left."""
    with start(story.directory, story.rules, {"laurel-mp": story.conf(workers)}) as auditd:
        story.run("true", "at-the-start")
        story.execution("true")
        yield auditd
    wait_for_end(story.directory)


def argv(event: Event) -> list[str]:
    """The arguments of an execution."""
    words: list[str] = event["EXECVE"]["ARGV"]
    return words


@pytest.mark.parametrize("workers", [0, 2])
def test_programs_and_their_context(
    real_auditd: StartAuditd, public_path: Path, workers: int
) -> None:
    """A pipeline, a script, a variable, a setuid program, and one that is gone at once."""
    tmp_path = public_path
    story = Story(tmp_path)
    script = story.bin / "job.sh"
    script.write_text(f"#!{story.bin}/sh\n{story.bin}/true from-script\n")
    script.chmod(0o755)
    (story.bin / "id").chmod(0o4755)
    with audited(real_auditd, story, workers) as auditd:
        sh, cat, true = (story.bin / name for name in ("sh", "cat", "true"))
        story.run("sh", "-c", f"{true} piped | {cat} -u")
        story.run("job.sh")
        environment = {"LD_PRELOAD": "/nowhere.so", "SECRET": "x"}
        sleeper = subprocess.Popen(
            [story.bin / "sleep", "30"], env=environment, stderr=subprocess.DEVNULL
        )
        story.run("id", user=NOBODY)
        story.run("sh", "-c", "exit 0")
        shell = story.execution("sh", lambda e: "piped" in argv(e)[-1])
        left = story.execution("true", lambda e: argv(e)[1:] == ["piped"])
        right = story.execution("cat")
        job = story.execution("sh", lambda e: argv(e)[1:] == [str(script)])
        from_script = story.execution("true", lambda e: argv(e)[1:] == ["from-script"])
        asleep = story.execution("sleep")
        setuid = story.execution("id")
        brief = story.execution("sh", lambda e: argv(e)[-1] == "exit 0")
        sleeper.kill()
        sleeper.wait()
        lost = auditd.status()["lost"]

    # The pipeline: both ends are children of the shell, which is a child of this process.
    for child in (left, right):
        assert child["SYSCALL"]["PPID"]["EVENT_ID"] == shell["ID"]
        assert child["PARENT_INFO"]["exe"] == str(sh)
        assert child["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == shell["ID"]
        assert child["SYSCALL"]["LABELS"] == ["story"]
    assert "ID" not in shell["PARENT_INFO"]
    assert shell["PARENT_INFO"]["exe"] == str(Path("/proc/self/exe").readlink())
    assert "START_TIME" in shell["SYSCALL"]["PPID"]

    # The script: named, and what it starts is a child of it.
    assert job["SYSCALL"]["SCRIPT"] == str(script)
    assert from_script["SYSCALL"]["PPID"]["EVENT_ID"] == job["ID"]
    assert "SCRIPT" not in from_script["SYSCALL"]

    # The variable that was asked for, and no other.
    assert asleep["EXECVE"]["ENV"] == {"LD_PRELOAD": "/nowhere.so"}
    assert len(asleep["SYSCALL"]["EXE_HASH"]) == 64
    assert asleep["SYSCALL"]["PID"]["ARGV"] == [str(story.bin / "sleep"), "30"]

    # The setuid program: who started it, and as whom it runs.
    assert (setuid["SYSCALL"]["uid"], setuid["SYSCALL"]["euid"]) == (NOBODY, 0)
    assert "nogroup" in setuid["SYSCALL"]["UID_GROUPS"]

    # The one that was gone at once: all that the stream itself says is there.
    assert brief["SYSCALL"]["LABELS"] == ["brief", "story"]
    assert brief["SYSCALL"]["PID"]["EVENT_ID"] == brief["ID"]
    assert brief["PARENT_INFO"]["exe"] == str(Path("/proc/self/exe").readlink())
    assert lost >= 0


@pytest.mark.parametrize("workers", [0, 2])
def test_a_container(real_auditd: StartAuditd, public_path: Path, workers: int) -> None:
    """A process in the control group of a container says so, and so does what it starts."""
    story = Story(public_path)
    id_ = "c0" * 32
    with (
        cgroup(f"docker-{id_}.scope") as group,
        audited(real_auditd, story, workers),
    ):
        enter = f'echo $$ >{group}/cgroup.procs; exec "$0" -c'
        within = f"{story.bin}/true early; read line; {story.bin}/true late; :"
        with subprocess.Popen(
            ["sh", "-c", f'{enter} "$1"', story.bin / "sh", within], stdin=subprocess.PIPE
        ) as process:
            shell = story.execution("sh", lambda e: argv(e)[-1] == within)
            process.communicate(b"go on\n")
        late = story.execution("true", lambda e: argv(e)[-1] == "late")
        story.run("true", "outside")
        outside = story.execution("true", lambda e: argv(e)[-1] == "outside")

    assert shell["SYSCALL"]["PID"]["container"] == {"id": id_}
    assert late["SYSCALL"]["PID"]["container"] == {"id": id_}
    assert late["SYSCALL"]["PPID"]["EVENT_ID"] == shell["ID"]
    assert "container" not in outside["SYSCALL"].get("PID", {})


def ends_with(word: str, event: Event) -> bool:
    """True if this is the last argument of an execution."""
    return argv(event)[-1] == word


@pytest.mark.parametrize("workers", [0, 2])
def test_a_tree(real_auditd: StartAuditd, public_path: Path, workers: int) -> None:
    """Of a line of shells, each is the child of the one before, down to the last program."""
    story = Story(public_path)
    levels = ["level-0", "level-1", "level-2", "level-3", "level-4", "level-5"]
    words = f"{story.bin}/true leaf & wait"
    for level in reversed(levels[1:]):
        words = f"{story.bin}/sh -c {shlex.quote(words)} {level} & wait"
    with audited(real_auditd, story, workers):
        story.run("sh", "-c", words, levels[0])
        leaf = story.execution("true", partial(ends_with, "leaf"))
        line = [story.execution("sh", partial(ends_with, level)) for level in levels]

    for parent, child in pairwise([*line, leaf]):
        assert child["SYSCALL"]["PPID"]["EVENT_ID"] == parent["ID"]
        assert child["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == parent["ID"]
        assert child["SYSCALL"]["LABELS"] == ["story"]
