"""Shared libraries, loaded before anything else, so that what is allocated later lies together.

A library takes addresses next to what was there before. Where libraries come while modules are
imported, Python's memory lies between them in pieces of a megabyte, too small for huge pages.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

EXTENSIONS = (
    # The standard library's; most are a part of the interpreter in some builds.
    "_bisect",
    "_blake2",
    "_bz2",
    "_contextvars",
    "_ctypes",
    "_datetime",
    "_heapq",
    "_json",
    "_lzma",
    "_opcode",
    "_posixsubprocess",
    "_queue",
    "_random",
    "_socket",
    "_struct",
    "_typing",
    "_uuid",
    "array",
    "binascii",
    "fcntl",
    "grp",
    "math",
    "mmap",
    "resource",
    "select",
    "termios",
    "unicodedata",
    "zlib",
    # What we depend on.
    "msgpack._cmsgpack",
    "orjson.orjson",
    "setproctitle._setproctitle",
    "zmq.backend.cython._zmq",
)
"""Modules that the plugin imports, as far as they are libraries."""


def load() -> None:
    """Loads them all, without a module being imported; what is not found comes when it is."""
    for name in EXTENSIONS:
        for path in _places(name):
            if path.exists():
                with suppress(OSError):
                    ctypes.CDLL(str(path))
                break


def _places(name: str) -> Iterator[Path]:
    for directory in sys.path:
        for suffix in EXTENSION_SUFFIXES:
            yield Path(directory, name.replace(".", "/") + suffix)
