"""The EXECVE object of an event back into the bodies of its records."""

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
    """What is written for an object."""

    bodies: list[bytes]
    is_whole: bool
    """Whether all arguments come back as they were."""


def revert(found: Object, keys: Keys, title: Sequence[str] | None, *, incomplete: bool) -> Execve:
    """The records of an EXECVE object.

    `title` are the words of the event's PROCTITLE record; `incomplete` says that the event was
    seen to lack arguments.
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
    """The arguments in a text of them all; and whether there is no other way to split it."""
    if not isinstance(joined, str):
        return [], argc in (None, 0)
    if title is not None and " ".join(title) == joined and len(title) == argc:
        return list(title), True
    words = joined.split(" ", argc - 1 if argc else 0)
    is_sure = " " not in words[-1] and len(words) == argc
    return list(words), is_sure


def _place(words: list[Json], argc: int | None, *, incomplete: bool) -> list[tuple[int, Argument]]:
    """Arguments by index; of a list that was cut, the last ones are counted from its end."""
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
        # All are there, so what was missing is a piece of one: a long one, if any is.
        longest = max(range(len(placed)), key=lambda place: len(placed[place][1] or b""))
        index, text = placed[longest]
        placed[longest] = (index, Pieces((text if isinstance(text, bytes) else b"",)))
    return placed


def _place_cut(words: list[Json], cut: int, argc: int | None) -> list[tuple[int, Argument]]:
    head = [text_of(str(word)) if word is not None else None for word in words[:cut]]
    tail = [text_of(str(word)) if word is not None else None for word in words[cut + 1 :]]
    skipped = words[cut]
    args, size = int(skipped.get("skipped_args", 0)), int(skipped.get("skipped_bytes", 0))
    count = argc if argc is not None else len(head) + args + len(tail)
    placed: list[tuple[int, Argument]] = list(enumerate(head))
    first = max(count - len(tail), 0)
    if placed and tail and first < len(head):  # both are of one argument
        texts = (head[-1] or b"", tail[0] or b"")
        placed[-1] = (len(head) - 1, Pieces(texts, size))
        first, tail = len(head), tail[1:]
    return [*placed, *enumerate(tail, first)]


def says(bodies: Sequence[bytes], found: Object, options: RecordOptions) -> bool:
    """Whether `bodies` mean the same as the object."""
    written: dict[str, Json] = orjson.loads(execve.render(execve.read(bodies), options))
    env = options.added(b"ENV").decode("utf-8")
    return orjson.dumps(written) == orjson.dumps({k: v for k, v in found.items() if k != env})
