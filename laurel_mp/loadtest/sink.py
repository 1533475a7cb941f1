"""Where a made stream is written: standard output, or a file or pipe of the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import STDOUT, Stream


@contextmanager
def open_sink(name: str) -> Iterator[Stream]:
    """The output `name`, begun anew; `-` is standard output.

    Its `write` writes all of what it is given. Raises OutputError, with `closed` if nobody reads
    any more.
    """
    if name == "-":
        yield Stream(STDOUT, StallPolicy("standard output"), "/dev/stdout")
        return
    stream = Stream.create(name, StallPolicy(name))
    try:
        yield stream
    finally:
        stream.close()
