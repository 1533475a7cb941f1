"""Which kind of output a name stands for."""

from __future__ import annotations

import os
import stat

from laurel_mp.errors import OutputError
from laurel_mp.outputs.base import Output
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.patience import OnStall, StallPolicy
from laurel_mp.outputs.pipes import Fifo
from laurel_mp.outputs.program import Program
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target
from laurel_mp.outputs.unix_socket import UnixSocket

STDOUT = 1


def open_output(target: Target, on_stall: OnStall | None = None) -> Output:
    """Opens an output; raises OutputError.

    Failures later on are waited out, and told to `on_stall`; without it they raise OutputError.
    """
    name = target.name
    if name == "-":
        return Stream(STDOUT, StallPolicy("standard output", on_stall), "/dev/stdout")
    patience = StallPolicy(name, on_stall)
    if name.startswith("|"):
        return Program.open(name[1:].strip(), patience)
    if name.startswith("unix:"):
        return UnixSocket(name.removeprefix("unix:"), patience)
    kind = _kind(name)
    if stat.S_ISFIFO(kind):
        return Fifo.open(name, patience)
    if stat.S_ISCHR(kind):
        return Stream.device(name, patience)
    return open_file(target, patience)


def open_file(target: Target, patience: StallPolicy) -> LogFile:
    """Opens a regular file, and nothing else; raises OutputError."""
    file = LogFile(target, patience)
    file.open()
    return file


def refuse_shared(targets: list[Target]) -> None:
    """Raises OutputError if two outputs share a file, be it a former one of one of them."""
    files = [
        target for target in targets if target.is_path and not stat.S_ISCHR(_kind(target.name))
    ]
    for index, one in enumerate(files):
        for other in files[index + 1 :]:
            if _identity(one.name) == _identity(other.name):
                raise OutputError(f"{other.name}: is the file of two outputs")
            for older, newer in ((one, other), (other, one)):
                if _is_generation(older.name, newer):
                    raise OutputError(f"{older.name}: is a former file of the output {newer.name}")


def _identity(path: str) -> object:
    """Equal for two paths that lead to one file, which need not be there yet."""
    try:
        status = os.lstat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _is_generation(path: str, target: Target) -> bool:
    path, of = os.path.realpath(path), os.path.realpath(target.name)
    number = path.removeprefix(f"{of}.")
    return number != path and number.isdecimal() and 1 <= int(number) <= target.generations


def _kind(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
