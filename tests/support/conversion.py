"""The public interface: a configuration and audit lines in, JSON out, through the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def convert(directory: Path, lines: bytes, config: str = "", workers: int = 0) -> list[Event]:
    """The events that `laurel-mp convert` makes of `lines`, in order."""
    settings = directory / "config.toml"
    settings.write_text(f'directory = "{directory}"\n{config}')
    settings.chmod(0o600)
    result = subprocess.run(
        [sys.executable, "-m", "laurel_mp", "convert", "-c", settings, "-w", str(workers)],
        input=lines,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr.decode()
    return [parse(line) for line in result.stdout.splitlines()]


def parse(line: bytes) -> Event:
    """A line of output; a key that stands twice in an object is an error."""
    event: Event = json.loads(line.decode("utf-8"), object_pairs_hook=_distinct)
    return event


def by_id(events: list[Event]) -> dict[str, Event]:
    """Events by their ID, of which none may stand twice."""
    found = {event["ID"]: event for event in events}
    assert len(found) == len(events)
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key stands twice: {[key for key, _ in pairs]}"
    return found
