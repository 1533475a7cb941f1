"""Audit lines through the four stages in this process, and their output through a strict parser."""

import json
from collections.abc import Sequence
from typing import Any

import orjson

from laurel_mp import config
from laurel_mp.pipeline.runner import stage_options

Event = dict[str, Any]


def text(lines: bytes | Sequence[bytes], toml: str = "") -> bytes:
    """Output for `lines`, each with or without its newline; `toml` is the configuration."""
    settings = config.parse(toml, "the test's configuration")
    stream = lines if isinstance(lines, bytes) else b"\n".join([*lines, b""])
    if stream and not stream.endswith(b"\n"):
        stream += b"\n"
    decoder, tracker = stage_options.decoder(settings), stage_options.tracker(settings)
    batch = stage_options.router(settings, 0).route(stream, 0, final=True)
    (share,) = batch.shares
    bodies, queries = decoder.decode(share)
    (annotations,) = tracker.apply([queries])
    merged = stage_options.assembler(settings, 0).merge([bodies], [(queries.base, annotations)])
    return merged.text


def events(lines: bytes | Sequence[bytes], toml: str = "") -> list[Event]:
    """The events that come out for `lines`, in their order."""
    return [parse(line) for line in text(lines, toml).split(b"\n")[:-1]]


def event(lines: bytes | Sequence[bytes], toml: str = "") -> Event:
    """The one event that comes out for `lines`."""
    (only,) = events(lines, toml)
    return only


def parse(line: bytes) -> Any:
    """Any JSON, by a strict parser: valid UTF-8, and no object with the same key twice."""
    try:
        found = orjson.loads(line)
        if orjson.dumps(found) == line:  # so each key was there once: ten times as fast
            return found
    except orjson.JSONDecodeError:
        pass
    return json.loads(line.decode("utf-8", "strict"), object_pairs_hook=_distinct)


def _distinct(members: list[tuple[str, Any]]) -> Event:
    found = dict(members)
    assert len(found) == len(members), f"a key occurs twice in {[key for key, _ in members]}"
    return found
