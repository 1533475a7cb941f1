"""Adds scripts, labels by command line, and facts from /proc to execs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from laurel_mp.events.reassembly.exec_observer import NOTHING, Finished, Started
from laurel_mp.events.rendering.execution import Execution, LazyExecution
from laurel_mp.processes.environment import VariableFilter
from laurel_mp.processes.hashes import ExecutableHashes
from laurel_mp.processes.labels import PatternLabels
from laurel_mp.processes.procfs import Procfs
from laurel_mp.records import execve
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import decode, encode


@dataclass(frozen=True, slots=True)
class EnricherOptions:
    """Selects the additions to execs."""

    records: RecordOptions
    script: bool = True
    argv: bool = False
    """Send command lines to the tracker."""
    label_argv: PatternLabels = field(default_factory=lambda: PatternLabels({}, {}))
    label_script: PatternLabels = field(default_factory=lambda: PatternLabels({}, {}))
    label_argv_count: int = 32
    label_argv_bytes: int = 4096
    procfs: Procfs | None = None
    """None offline."""
    environment: VariableFilter | None = None
    hashes: ExecutableHashes | None = None


class Enricher:
    """Implements `ExecObserver` for one worker."""

    def __init__(self, options: EnricherOptions) -> None:
        self._options = options
        added = options.records.added
        self._script = added(b"SCRIPT")
        self._exe_hash = added(b"EXE_HASH")
        self._env = added(b"ENV")
        self._has_details = options.label_argv or options.label_script or options.argv

    def started(self, pid: bytes, exe: bytes) -> Started:
        """Reads /proc while the process exists.

        Facts count only if the process still runs the executed program. Every read can fail; then
        nothing is added.
        """
        options = self._options
        if options.procfs is None or exe == b"null":
            return NOTHING
        live = options.procfs.open(pid)
        if live is None:
            return NOTHING
        program = decode(exe)
        with live:
            snapshot = options.procfs.snapshot_of(live)
            status = live.exe_status()
        if snapshot is None or snapshot.exe != program:
            return NOTHING
        container = encode(snapshot.container) if snapshot.container else b""
        init = b"1" if snapshot.is_init else b""
        facts = b"\x1e".join(
            (b"", snapshot.start_time, container, _joined(snapshot.services), init)
        )
        inode = device = b""
        if status is not None:
            inode = b"%d" % status.st_ino
            device = b"%02x:%02x" % (os.major(status.st_dev), os.minor(status.st_dev))
        members = self._hash(pid, program)
        return Started(facts, inode, members, self._environment(pid, program), device)

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""
        hashes = self._options.hashes
        if hashes is None:
            return {}
        statistics = hashes.statistics()
        return {
            "hashes": statistics.remembered,
            "hashes_limit": hashes.cache_entries,
            "hashes_evicted": statistics.evicted,
        }

    def _hash(self, pid: bytes, exe: bytes) -> bytes:
        hashes = self._options.hashes
        digest = hashes.sha256(pid, exe) if hashes is not None else None
        return b"" if digest is None else b',"%b":"%b"' % (self._exe_hash, digest)

    def _environment(self, pid: bytes, exe: bytes) -> bytes:
        options = self._options
        if options.environment is None or options.procfs is None:
            return b""
        found = options.procfs.variables(pid, exe, options.environment)
        if found is None or not found.values:
            return b""
        pairs = b",".join(
            [b"%b:%b" % (encode(name), encode(value)) for name, value in found.values.items()]
        )
        return b',"%b":{%b}' % (self._env, pairs)

    def finished(self, started: Started, executed: LazyExecution) -> Finished:
        """Returns the script, labels by command line and script, and the command line."""
        options = self._options
        script = executed.script(started.inode, started.device)
        members = b""
        if script is not None and options.script:
            members = b',"%b":%b' % (self._script, encode(script))
        if not self._has_details:
            return Finished(members, b"")
        execution = executed.found()
        put, take = options.label_argv.of(self._command_line(execution))
        if script is not None:
            more_put, more_take = options.label_script.of(script)
            put, take = put | more_put, take | more_take
        argv = self._argv(execution) if options.argv else b""
        if not (put or take or argv):
            return Finished(members, b"")
        joined = (_joined(sorted(put)), _joined(sorted(take)), argv)
        return Finished(members, b"\x1e" + b"\x1e".join(joined))

    def _command_line(self, execution: Execution) -> bytes:
        """Returns the text for label patterns: the first arguments, joined by blanks, cut."""
        options = self._options
        words: list[bytes] = []
        size = 0
        for word in execution.arguments[: options.label_argv_count]:
            words.append(word)
            size += len(word) + 1
            if size > options.label_argv_bytes:
                break
        return b" ".join(words)[: options.label_argv_bytes]

    def _argv(self, execution: Execution) -> bytes:
        limit = self._options.records.argv_limit
        return execve.render_list(execution.arguments, limit)


def _joined(names: Iterable[bytes]) -> bytes:
    """Joins names for a query, as JSON: names of cgroups and labels may have any bytes."""
    return b"\x1f".join(map(encode, names))
