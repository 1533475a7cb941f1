"""Plugin mode as a user sees it: a configuration, standard input, logs and messages."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.commands import plugin_config, started
from tests.support.waiting import wait_until


def written(path: Path) -> list[dict[str, Any]]:
    """The events in a log, as far as it was written."""
    text = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in text.split(b"\n")[:-1]]


def ids(path: Path) -> list[str]:
    """The ids of the events in a log, as far as it was written."""
    return [event["ID"] for event in written(path)]


def numbers(path: Path) -> list[int]:
    """The same, without their time stamps."""
    return [int(id_.rpartition(":")[2]) for id_ in ids(path)]


def write(process: "subprocess.Popen[bytes]", data: bytes) -> None:
    """Give the program input, at once."""
    assert process.stdin
    process.stdin.write(data)
    process.stdin.flush()


class Plugin:
    """A plugin that runs; its messages are in a file."""

    def __init__(self, process: "subprocess.Popen[bytes]", messages: Path) -> None:
        self.process = process
        self._messages = messages

    @property
    def messages(self) -> str:
        """Its messages until now."""
        return self._messages.read_text()

    def give(self, data: bytes) -> None:
        """Write to its standard input, at once."""
        write(self.process, data)

    def says(self, text: str, times: int = 1) -> None:
        """Wait until it has said that so many times."""
        wait_until(lambda: self.messages.count(text) >= times, f"it says {text!r}", 20)

    def end(self, seconds: float = 20.0) -> int:
        """Close its input, and return the exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(seconds)


@contextmanager
def plugin(config: Path, name: str = "messages", **how: Any) -> Iterator[Plugin]:
    """Run one with a configuration while the block does something with it."""
    messages = config.with_name(name)
    with messages.open("wb") as file:
        options: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": file}
        with started("-c", config, **options | how) as process:
            yield Plugin(process, messages)


def configure(
    directory: Path, workers: int = 0, *, more: str = "", top: str = "", sections: str = ""
) -> Path:
    """Write the configuration of `plugin_config` with other settings at its top and sections."""
    path = plugin_config(directory, workers=workers, more=more)
    path.write_text(f"{top}\n{path.read_text()}{sections}\n")
    return path


REPORT = re.compile(
    r"status: (?P<period>[^;]*) in \d+ s; (?P<total>[^;]*) in total; "
    r"(?P<flight>\d+) lines in flight"
)


def counts(text: str) -> dict[str, int]:
    """The numbers of a report by what they count."""
    return {name: int(number) for number, name in re.findall(r"(\d+) ([a-z ]+)", text)}


def reports(messages: str) -> list[tuple[dict[str, int], dict[str, int], int]]:
    """All status reports: the numbers of the period and of the run, and the lines in flight."""
    return [
        (counts(found["period"]), counts(found["total"]), int(found["flight"]))
        for found in REPORT.finditer(messages)
    ]
