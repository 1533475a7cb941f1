"""A path in the file system: a log file, a named pipe or a character device."""

from __future__ import annotations

import os
import stat

from laurel_mp.config import kinds
from laurel_mp.outputs.driver import Driver, Promise
from laurel_mp.outputs.fifo import Fifo
from laurel_mp.outputs.file import LogFile
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.stream import Stream
from laurel_mp.outputs.target import Target


class PathDriver(Driver):
    """Opens what a path leads to; creates a log file if there is nothing."""

    promises = (
        Promise("a file", "the kernel has it", "exact to the byte"),
        Promise(
            "a named pipe",
            "it is read",
            "whole lines, the last ones perhaps twice, after a line feed; readers may come and go, "
            "and no byte is read by two of them",
        ),
    )

    def problem(self, address: str) -> str:
        """See Driver."""
        return kinds.file_problem(address)

    def open(self, address: str, target: Target, policy: StallPolicy) -> OpenSink:
        """See Driver."""
        try:
            mode = os.lstat(address).st_mode
        except OSError:
            mode = 0
        if stat.S_ISFIFO(mode):
            return Fifo.open(address, policy)
        if stat.S_ISCHR(mode):
            return Stream.device(address, policy)
        file = LogFile(target, policy)
        file.open()
        return file


DRIVER = PathDriver()
