"""Renders the process of an event and its parents."""

from __future__ import annotations

from dataclasses import dataclass

from laurel_mp.formats import native
from laurel_mp.processes.process_table import Origin, Process
from laurel_mp.records.strings import encode


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """Selects the members to add. The defaults are those of the configuration."""

    pid: bool = True
    """PID and PPID."""
    ppid_verbose: bool = False
    parent_info: bool = True
    spawned_by: bool = True
    container: bool = True
    container_info: bool = False
    systemd: bool = True
    argv: bool = False
    prefix: bytes | None = None

    def added(self, name: bytes) -> bytes:
        """Returns the key of the added member `name`."""
        return name if self.prefix is None else self.prefix + name.lower()


class ContextRenderer:
    """Renders context by one set of options."""

    def __init__(self, options: ContextOptions) -> None:
        self._options = options
        added = options.added
        self._pid = added(b"PID")
        self._ppid = added(b"PPID")
        self._spawned_by = added(b"SPAWNED_BY")
        self._parent_info = added(native.PARENT_INFO)
        self._container_info = added(native.CONTAINER_INFO)
        self._labels = added(b"LABELS")
        self._argv = added(b"ARGV")
        self._usual = b""
        """Template for most processes after an exec; empty if options leave out some of it."""
        if options.pid and options.spawned_by:
            self._usual = (
                b',"%b":{"EVENT_ID":"%%b"},"%b":{"EVENT_ID":"%%b","pid":%%b,"comm":%%b,"exe":%%b}}'
                % (self._pid, self._spawned_by)
            )

    def close_syscall(self, process: Process, parent: Process | None) -> bytes:
        """Returns the end of an open SYSCALL object, and the members behind it.

        `parent` is the present instance of the record's `ppid`.
        """
        own, behind = process.shown or self._show(process)
        if parent is None:
            return own + behind
        ppid, parent_info = parent.shown_as_parent or self._show_as_parent(parent)
        return ppid + own + parent_info + behind

    def _show(self, process: Process) -> tuple[bytes, bytes]:
        """Returns members of the SYSCALL object up to its end, and members behind it."""
        origin = process.origin
        is_usual = not (
            process.by_start_time
            or process.labels
            or process.container
            or process.services
            or process.argv
        )
        if is_usual and self._usual and origin is not None and not origin.by_start_time:
            process.shown = (
                self._usual % (process.id, origin.id, origin.pid, origin.comm, origin.exe),
                b"",
            )
            return process.shown
        options = self._options
        text = b""
        if options.pid:
            text += b',"%b":{%b%b}' % (
                self._pid,
                _identity(process),
                self._container_and_services(process),
            )
        if options.spawned_by and origin is not None:
            text += b',"%b":{%b,"pid":%b,"comm":%b,"exe":%b}' % (
                self._spawned_by,
                _identity(origin),
                origin.pid,
                origin.comm,
                origin.exe,
            )
        if process.labels:
            labels = b",".join([encode(label) for label in sorted(process.labels)])
            text += b',"%b":[%b]' % (self._labels, labels)
        behind = b""
        if options.container_info and process.container:
            behind = b',"%b":{"ID":%b}' % (self._container_info, encode(process.container))
        process.shown = text + b"}", behind
        return process.shown

    def _show_as_parent(self, parent: Process) -> tuple[bytes, bytes]:
        """Returns a member of the SYSCALL object, and one behind it."""
        options = self._options
        ppid = parent_info = b""
        if options.pid:
            program = _program(parent) if options.ppid_verbose else b""
            ppid = b',"%b":{%b%b}' % (self._ppid, _identity(parent), program)
        if options.parent_info:
            id_ = b"" if parent.by_start_time else b'"ID":"%b",' % parent.id
            parent_info = b',"%b":{%b%b}' % (self._parent_info, id_, _program(parent)[1:])
        parent.shown_as_parent = ppid, parent_info
        return parent.shown_as_parent

    def _container_and_services(self, process: Process) -> bytes:
        options = self._options
        text = b""
        if options.container and process.container:
            text += b',"container":{"id":%b}' % encode(process.container)
        if options.systemd and process.services:
            services = b",".join([encode(service) for service in process.services])
            text += b',"systemd_service":[%b]' % services
        if options.argv and process.argv:
            text += b',"%b":%b' % (self._argv, process.argv)
        return text

    def look_up(self, key: bytes, process: Process | None) -> bytes:
        """Returns a member `key` with a process that another record mentions; empty if unknown."""
        if process is None:
            return b""
        return b',"%b":{%b%b}' % (key, _identity(process), _program(process))


def _identity(process: Process | Origin) -> bytes:
    key = b"START_TIME" if process.by_start_time else b"EVENT_ID"
    return b'"%b":"%b"' % (key, process.id)


def _program(process: Process) -> bytes:
    return b',"comm":%b,"exe":%b,"ppid":%b' % (process.comm, process.exe, process.ppid)
