"""Converts an EXECVE object back to the bodies of its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from laurel_mp.records import execve
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.reversion import arguments, field_text
from laurel_mp.reversion.added_members import Keys, Object
from laurel_mp.reversion.arguments import Argument, Pieces
from laurel_mp.reversion.spellings import Json, Writer, text_of


class Execve(NamedTuple):
    """The bodies of the records for an object."""

    bodies: list[bytes]
    is_whole: bool
    """True if all arguments are restored exactly."""


def revert(found: Object, keys: Keys, title: Sequence[str] | None, *, incomplete: bool) -> Execve:
    """Returns the records of an EXECVE object.

    `title` has the words of the event's PROCTITLE record; `incomplete` is true if the event is
    marked as lacking arguments.
    """
    ours = {keys.added(name): name for name in (b"ARGV", b"ARGV_STR", b"ENV")}
    texts = {ours[key]: value for key, value in found.items() if key in ours}
    argc = found.get("argc")
    if not isinstance(argc, int):
        argc = None
    words = texts.get(b"ARGV")
    is_whole = True
    if not isinstance(words, list):
        words, is_whole = _split(texts.get(b"ARGV_STR"), argc, title)
    placed = _place(words, argc, incomplete=incomplete)
    is_whole = is_whole and not any(isinstance(word, dict) for word in words)
    rest = [(key.encode(), value) for key, value in found.items() if key not in ours]
    rest = [member for member in rest if member[0] != b"argc" or argc is None]
    others = field_text.text(rest, Writer.KERNEL, keys.unparsed)
    return Execve(arguments.bodies(argc, placed, others.fields, others.stray), is_whole)


def _split(joined: Json, argc: int | None, title: Sequence[str] | None) -> tuple[list[Json], bool]:
    """Splits the joined arguments; returns them, and True if there is no other way to split."""
    if not isinstance(joined, str):
        return [], argc in (None, 0)
    if title is not None and " ".join(title) == joined and len(title) == argc:
        return list(title), True
    words = joined.split(" ", argc - 1 if argc else 0)
    is_sure = " " not in words[-1] and len(words) == argc
    return list(words), is_sure


def _place(words: list[Json], argc: int | None, *, incomplete: bool) -> list[tuple[int, Argument]]:
    """Returns arguments with their index; behind a cut, they are counted from the end."""
    cut = next((index for index, word in enumerate(words) if isinstance(word, dict)), None)
    if cut is not None:
        return _place_cut(words, cut, argc)
    placed: list[tuple[int, Argument]] = []
    for index, word in enumerate(words):
        if isinstance(word, str):
            placed.append((index, text_of(word)))
        elif not incomplete:
            placed.append((index, None))
    if incomplete and argc is not None and argc <= len(placed):
        # All arguments exist, so a piece of one is missing: most likely of the longest.
        longest = max(range(len(placed)), key=lambda place: len(placed[place][1] or b""))
        index, text = placed[longest]
        placed[longest] = (index, Pieces((text if isinstance(text, bytes) else b"",)))
    return placed


def _place_cut(words: list[Json], cut: int, argc: int | None) -> list[tuple[int, Argument]]:
    front = [text_of(str(word)) if word is not None else None for word in words[:cut]]
    back = [text_of(str(word)) if word is not None else None for word in words[cut + 1 :]]
    skipped = words[cut]
    args, size = int(skipped.get("skipped_args", 0)), int(skipped.get("skipped_bytes", 0))
    count = argc if argc is not None else len(front) + args + len(back)
    placed: list[tuple[int, Argument]] = list(enumerate(front))
    first = max(count - len(back), 0)
    if placed and back and first < len(front):  # both are of one argument
        texts = (front[-1] or b"", back[0] or b"")
        placed[-1] = (len(front) - 1, Pieces(texts, size))
        first, back = len(front), back[1:]
    return [*placed, *enumerate(back, first)]


def matches(bodies: Sequence[bytes], found: Object, options: RecordOptions) -> bool:
    """True if `bodies` render as the object."""
    written: dict[str, Json] = orjson.loads(execve.render(execve.read(bodies), options))
    env = options.added(b"ENV").decode("utf-8")
    return orjson.dumps(written) == orjson.dumps({k: v for k, v in found.items() if k != env})
