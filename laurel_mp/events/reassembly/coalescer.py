"""Joins lines into events, line by line.

All decisions depend on positions in the stream and on the arrival clock that the router puts into
it. So the output is the same for any batch size and any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from laurel_mp.events.reassembly.bodies import (
    Bodies,
    ProcessQueries,
    clock_key,
    line_key,
)
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.events.reassembly.duplicate_window import DuplicateWindowState
from laurel_mp.events.reassembly.event_in_flight import EventInFlight, EventState
from laurel_mp.events.reassembly.event_output import (
    EventOutput,
    with_environment,
    with_filter_mark,
)
from laurel_mp.events.reassembly.exec_observer import ExecObserver
from laurel_mp.events.reassembly.known_events import KnownEvents
from laurel_mp.events.rendering.event_renderer import EventRenderer, syscall_object
from laurel_mp.events.rendering.syscall import Call, Syscall
from laurel_mp.records.header import LINE
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.tables.record_types import NUMBERS
from laurel_mp.records.types import canonical, is_daemon, is_kernel

try:
    from _blake2 import blake2b
except ImportError:  # another interpreter; hashlib would load OpenSSL, which takes 3 MB
    from hashlib import blake2b

IN_FLIGHT_BYTES = 32 << 20
"""Bytes of the stream after an event's last record until the event is given up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of an event in time and size. Times are seconds of the arrival clock."""

    end_of_event_timeout: float = 2.0
    duplicate_window: float = 120.0
    max_event_bytes: int = 16 << 20


class CoalescerState(NamedTuple):
    """State of a coalescer between two batches."""

    now: float
    has_eoe: bool
    since: float
    """Time at which the present generation of known events began."""
    start: int
    """Stream position at which it began."""
    queries: int
    """Queries so far."""
    counters: DecoderCounters
    completed: DuplicateWindowState
    given_up: DuplicateWindowState
    latest: bytes
    """Greatest key of all events, in the order of bytes."""
    events: list[EventState]
    """Events in flight; the one without records for the longest time is first."""


