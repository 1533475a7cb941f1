"""A directory service that takes its time, and the pipeline that has to do with it."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from laurel_mp.config import load
from laurel_mp.pipeline.host import host_access
from laurel_mp.pipeline.host.name_service import NameService
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.runner.spawner import ProcessSpawner
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.start import runner_of
from laurel_mp.processes.users import Answer, Question
from tests.support.conversion import parse
from tests.support.stream import Stream
from tests.support.waiting import wait_until

CONFIG = """
directory = "{directory}"
[translate]
user-db = true
[enrich]
user-groups = false
"""


class Directory:
    """A service that hangs until it is told to go on."""

    def __init__(self, path: Path) -> None:
        self._gate, self._is_open = path / "gate", path / "open"
        os.mkfifo(self._gate)
        # For reading, too: then neither side waits for the other one to open it.
        self._held = self._gate.open("r+b", buffering=0)

    def resolve(self, _question: Question) -> Answer:
        """Runs in a process of its own."""
        if not self._is_open.exists():
            with self._gate.open("rb", buffering=0) as gate:
                gate.read(1)
        return (b"somebody",)

    def open(self) -> None:
        """Lets it go on."""
        self._is_open.touch()
        self._held.write(b"x" * 100)

    def close(self) -> None:
        """Closes the gate."""
        self._held.close()


class Live:
    """A pipeline, and the names that it gives to a user."""

    def __init__(self, directory: Path) -> None:
        path = directory / "config.toml"
        path.write_text(CONFIG.format(directory=directory))
        path.chmod(0o600)
        config = load(path)
        self._log = directory / "audit.log"
        self._stream = Stream()
        self._given = 0
        self._spawner = ProcessSpawner(live=True)
        self.pipeline = Pipeline(
            config,
            Outputs.of_plugin(config),
            partial(runner_of, self._spawner),
            Hooks(),
            patient=True,
        )
        self.pipeline.start()

    def close(self) -> None:
        """Ends it."""
        self.pipeline.close()
        self._spawner.close()

    def names(self, count: int) -> list[str]:
        """Those in so many new events."""
        for _ in range(count):
            self._stream.open(7, 1, "/bin/true", uid=4321)
        text = self._stream.text()
        self.pipeline.feed(text[self._given :], 1.0)
        self._given = len(text)
        events = [parse(line) for line in self._log.read_bytes().splitlines()[-count:]]
        return [event["SYSCALL"]["UID"] for event in events]


def of(resolve: Callable[[Question], Answer]) -> Callable[[], NameService]:
    """A service as the plugin starts it, with another directory behind it."""
    return lambda: NameService(resolve)


def test_events_do_not_wait_for_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the service hangs, events go out without names; its answer serves later ones."""
    directory = Directory(tmp_path)
    monkeypatch.setattr(host_access, "NameService", of(directory.resolve))
    live = Live(tmp_path)
    try:
        assert live.names(100) == ["unknown(4321)"] * 100
        directory.open()
        wait_until(lambda: live.names(1) == ["somebody"], "the name is known")
    finally:
        live.close()
        directory.close()
