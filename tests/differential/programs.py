"""LAUREL and laurel-mp, run on the same capture with the same configuration.

Neither may see this machine. Laurel looks at `/proc` at its start, for processes it does not know,
and once a second of stream time to forget all processes that are gone. So it gets a `/proc` of
its own that holds nothing but an empty directory for each process of the capture: there is nothing
to be read, and nothing to be forgotten. Laurel-mp looks at the host's name, to know which events
are of local users: it gets one that no capture has.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.support import requirements

Event = dict[str, Any]
Key = tuple[str | None, str]
"""Node and event id."""

_PROC = 'mount -t tmpfs none /proc && (cd /proc && xargs mkdir -p) <"$1" && exec "$2" -c "$3" <"$4"'

_HOST = 'echo nowhere >/proc/sys/kernel/hostname && exec "$@"'

_pids = re.compile(rb"pid=([0-9]+)").findall
_id_of_complaint = re.compile(rb"cannot parse .*?audit\(([0-9.]+:[0-9]+)\)", re.DOTALL)


class Twice(list[Any]):
    """The values of a key that an object has more than once."""


@dataclass(frozen=True)
class Output:
    """The output of one program for a capture."""

    events: dict[Key, list[Event]]
    refused: frozenset[str]
    """Ids of records that it could not parse."""


def needs_namespaces() -> None:
    """Need namespaces in which `/proc` and the host's name may be replaced."""
    name = "echo nowhere >/proc/sys/kernel/hostname"
    probe = [*_apart(), "sh", "-c", f"{name} && mount -t tmpfs none /proc"]
    unshare = requirements.program("unshare")
    done = subprocess.run(probe, check=False, capture_output=True, text=True) if unshare else None
    said = done.stderr.strip() if done else "no such program"
    requirements.require(
        done is not None and done.returncode == 0,
        f"namespaces, for a /proc and a host name that are the same everywhere (unshare: {said})",
    )


def run_laurel(laurel: Path, capture: bytes, config: str, directory: Path) -> Output:
    """Have laurel convert `capture`; `directory` must be empty."""
    pids = directory / "pids"
    pids.write_bytes(b"\n".join(set(_pids(capture))))
    config_file = directory / "config.toml"
    config_file.write_text(f'directory = "{directory}"\n{config}')
    input_file = directory / "input"
    input_file.write_bytes(capture)
    done = subprocess.run(
        [*_apart(), "sh", "-c", _PROC, "sh", pids, laurel, config_file, input_file],
        capture_output=True,
        check=True,
    )
    output = (directory / "audit.log").read_bytes()
    shutil.rmtree(directory)
    # LAUREL 0.8 complains on standard output.
    refused = frozenset(
        found.decode() for found in _id_of_complaint.findall(done.stderr + done.stdout)
    )
    return Output(_by_key(output), refused)


def run_ours(capture: bytes, config: str, directory: Path) -> Output:
    """Convert `capture` with laurel-mp."""
    config_file = directory / "config.toml"
    config_file.write_text(config)
    config_file.chmod(0o600)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "laurel_mp",
        "convert",
        "-w",
        "0",
        "-c",
        config_file,
    ]
    done = subprocess.run(
        [*_apart(), "sh", "-c", _HOST, "sh", *command],
        input=capture,
        capture_output=True,
        check=True,
    )
    shutil.rmtree(directory)
    return Output(_by_key(done.stdout), frozenset())


def _apart() -> list[str | Path]:
    """A namespace for mounts and one for names; who is not root gets one in which it is."""
    mapped = [] if requirements.is_root() else ["--map-root-user"]
    return ["unshare", "--mount", "--uts", *mapped, "--"]


def _by_key(output: bytes) -> dict[Key, list[Event]]:
    found: dict[Key, list[Event]] = {}
    for event in _events(output):
        found.setdefault((event.get("NODE"), event["ID"]), []).append(event)
    return found


def _events(output: bytes) -> Iterator[Event]:
    for line in output.splitlines():
        event: Event = orjson.loads(line)
        # Shorter than it was: a key came twice, or something was written in another way.
        if len(orjson.dumps(event)) != len(line):
            event = _loads_all(line)
        yield event


def _loads_all(line: bytes) -> Event:
    """Decode with all values of keys that come more than once."""

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key not in found:
                found[key] = value
            elif isinstance(found[key], Twice):
                found[key].append(value)
            else:
                found[key] = Twice([found[key], value])
        return found

    event: Event = json.loads(line, object_pairs_hook=collect)
    return event
