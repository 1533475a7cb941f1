"""Renders events and collects them, with their process queries, for the next stages."""

from __future__ import annotations

from laurel_mp.events.reassembly.bodies import FILTERED, NO_QUERY, Bodies, ProcessQueries, line_key
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.exec_observer import (
    NOTHING,
    ExecObserver,
    Finished,
    Started,
)
from laurel_mp.events.reassembly.serial_collector import SerialCollector
from laurel_mp.events.rendering.event_renderer import OWN_PROCESS, EventRenderer
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.formats import native
from laurel_mp.records.record import LookUp
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode


class EventOutput:
    """Owns renderers, counters and collected results; shared by all ways to take events."""

    def __init__(
        self,
        options: RecordOptions,
        local_node: bytes,
        observer: ExecObserver | None,
        filters: ContentFilters,
        *,
        collect_serials: bool,
    ) -> None:
        self.options = options
        self.observer = observer
        self.filters = filters
        self.counters = DecoderCounters()
        self.bodies = Bodies()
        self.queries = ProcessQueries()
        self.serials = SerialCollector(wanted=collect_serials)
        self._local_node = local_node
        self._renderers: dict[tuple[bool, bool], EventRenderer] = {}
        self.renderer(None, False)

    def take(self) -> tuple[Bodies, ProcessQueries]:
        """Returns what was collected since the last call."""
        taken = self.bodies, self.queries
        self.bodies = Bodies()
        self.queries = ProcessQueries(self.queries.base + len(self.queries.keys))
        return taken

    # --- renderers

    def renderer(self, node: bytes | None, big_endian: bool) -> EventRenderer:
        """Returns the renderer for records of a host.

        Addresses depend on the byte order; the local user database is only asked about the users
        of this host.
        """
        options = self.options
        asks = options.user_name is not None or options.groups_of is not None
        local = node is None or node == self._local_node or not asks
        which = (local, big_endian and options.universal)
        renderer = self._renderers.get(which)
        if renderer is None:
            renderer = EventRenderer(options.for_host(*which))
            self._renderers[which] = renderer
        return renderer

    def forget(self) -> None:
        """Clears all caches, when names of users may have changed."""
        for renderer in self._renderers.values():
            renderer.forget()

    def forget_ends(self) -> None:
        """Clears the caches whose texts include the ends of events."""
        for renderer in self._renderers.values():
            renderer.auxiliary.clear()

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits of the caches."""
        caches = [cache for each in self._renderers.values() for cache in each.caches]
        return {
            "memories_cleared": sum(cache.clearings for cache in caches),
            "memories_bytes": sum(cache.size for cache in caches),
            "memories_limit": sum(cache.limit for cache in caches),
        }

    # --- events

    def emit(
        self,
        id_: bytes,
        node: bytes | None,
        text: bytes,
        queries: list[int],
        reasons: list[bytes],
        order: int,
        rank: int,
        lines: int,
    ) -> None:
        """Adds an event; `queries` has a number for each mark in `text`."""
        head = native.BEGIN % id_
        if node is not None:
            head += native.OF_NODE % encode(node)
        if reasons:
            text += self.incomplete(reasons)
        head_text, _, tail_text = text.partition(b"\0")
        first, *more = queries or [NO_QUERY]
        self.bodies.heads.append(head + head_text)
        self.bodies.tails.append(tail_text)
        self.bodies.queries.append(first)
        self.bodies.more.extend(more)
        if rank:
            self.bodies.ranks.extend((len(self.bodies.keys), rank))
        self.bodies.keys.append(order)
        if self.filters.active:
            self.bodies.sizes.append(lines)
        self.counters.events += 1
        self.counters.in_events += lines

    def missing(self, fragment: Fragment, items: int) -> list[bytes]:
        """Returns the reasons why an event is incomplete, by its records."""
        reasons = []
        if items > fragment.paths:
            reasons.append(b"missing-path")
        if fragment.missing_arguments:
            reasons.append(b"missing-args")
        return reasons

    def incomplete(self, reasons: list[bytes]) -> bytes:
        """Counts an incomplete event; returns its INCOMPLETE member."""
        counters = self.counters
        counters.incomplete += 1
        counters.late += b"late" in reasons
        counters.no_eoe += b"no-eoe" in reasons
        counters.missing_path += b"missing-path" in reasons
        counters.missing_args += b"missing-args" in reasons
        key = self.options.added(native.INCOMPLETE)
        return b',"%b":[%b]' % (key, b",".join([b'"%b"' % reason for reason in reasons]))

    def has_filtered_line(self, lines: bytes) -> bool:
        """True if a filter matches one of these whole lines."""
        says_filter = self.filters.raw_line
        return says_filter is not None and any(map(says_filter, lines.split(b"\n")[:-1]))

    # --- process queries

    def look_up(
        self,
        look_ups: tuple[LookUp, ...],
        order: int,
        node: bytes | None,
        id_: bytes,
        own_query: int,
        rank: int = 0,
    ) -> list[int]:
        """Adds queries for the marks of an event; returns their numbers, in order of the marks.

        `own_query` is the number for the mark that closes the SYSCALL object.
        """
        numbers = []
        for each in look_ups:
            if each is OWN_PROCESS:
                numbers.append(own_query)
                continue
            process = each.pid + b"\t" + each.key
            if node is not None:
                process += b"\t" + encode(node)
            numbers.append(self.queries.add(order, Call.LOOK_UP, process, id_, rank))
        return numbers

    def start_exec(self, node: bytes | None, process: bytes) -> Started:
        """Asks the observer about a process that has just executed a program."""
        if self.observer is None or node not in (None, self._local_node):
            return NOTHING
        pid, _, _, exe, *_ = process.split(b"\t")
        return self.observer.started(pid, exe)

    def finish_exec(self, started: Started, executed: LazyExecution | None) -> Finished:
        """Asks the observer about an exec whose records have all arrived."""
        if self.observer is None or executed is None:
            return Finished(started.members, b"")
        members, details = self.observer.finished(started, executed)
        return Finished(started.members + members, details)

    def add_details(
        self, details: bytes, query: int, order: int, process: bytes, id_: bytes, rank: int = 0
    ) -> int:
        """Adds a query with details of an exec; its number, returned, replaces `query`."""
        self.bodies.unused.append(query)
        return self.queries.add(order, Call.DETAILS, process + details, id_, rank)

    def observe_exec(
        self,
        node: bytes | None,
        process: bytes,
        id_: bytes,
        executed: LazyExecution | None,
        query: int,
        end: int,
    ) -> tuple[int, bytes, Started]:
        """Completes the query of an exec whose records have all arrived.

        The caller has added its key and id. `end` is a stream position. Returns the number of the
        query for the event, members for the SYSCALL object, and the observer's first answer.
        """
        started = self.start_exec(node, process)
        members, details = self.finish_exec(started, executed)
        self.queries.calls.append(Call.EXEC if details else Call.WHOLE_EXEC)
        self.queries.processes.append(process + started.facts)
        if details:
            query = self.add_details(details, query, line_key(end), process, id_)
        return query, members, started


def with_environment(fragment: Fragment, started: Started | None) -> bytes:
    """Returns the text of `fragment`, with the process's environment in its EXECVE object."""
    text, end = fragment.text, fragment.execve_end
    if started is None or not started.environment or not end:
        return text
    return text[:end] + started.environment + text[end:]


def with_filter_mark(text: bytes, *, filtered: bool) -> bytes:
    """Returns `text`, marked if the event is filtered."""
    return text + FILTERED if filtered else text
