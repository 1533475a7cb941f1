"""Loads shared libraries before anything else, so that Python's memory is contiguous.

A library is mapped next to the mapping before it. If libraries are loaded while modules are
imported, they divide Python's memory into pieces of a megabyte, too small for huge pages.
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
    # Dependencies.
    "msgpack._cmsgpack",
    "orjson.orjson",
    "setproctitle._setproctitle",
    "zmq.backend.cython._zmq",
)
"""Extension modules that the plugin imports."""


def load() -> None:
    """Loads all extensions without importing them; skips those that are not found."""
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
