"""laurel-mp as a plugin of a real auditd, beside plugins that keep what they get."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.support.auditd import PluginConf, RealAuditd, install_plugin
from tests.support.commands import convert
from tests.support.conversion import Event
from tests.support.plugin import configure
from tests.support.waiting import wait_until

LONG = 120_000
"""Bytes: an argument that takes 33 records."""

PROGRAMS = ("sh", "cat", "env", "find", "sleep", "sort", "touch", "true", "wc", "xargs")

SCRIPT = f"#!{sys.executable}\nimport runpy\nrunpy.run_module('laurel_mp', run_name='__main__')\n"

_HEADER = re.compile(rb"^(?:node=[^ ]+ )?type=([^ ]+) msg=audit\(([0-9.]+:[0-9]+)\)", re.MULTILINE)

_KEPT = {b"DAEMON_CONFIG", b"DAEMON_END"}
"""Record types that auditd keeps to itself, or may if it is in a hurry."""

_WORK = """\
cd "$1"
n=$2
i=0
while [ $i -lt "$n" ]; do
    i=$((i + 1))
    bin/true plain $i &
    bin/true 'two words' 'a"b' "$(printf 'gr\\303\\274n 100%% %%41 \\377')" ''
done
wait
job='bin/touch "files/$0.c"; bin/job.sh "$0"'
printf '%s\\n' 1 2 3 4 5 6 7 8 | bin/xargs -n 1 -P 4 bin/sh -c "$job"
bin/find files -name '*.c' -exec bin/cat {} + | bin/sort | bin/wc -l >/dev/null
(bin/env -i VARIABLE=value bin/sh -c 'bin/true of-a-child & wait')
bin/nonexistent 2>/dev/null
bin/true "$(bin/cat long)" behind
"""


_CONTEXT = """\
directory = "{directory}"
[state]
write-state-period = 1
[debug.log]
file = "messages.log"
[label-process]
label-keys = ["ran"]
propagate-labels = ["ran"]
[pipeline]
workers = {workers}
"""


def executions_of(times: int) -> int:
    """Number of programs that the work starts with success."""
    return 2 * times + 43


class Hosted:
    """One below a directory, with programs of which each execution is audited."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.files = directory / "files"
        self.log = directory / "audit.log"
        self.config = directory / "config.toml"
        directory.mkdir(exist_ok=True)
        self._script = install_plugin(directory / "plugin", SCRIPT)
        for path in (self.bin, self.files):
            path.mkdir(mode=0o755)
        for name in PROGRAMS:
            found = shutil.which(name)
            assert found
            shutil.copy(Path(found).resolve(), self.bin / name)
        (self.bin / "job.sh").write_text(f"#!{self.bin}/sh\n{self.bin}/true job\nexit $1\n")
        (self.bin / "job.sh").chmod(0o755)
        (directory / "long").write_text("A" * LONG)
        (directory / "work.sh").write_text(_WORK)

    # --- before

    @property
    def rules(self) -> str:
        """Audit rules for these programs and accesses to these files."""
        return f"-w {self.bin} -p x -k ran\n-w {self.files} -p wa -k changed\n"

    def conf(self) -> PluginConf:
        """It as auditd is told of it."""
        return PluginConf(self._script, args=f"-c {self.config}")

    def configure(self, workers: int, *, more: str = "", top: str = "", sections: str = "") -> None:
        """Write a configuration that adds nothing of this host; see `plugin.configure`."""
        sections = f'[auditlog]\nsize = 0\n[debug.log]\nfile = "messages.log"\n{sections}'
        configure(self.directory, workers, more=more, top=top, sections=sections)

    def configure_context(self, workers: int, more: str = "") -> None:
        """Write a configuration that adds what is known of processes, here and in the state."""
        self.config.write_text(_CONTEXT.format(directory=self.directory, workers=workers) + more)
        self.config.chmod(0o600)

    # --- meanwhile

    def start(self, *words: str | Path, **how: Any) -> "subprocess.Popen[bytes]":
        """Start a program of the directory."""
        program, *arguments = words
        return subprocess.Popen([self.bin / program, *arguments], **how)

    def run(self, *words: str | Path) -> None:
        """Run a program of the directory, to its end."""
        self.start(*words).wait(60)

    def work(self, times: int) -> None:
        """Pipelines, scripts, children, and arguments of all kinds."""
        self.run("sh", self.directory / "work.sh", self.directory, str(times))

    def finish(self, word: str) -> None:
        """Returns when an execution with this argument, which comes now, is in the output."""
        self.run("true", word)
        self.has(f'"{word}"')

    def has(self, text: str, seconds: float = 30.0) -> None:
        """Returns when this is in the output."""
        self._wait(lambda: text.encode() in self.output(), f"{text} is in the output", seconds)

    def ingest(self) -> int:
        """The process that auditd has started, if it still runs; otherwise 0."""
        try:
            pid = int((self.directory / ".laurel-mp.lock").read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return pid if Path(f"/proc/{pid}").exists() else 0

    def saved(self, id_: str) -> None:
        """Returns when the state file knows of the event."""
        state = self.directory / "state"
        wait_until(
            lambda: state.exists() and id_.encode() in state.read_bytes(), "the state is saved", 20
        )

    def flows(self, lines: int = 300) -> None:
        """Returns when so many more events are in the output."""
        enough = self.output().count(b"\n") + lines
        self._wait(lambda: self.output().count(b"\n") >= enough, "events come", 60)

    def reload(self, auditd: RealAuditd, word: str) -> None:
        """Have auditd reload until laurel-mp has said this once more.

        On a busy machine auditd 3.0.9 was seen to miss a signal now and then.
        """
        messages = self.directory / "messages.log"
        enough = messages.read_text().count(word) + 1
        due = 0.0

        def has_said() -> bool:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + 3
                auditd.reload()
            self.run("true")
            return messages.read_text().count(word) >= enough

        self._wait(has_said, f"it says {word!r}", 20)

    def _wait(self, condition: Callable[[], object], what: str, seconds: float) -> None:
        """Waits; an error says what laurel-mp had to say."""
        try:
            wait_until(condition, what, seconds)
        except AssertionError as error:
            messages = self.directory / "messages.log"
            error.add_note(messages.read_text() if messages.exists() else "it has said nothing")
            raise

    # --- afterwards

    def ended(self, seconds: float = 10.0) -> None:
        """Returns when the last of its processes has ended."""
        wait_for_end(self.directory, seconds)

    def output(self) -> bytes:
        """All that it has written."""
        return self.log.read_bytes() if self.log.exists() else b""

    def events(self) -> list[Event]:
        """All events, as far as they are written."""
        return [json.loads(line) for line in self.output().split(b"\n")[:-1]]

    def executions(self, *argv: str) -> list[Event]:
        """Those of programs with these arguments."""
        return [e for e in self.events() if e.get("EXECVE", {}).get("ARGV", [])[1:] == [*argv]]

    def execution(self, *argv: str) -> Event:
        """The one with these arguments, as soon as it is there."""
        self._wait(lambda: self.executions(*argv), f"an execution: {argv}", 30)
        (event,) = self.executions(*argv)
        return event


def wait_for_end(directory: Path, seconds: float = 10.0) -> None:
    """Returns when no laurel-mp writes there: each of its processes holds the directory's lock."""
    with (directory / ".laurel-mp.lock").open("rb") as lock:

        def is_free() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        wait_until(is_free, "all of its processes have ended", seconds)


class Witness:
    """A second plugin, which keeps what it gets: all that auditd has for plugins."""

    def __init__(self, directory: Path, name: str = "witness", before: str = "") -> None:
        self._file = directory / f"{name}.txt"
        self._script = install_plugin(
            directory / name, f"#!/bin/sh\n{before}\nexec cat >> {self._file}\n"
        )

    def conf(self) -> PluginConf:
        """It as auditd is told of it."""
        return PluginConf(self._script)

    def lines(self) -> bytes:
        """The lines it has received."""
        return self._file.read_bytes() if self._file.exists() else b""


def ids(lines: bytes) -> list[str]:
    """The ids of the events in audit records, in the order of their first ones.

    Those of auditd's reloads are left out, as plugins never see them; and that of its end, which
    auditd 3.0 gives to plugins within 10 ms, or to none or some of them.
    """
    found = [id_ for kind, id_ in _HEADER.findall(lines) if kind not in _KEPT]
    return [id_.decode() for id_ in dict.fromkeys(found)]


def all_once(expected: Iterable[str], events: Iterable[Event]) -> None:
    """Fails unless there is one event for each id, and no other but that of auditd's end."""
    counts = Counter(event["ID"] for event in events if "DAEMON_END" not in event)
    wanted = set(expected)
    assert sorted(id_ for id_, count in counts.items() if count > 1) == [], "written twice"
    assert sorted(wanted - set(counts)) == [], "lost"
    assert sorted(set(counts) - wanted) == [], "never heard of"


def converted(running: Hosted, lines: bytes) -> list[bytes]:
    """Audit records converted with the configuration of a plugin."""
    done = convert("-c", running.config, "-w", 0, stdin=lines)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.splitlines()


def same(expected: list[bytes], found: list[bytes]) -> None:
    """Fails unless the events are the same, in any order, but for that of auditd's end."""
    first, second = ([e for e in each if b'"DAEMON_END":' not in e] for each in (expected, found))
    assert sorted(first) == sorted(second)


def logged(auditd: RealAuditd) -> list[str]:
    """The ids of all events that auditd has written to its own log."""
    return ids(auditd.log_file.read_bytes())


@contextlib.contextmanager
def load(running: Hosted) -> Iterator[None]:
    """Repeats the work during the block."""
    with running.start(
        *("sh", running.directory / "work.sh", running.directory, "1000000"),
        start_new_session=True,
    ) as process:
        try:
            yield
            assert process.poll() is None, "there was not enough to do"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
