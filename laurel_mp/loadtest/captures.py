"""Reads captures, truths and outputs: files of lines, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laurel_mp.pipeline.intake.log_sources import open_source

READ = 1 << 20


def pieces_of(names: Sequence[str]) -> Iterator[bytes]:
    """Returns the content of files in pieces of whole lines; raises InputError.

    A newline is added to a file that ends without one.
    """
    for name in names:
        rest: list[bytes] = []  # a line may be longer than many reads
        with open_source(name) as source:
            for data in source.reads(READ):
                end = data.rfind(b"\n") + 1
                if not end:
                    rest.append(data)
                    continue
                yield b"".join([*rest, data[:end]])
                rest = [data[end:]] if end < len(data) else []
        if rest:
            yield b"".join([*rest, b"\n"])


def lines_of(names: Sequence[str]) -> Iterator[bytes]:
    """Returns the lines of files without newlines; raises InputError."""
    for piece in pieces_of(names):
        yield from piece[:-1].split(b"\n")
