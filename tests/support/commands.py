"""The program, started as a user or auditd starts it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.waiting import wait_until

COMMAND = [sys.executable, "-m", "laurel_mp"]


@contextmanager
def own_sockets() -> Iterator[dict[str, str]]:
    """An environment in which pipelines make their sockets where we see what they leave behind."""
    with tempfile.TemporaryDirectory(prefix="sockets-", dir="/tmp") as directory:
        yield os.environ | {"TMPDIR": directory}
        assert not list(Path(directory).iterdir())


def convert(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `laurel-mp convert` to its end; it must leave no sockets."""
    with own_sockets() as environment:
        return subprocess.run(
            [*COMMAND, "convert", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=100,
            env=environment,
        )


@contextmanager
def started(
    *arguments: object, environment: dict[str, str] | None = None, **how: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the program while the block does something with it; it must leave no sockets."""
    with own_sockets() as with_sockets:
        command = [*COMMAND, *map(str, arguments)]
        process = subprocess.Popen(
            command, env=with_sockets if environment is None else environment, **how
        )
        try:
            yield process
        finally:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def titles(process: "subprocess.Popen[bytes]") -> dict[str, psutil.Process]:
    """The titles of all descendants of a process, without the name of the program."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            title = " ".join(child.cmdline()).rstrip("\0 ")
        except psutil.NoSuchProcess:
            continue
        if title.startswith("laurel-mp: "):
            found[title.removeprefix("laurel-mp: ")] = child
    return found


def all_children(workers: int) -> set[str]:
    """Titles of the processes that a pipeline has besides its first one."""
    numbered = {f"worker {number}/{workers}" for number in range(1, workers + 1)}
    return {"fork server", "tracker", "writer"} | numbered


def wait_for_children(
    process: "subprocess.Popen[bytes]", workers: int
) -> dict[str, psutil.Process]:
    """Wait until all processes of a pipeline are there; give them by title."""
    expected = all_children(workers)
    wait_until(lambda: expected == set(titles(process)), f"there are {sorted(expected)}")
    return titles(process)


def plugin_config(directory: Path, *, workers: int = 0, more: str = "") -> Path:
    """Write a configuration for plugin mode; `more` goes into its `[pipeline]` section.

    With it nothing of this host gets into the output: it is that of an offline conversion.
    """
    path = directory / "config.toml"
    path.write_text(
        f'directory = "{directory}"\n'
        f"[pipeline]\nworkers = {workers}\n{more}\n"
        "[enrich]\npid = false\nparent-info = false\nspawned-by = false\n"
        "user-groups = false\nexecve-env = []\n"
        '[loss]\nrecords = "never"\n'
        '[debug]\nparse-error-log = { file = "malformed.log" }\n'
    )
    path.chmod(0o600)
    return path
