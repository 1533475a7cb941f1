"""Opens outputs of flood and replay: standard output, a file or a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import STDOUT, Stream


@contextmanager
def open_output(name: str) -> Iterator[Stream]:
    """Opens the output `name`, truncated; `-` is standard output.

    Its `write` writes all bytes. Raises OutputError, with `closed` if the reader has closed.
    """
    if name == "-":
        yield Stream(STDOUT, StallPolicy("standard output"), "/dev/stdout")
        return
    stream = Stream.create(name, StallPolicy(name))
    try:
        yield stream
    finally:
        stream.close()