class Coalescer:
    """Joins lines into events and has them rendered. Not for use by several threads.

    This is the definition of an event; the faster ways of `laurel_mp.events.fast` give the same
    output, and leave here what they cannot take.
    """

    def __init__(
        self,
        options: RecordOptions,
        limits: Limits,
        local_node: bytes = b"",
        observer: ExecObserver | None = None,
        filters: ContentFilters | None = None,
        *,
        collect_serials: bool = True,
    ) -> None:
        self.limits = limits
        self.output = EventOutput(
            options,
            local_node,
            observer,
            filters or ContentFilters(),
            collect_serials=collect_serials,
        )
        self.known = KnownEvents(limits.duplicate_window)
        self.has_eoe = False
        """True if events of the stream end with EOE records."""
        self.now = 0.0
        """The arrival clock, in seconds."""
        self._in_flight: dict[bytes, EventInFlight] = {}
        self._in_flight_lines = 0

    @property
    def counters(self) -> DecoderCounters:
        """Counts since the start."""
        return self.output.counters

    @property
    def in_flight_lines(self) -> int:
        """Lines of events that are not complete yet."""
        return self._in_flight_lines

    def take(self) -> tuple[Bodies, ProcessQueries]:
        """Returns events and queries since the last call."""
        return self.output.take()

    def forget(self) -> None:
        """Clears all caches of rendered text, when names of users may have changed."""
        self.output.forget()

    def statistics(self) -> dict[str, int]:
        """Returns sizes and limits met, for status reports."""
        return {
            "in_flight": len(self._in_flight),
            "remembered": len(self.known),
            **self.output.statistics(),
        }

    # --- snapshots

    def state(self) -> CoalescerState:
        """Returns the state between two batches; it shares mutable parts with this object."""
        since, start = self.known.generation
        return CoalescerState(
            self.now,
            self.has_eoe,
            since,
            start,
            self.output.queries.base,
            self.output.counters,
            self.known.completed.state(),
            self.known.given_up.state(),
            self.known.latest,
            [event.state() for event in self._in_flight.values()],
        )

    def restore(self, state: CoalescerState) -> None:
        """Continues from `state`; only before the first line.

        SYSCALL records are rendered again, since the options may differ from those before.
        """
        self.now = state.now
        self._expect_eoe(state.has_eoe)
        self.known.generation = state.since, state.start
        self.output.queries = ProcessQueries(state.queries)
        self.output.counters = state.counters
        self.known.completed.restore(state.completed)
        self.known.given_up.restore(state.given_up)
        self.known.latest = state.latest
        for each in state.events:
            event = EventInFlight.of_state(each)
            for name, body in event.records:
                if name == b"SYSCALL":
                    event.syscall = self._render_syscall(event, body)
                    break
            self._in_flight[each.key] = event
            self._in_flight_lines += event.lines

    # --- the clock

    def clock(self, position: int, now: float, has_eoe: bool, oldest: int = 0) -> None:
        """Sets the arrival clock and the kind of stream from `position` on.

        Events whose last record stood before `oldest` are given up: too many lines followed.
        """
        self.output.serials.mark(position, now)
        self.now = now
        if has_eoe != self.has_eoe:
            self._expect_eoe(has_eoe)
        self._expire(position, oldest)
        self.known.age(now, position, oldest)

    def _expect_eoe(self, has_eoe: bool) -> None:
        self.has_eoe = has_eoe
        self.output.forget_ends()

    def finish(self, position: int) -> None:
        """Completes all events: the input has ended at `position`."""
        self.output.serials.mark(position, self.now, final=True)
        self._give_up(list(self._in_flight), position)

    def _expire(self, position: int, oldest: int) -> None:
        last_seen = self.now - self.limits.end_of_event_timeout
        last_position = max(position - IN_FLIGHT_BYTES, oldest)
        over = []
        for key, event in self._in_flight.items():  # in the order of their last records
            if event.seen > last_seen and event.position > last_position:
                break
            over.append(key)
        if over:
            self._give_up(over, position)

    def _give_up(self, keys: list[bytes], position: int) -> None:
        events = [(self._in_flight[key].first, key) for key in keys]
        for first, key in sorted(events):
            self.counters.timed_out += 1
            self._complete(key, clock_key(position), first, ended=False)

    # --- lines

    def feed(self, blob: bytes, start: int, end: int, offset: int) -> None:
        """Takes the lines in `blob[start:end]`; an index plus `offset` is a stream position.

        Every line must have a valid header.
        """
        filtering = self.output.filters.active
        for match in LINE.finditer(blob, start, end):
            node, name, id_, body = match.groups()
            if name not in NUMBERS:
                name = canonical(name)
            begin, finish = match.span()
            filtered = filtering and self.output.has_filtered_line(blob[begin:finish])
            self._line(node, name, id_, body, begin + offset, finish + offset, filtered)

    def _line(
        self,
        node: bytes | None,
        name: bytes,
        id_: bytes,
        body: bytes,
        start: int,
        end: int,
        filtered: bool,
    ) -> None:
        key = id_ if node is None else node + b" " + id_
        if name == b"EOE":
            self.counters.end_of_event += 1
            if key in self._in_flight:
                self._in_flight[key].filtered |= filtered
                self._complete(key, line_key(end), 0, ended=True)
            else:
                self._lone_end(key, node, id_)
            return
        body = body.strip(b" ")
        if not is_kernel(name, body):
            self._single(key, node, name, id_, body, end, filtered)
            return
        event = self._in_flight.pop(key, None)
        if event is None:
            late = False
            if key > self.known.latest:
                self.known.latest = key
            elif self.known.completed.has(key, self.now):
                self.counters.duplicate += 1
                return
            else:
                late = self.known.given_up.has(key, self.now)
            event = EventInFlight(id_, node, start, late)
            self.output.serials.of(node).append(id_)
        self._in_flight[key] = event
        event.records.append((name, body))
        event.lines += 1
        event.filtered |= filtered
        self._in_flight_lines += 1
        # With the header: otherwise a flood of empty records of one event would have no limit.
        event.size += end - start
        event.seen = self.now
        event.position = end
        if name == b"SYSCALL" and event.syscall is None:
            event.syscall = self._render_syscall(event, body)
            if event.syscall.process and event.syscall.call is not Call.UNNAMED:
                self._query(event, event.syscall.call, 2 * start + 1)
        elif name == b"EXECVE" and event.syscall and event.syscall.call is Call.UNNAMED:
            event.syscall = event.syscall._replace(call=Call.EXEC)
            if event.syscall.process:
                self._query(event, Call.EXEC, 2 * start + 1)
        if event.size > self.limits.max_event_bytes:
            self.counters.cut += 1
            self._complete(key, line_key(end), 0, ended=False, cut=True)
        elif name == b"PROCTITLE" and not self.has_eoe:
            self._complete(key, line_key(end), 0, ended=True)

    def _lone_end(self, key: bytes, node: bytes | None, id_: bytes) -> None:
        """Takes an EOE record of no event in flight: usually of one that was completed before."""
        self.output.serials.of(node).append(id_)
        known = self.known
        if not known.completed.has(key, self.now) and not known.given_up.has(key, self.now):
            self.counters.only_end += 1

    def _render_syscall(self, event: EventInFlight, body: bytes) -> Syscall:
        """Renders a SYSCALL record; an EXECVE record tells an exec of an unknown architecture."""
        syscall = self.output.renderer(event.node, False).syscalls.render(body)
        if syscall.call is Call.UNNAMED and event.has(b"EXECVE"):
            return syscall._replace(call=Call.EXEC)
        return syscall

    def _query(self, event: EventInFlight, call: Call, order: int, rank: int = 0) -> None:
        process = event.process()
        if call is Call.EXEC and self.output.observer is not None:
            event.started = self.output.start_exec(event.node, process)
            process += event.started.facts
        event.query = self.output.queries.add(order, call, process, event.id, rank)

    def _single(
        self,
        key: bytes,
        node: bytes | None,
        name: bytes,
        id_: bytes,
        body: bytes,
        end: int,
        filtered: bool,
    ) -> None:
        """Takes a record that is an event of its own; only an equal line is a duplicate."""
        output = self.output
        line = blake2b(b"\0".join((key, name, body)), digest_size=16).hexdigest().encode()
        if self.known.completed.has(line, self.now):
            self.counters.duplicate += 1
            return
        self.known.completed.note(line, self.now)
        if is_daemon(name):
            output.serials.restarted(node)
        else:
            output.serials.of(node).append(id_)
        rendered = output.renderer(node, False).single(name, body)
        queries = output.look_up(rendered.look_ups, line_key(end), node, id_, 0)
        matches = output.filters.user_record
        text = with_filter_mark(
            rendered.text, filtered=filtered or (matches is not None and matches(body))
        )
        output.emit(id_, node, text, queries, [], line_key(end), 0, 1)

    def is_known(self, key: bytes) -> bool:
        """True if records of this event arrived before, as far as that is remembered."""
        return key in self._in_flight or key in self.known

    # --- complete events

    def _complete(
        self, key: bytes, order: int, rank: int, *, ended: bool, cut: bool = False
    ) -> None:
        """Hands an event to the output; `ended` is true if the event has its proper end."""
        event = self._in_flight.pop(key)
        output = self.output
        self._in_flight_lines -= event.lines
        (self.known.completed if ended else self.known.given_up).note(key, self.now)
        renderer = self._event_renderer(event)
        syscall = event.syscall
        query = self._own_query(event, order, rank)
        members = details = b""
        if event.started is not None and syscall is not None:
            members, details = output.finish_exec(event.started, event.executed())
        process = event.process()
        if event.query is not None and process:
            if details:
                query = output.add_details(details, query, order, process, event.id, rank)
            else:
                output.queries.settle(query)
        first, *others = event.records
        if syscall is not None and first[0] == b"SYSCALL" and (b"SYSCALL" not in dict(others)):
            own = syscall_object(syscall, members)
            lines = b"".join([b"type=%b msg=audit(\0): %b\n" % record for record in others])
            fragment = renderer.auxiliary_records(lines)
            text = b',"SYSCALL":' + own.text + with_environment(fragment, event.started)
            look_ups = own.look_ups + fragment.look_ups
        else:
            own_object = syscall and syscall_object(syscall, members)
            fragment = renderer.fragment(event.records, own_object)
            text, look_ups = with_environment(fragment, event.started), fragment.look_ups
        queries = output.look_up(look_ups, order, event.node, event.id, query, rank)
        reasons = []
        if event.late:
            reasons.append(b"late")
        if not ended and not cut and self.has_eoe and event.needs_end():
            reasons.append(b"no-eoe")
        reasons += output.missing(fragment, event.items())
        if cut:
            reasons.append(b"cut")
        text = with_filter_mark(text, filtered=fragment.filtered or event.filtered)
        output.emit(event.id, event.node, text, queries, reasons, order, rank, event.lines)

    def _event_renderer(self, event: EventInFlight) -> EventRenderer:
        big_endian = event.syscall is not None and event.syscall.big_endian
        return self.output.renderer(event.node, big_endian)

    def _own_query(self, event: EventInFlight, order: int, rank: int) -> int:
        """Returns the number of the query about the SYSCALL record; 0 if no mark waits for it."""
        syscall = event.syscall
        if syscall is not None and syscall.process:
            if event.query is None:
                # Without an EXECVE record; or regular only by the options of this run.
                call = Call.PLAIN if syscall.call is Call.UNNAMED else syscall.call
                self._query(event, call, order, rank)
        elif event.query is not None:  # regular only by the options of the run before
            self.output.bodies.unused.append(event.query)
            event.query = None
        return event.query or 0
