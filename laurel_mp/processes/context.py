"""What the output says about the process of an event and about its parents."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_mp.processes.table import Process


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """Which context is shown. The defaults are those of the configuration."""

    pid: bool = True
    """PID and PPID."""
    ppid_verbose: bool = False
    parent_info: bool = True
    spawned_by: bool = True
    prefix: bytes | None = None

    def added(self, name: bytes) -> bytes:
        """The key under which we add `name`."""
        return name if self.prefix is None else self.prefix + name.lower()


class ContextRenderer:
    """Renders context by one set of options."""

    def __init__(self, options: ContextOptions) -> None:
        self._options = options
        added = options.added
        self._pid = b',"%b":{"EVENT_ID":"%%b"}' % added(b"PID")
        self._ppid = b',"%b":{"EVENT_ID":"%%b"}' % added(b"PPID")
        self._verbose_ppid = b',"%b":{"EVENT_ID":"%%b","comm":%%b,"exe":%%b,"ppid":%%b}' % added(
            b"PPID"
        )
        self._spawned_by = b',"%b":{"EVENT_ID":"%%b","pid":%%b,"comm":%%b,"exe":%%b}' % added(
            b"SPAWNED_BY"
        )
        self._parent_info = b',"%b":{"ID":"%%b","comm":%%b,"exe":%%b,"ppid":%%b}' % added(
            b"PARENT_INFO"
        )

    def close_syscall(self, process: Process, parent: Process | None) -> bytes:
        """Ends a SYSCALL object that has been left open, and adds what belongs behind it.

        `parent` is what the record's `ppid` stands for at this moment.
        """
        options = self._options
        text = b""
        if options.pid:
            if parent is not None:
                if options.ppid_verbose:
                    text += self._verbose_ppid % (parent.id, parent.comm, parent.exe, parent.ppid)
                else:
                    text += self._ppid % parent.id
            text += self._pid % process.id
        if options.spawned_by and process.origin is not None:
            origin = process.origin
            text += self._spawned_by % (origin.id, origin.pid, origin.comm, origin.exe)
        text += b"}"
        if options.parent_info and parent is not None:
            text += self._parent_info % (parent.id, parent.comm, parent.exe, parent.ppid)
        return text

    def look_up(self, key: bytes, process: Process | None) -> bytes:
        """What is known about a process that another record mentions, as a member `key`."""
        if process is None:
            return b""
        return b',"%b":{"EVENT_ID":"%b","comm":%b,"exe":%b,"ppid":%b}' % (
            key, process.id, process.comm, process.exe, process.ppid,
        )  # fmt: skip
