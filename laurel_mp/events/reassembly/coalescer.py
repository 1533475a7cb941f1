"""Lines into events: what belongs together, when it is complete, what came before.

Everything here is decided by positions in the stream and by the arrival clock that the router
puts into it, so that the outcome is the same however the stream is cut into batches and
spread over workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from laurel_mp.events.reassembly.bodies import (
    FILTERED,
    NO_QUERY,
    Bodies,
    ProcessQueries,
    clock_key,
    line_key,
)
from laurel_mp.events.reassembly.duplicate_window import DuplicateWindow, DuplicateWindowState
from laurel_mp.events.reassembly.event_in_flight import EventInFlight, EventState
from laurel_mp.events.reassembly.exec_observer import (
    NOTHING,
    ContentFilters,
    ExecObserver,
    Finished,
    Started,
)
from laurel_mp.events.reassembly.serial_collector import SerialCollector
from laurel_mp.events.rendering.event_renderer import OWN_PROCESS, EventRenderer, syscall_object
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.syscall import Call, Syscall
from laurel_mp.formats import native
from laurel_mp.records.header import LINE
from laurel_mp.records.record import LookUp
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.records.types import is_daemon, is_kernel

try:
    from _blake2 import blake2b
except ImportError:  # not this interpreter's; hashlib brings OpenSSL along, which is 3 MB
    from hashlib import blake2b

IN_FLIGHT_BYTES = 32 << 20
"""How far the stream may run on behind an event's last record before the event is given up."""

REMEMBERED_BYTES = 16 << 20
"""Over how much of the stream completed events are remembered, unless the lines are too many."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When an event is over, and what it may hold. Times are seconds of the arrival clock."""

    end_of_event_timeout: float = 2.0
    duplicate_window: float = 120.0
    max_event_bytes: int = 16 << 20


@dataclass(slots=True)
class Counters:
    """What became of the lines that were fed, since the start."""

    end_of_event: int = 0
    """Lines that were EOE records."""
    duplicate: int = 0
    """Lines of events that had been completed before, dropped."""
    in_events: int = 0
    """Lines that are part of events that were given out."""
    events: int = 0
    incomplete: int = 0
    """Events with an INCOMPLETE mark."""
    timed_out: int = 0
    """Events that were over because nothing more of them came."""
    cut: int = 0
    """Events that met a limit."""
    late: int = 0
    """Of the incomplete ones: those of which a part had been given out before."""
    no_eoe: int = 0
    """Those whose EOE record did not come."""
    missing_path: int = 0
    """Those with fewer PATH records than were announced."""
    missing_args: int = 0
    """Those with fewer arguments than were announced."""
    only_end: int = 0
    """EOE records of events of which nothing else came: there is no event for these."""


class CoalescerState(NamedTuple):
    """A coalescer between two batches."""

    now: float
    has_eoe: bool
    since: float
    """When what is remembered last became older."""
    start: int
    """The same, as a stream position."""
    queries: int
    """How many queries were asked."""
    counters: Counters
    done: DuplicateWindowState
    given_up: DuplicateWindowState
    latest: bytes
    """Of the keys of all events that came, the last one in the order of bytes."""
    events: list[EventState]
    """Events in flight; the one that was quiet longest is first."""


def with_environment(fragment: Fragment, started: Started | None) -> bytes:
    """The text of a fragment with members added to its EXECVE object."""
    text, end = fragment.text, fragment.execve_end
    if started is None or not started.environment or not end:
        return text
    return text[:end] + started.environment + text[end:]


class Coalescer:
    """Joins lines into events and has them rendered. Not for use from several threads."""

    def __init__(
        self,
        options: RecordOptions,
        limits: Limits,
        local_node: bytes = b"",
        observer: ExecObserver | None = None,
        filters: ContentFilters | None = None,
        *,
        serials: bool = True,
    ) -> None:
        self._options = options
        self._observer = observer
        self._filters = filters or ContentFilters()
        self._limits = limits
        self._local_node = local_node
        self._renderers: dict[tuple[bool, bool], EventRenderer] = {}
        self._plain = self._renderer(None, False)
        self._has_eoe = False
        self._now = 0.0
        self._in_flight: dict[bytes, EventInFlight] = {}
        self._in_flight_lines = 0
        self._done = DuplicateWindow(limits.duplicate_window)
        self._given_up = DuplicateWindow(limits.duplicate_window)
        self._latest = b""
        """What comes behind this key in the order of bytes is no event that is known: serials grow,
        so that most events need not be looked for."""
        self._generation = (0.0, 0)
        self.counters = Counters()
        self.bodies = Bodies()
        self.queries = ProcessQueries()
        self.serials = SerialCollector(wanted=serials)

    def take(self) -> tuple[Bodies, ProcessQueries]:
        """What was completed, and asked, since the last call."""
        taken = self.bodies, self.queries
        self.bodies = Bodies()
        self.queries = ProcessQueries(self.queries.base + len(self.queries.keys))
        return taken

    @property
    def in_flight_lines(self) -> int:
        """Lines of events that are not complete yet."""
        return self._in_flight_lines

    def forget(self) -> None:
        """Forgets what was rendered: names of users in it may be others now."""
        for renderer in self._renderers.values():
            renderer.forget()

    # --- going on elsewhere

    def state(self) -> CoalescerState:
        """What to go on from, between two batches; it goes on changing with this."""
        since, start = self._generation
        return CoalescerState(
            self._now,
            self._has_eoe,
            since,
            start,
            self.queries.base,
            self.counters,
            self._done.state(),
            self._given_up.state(),
            self._latest,
            [event.state() for event in self._in_flight.values()],
        )

    def restore(self, state: CoalescerState) -> None:
        """Goes on from `state`; only for one that has seen nothing yet.

        SYSCALL records are rendered again, as the options may be others now.
        """
        self._now = state.now
        self._expect(state.has_eoe)
        self._generation = state.since, state.start
        self.queries = ProcessQueries(state.queries)
        self.counters = state.counters
        self._done.restore(state.done)
        self._given_up.restore(state.given_up)
        self._latest = state.latest
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
        """Sets the arrival clock and the kind of stream for what stands from `position` on.

        Events whose last record stood before `oldest` are over, as too many lines have come since.
        """
        self.serials.mark(position, now)
        self._now = now
        if has_eoe != self._has_eoe:
            self._expect(has_eoe)
        self._expire(position, oldest)
        self._age(position, oldest)

    def _expect(self, has_eoe: bool) -> None:
        """Sets the kind of stream."""
        self._has_eoe = has_eoe
        for renderer in self._renderers.values():
            renderer.rests.clear()  # they hold ends of events

    def finish(self, position: int) -> None:
        """Completes all events: the input has ended at `position`."""
        self.serials.mark(position, self._now, final=True)
        self._give_up(list(self._in_flight), position)

    def _expire(self, position: int, oldest: int) -> None:
        last_seen = self._now - self._limits.end_of_event_timeout
        last_position = max(position - IN_FLIGHT_BYTES, oldest)
        over = []
        for key, event in self._in_flight.items():  # the one that was quiet longest is first
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

    def _age(self, position: int, oldest: int) -> None:
        """Forgets events that were completed long ago, in steps."""
        since, start = self._generation
        oldest = max(position - REMEMBERED_BYTES, oldest)
        if self._now - since > self._limits.duplicate_window or start < oldest:
            self._generation = (self._now, position)
            self._done.turn()
            self._given_up.turn()

    # --- lines

    def feed(self, blob: bytes, start: int, end: int, offset: int) -> None:
        """Takes the lines in `blob[start:end]`; `offset` makes stream positions of indices.

        Every line must have a valid header.
        """
        filtering = self._filters.active
        for match in LINE.finditer(blob, start, end):
            node, name, id_, body = match.groups()
            begin, finish = match.span()
            filtered = filtering and self._has_filtered_line(blob[begin:finish])
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
            if key > self._latest:
                self._latest = key
            elif self._done.has(key, self._now):
                self.counters.duplicate += 1
                return
            else:
                late = self._given_up.has(key, self._now)
            event = EventInFlight(id_, node, start, late)
            self.serials.of(node).append(id_)
        self._in_flight[key] = event
        event.records.append((name, body))
        event.lines += 1
        event.filtered |= filtered
        self._in_flight_lines += 1
        # With the header: without it, a flood of empty records of one event would have no end.
        event.size += end - start
        event.seen = self._now
        event.position = end
        if name == b"SYSCALL" and event.syscall is None:
            event.syscall = self._render_syscall(event, body)
            if event.syscall.process and event.syscall.call is not Call.UNNAMED:
                self._ask(event, event.syscall.call, 2 * start + 1)
        elif name == b"EXECVE" and event.syscall and event.syscall.call is Call.UNNAMED:
            event.syscall = event.syscall._replace(call=Call.EXEC)
            if event.syscall.process:
                self._ask(event, Call.EXEC, 2 * start + 1)
        if event.size > self._limits.max_event_bytes:
            self.counters.cut += 1
            self._complete(key, line_key(end), 0, ended=False, cut=True)
        elif name == b"PROCTITLE" and not self._has_eoe:
            self._complete(key, line_key(end), 0, ended=True)

    def _lone_end(self, key: bytes, node: bytes | None, id_: bytes) -> None:
        """An EOE record of no event in flight: as a rule of one that was completed before."""
        self.serials.of(node).append(id_)
        if not self._done.has(key, self._now) and not self._given_up.has(key, self._now):
            self.counters.only_end += 1

    def _render_syscall(self, event: EventInFlight, body: bytes) -> Syscall:
        """The SYSCALL record of an event; what other records say of its call counts, too."""
        syscall = self._renderer(event.node, False).syscalls.render(body)
        if syscall.call is Call.UNNAMED and event.has(b"EXECVE"):
            return syscall._replace(call=Call.EXEC)
        return syscall

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
        """A record that is an event of its own; only the same line again is a duplicate."""
        line = blake2b(b"\0".join((key, name, body)), digest_size=16).hexdigest().encode()
        if self._done.has(line, self._now):
            self.counters.duplicate += 1
            return
        self._done.note(line, self._now)
        if is_daemon(name):
            self.serials.restarted(node)
        else:
            self.serials.of(node).append(id_)
        rendered = self._renderer(node, False).single(name, body)
        marks = self._look_up(rendered.look_ups, line_key(end), node, id_, 0)
        text = rendered.text
        if filtered or (self._filters.user_record and self._filters.user_record(body)):
            text += FILTERED
        self._emit(id_, node, text, marks, (), line_key(end), 0, 1)

    def _is_known(self, key: bytes) -> bool:
        """Whether an event came before, and is remembered."""
        return key in self._in_flight or key in self._done or key in self._given_up

    # --- events

    def _complete(
        self, key: bytes, order: int, rank: int, *, ended: bool, cut: bool = False
    ) -> None:
        """Gives out the event; `ended` if it came to its proper end."""
        event = self._in_flight.pop(key)
        self._in_flight_lines -= event.lines
        (self._done if ended else self._given_up).note(key, self._now)
        renderer = self._event_renderer(event)
        syscall = event.syscall
        query = self._own_query(event, order, rank)
        members = details = b""
        if event.started is not None and syscall is not None:
            members, details = self._finished(event.started, event.executed())
        if event.query is not None and event.process():
            if details:
                query = self._tell(details, query, order, event.process(), event.id, rank)
            else:
                self.queries.settle(query)
        first, *others = event.records
        if syscall is not None and first[0] == b"SYSCALL" and (b"SYSCALL" not in dict(others)):
            own = syscall_object(syscall, members)
            text = b"".join([b"type=%b msg=audit(\0): %b\n" % record for record in others])
            fragment = renderer.rest(text)
            text = with_environment(fragment, event.started)
            text = b',"SYSCALL":' + own.text + text
            look_ups = own.look_ups + fragment.look_ups
        else:
            own_object = syscall and syscall_object(syscall, members)
            fragment = renderer.fragment(event.records, own_object)
            text, look_ups = with_environment(fragment, event.started), fragment.look_ups
        marks = self._look_up(look_ups, order, event.node, event.id, query, rank)
        reasons = []
        if event.late:
            reasons.append(b"late")
        if not ended and not cut and self._has_eoe and event.needs_end():
            reasons.append(b"no-eoe")
        reasons += self._missing(fragment, event.items())
        if cut:
            reasons.append(b"cut")
        if fragment.filtered or event.filtered:
            text += FILTERED
        self._emit(event.id, event.node, text, marks, tuple(reasons), order, rank, event.lines)

    def _own_query(self, event: EventInFlight, order: int, rank: int) -> int:
        """The query that annotates the SYSCALL record; 0 if no mark waits for one."""
        syscall = event.syscall
        if syscall is not None and syscall.process:
            if event.query is None:
                # No EXECVE record came; or it is regular only by the options of now.
                call = Call.PLAIN if syscall.call is Call.UNNAMED else syscall.call
                self._ask(event, call, order, rank)
        elif event.query is not None:  # it was regular only by the options of then
            self.bodies.unused.append(event.query)
            event.query = None
        return event.query or 0

    def _missing(self, fragment: Fragment, items: int) -> list[bytes]:
        reasons = []
        if items > fragment.paths:
            reasons.append(b"missing-path")
        if fragment.missing_arguments:
            reasons.append(b"missing-args")
        return reasons

    def _incomplete(self, reasons: list[bytes]) -> bytes:
        counters = self.counters
        counters.incomplete += 1
        counters.late += b"late" in reasons
        counters.no_eoe += b"no-eoe" in reasons
        counters.missing_path += b"missing-path" in reasons
        counters.missing_args += b"missing-args" in reasons
        key = self._options.added(native.INCOMPLETE)
        return b',"%b":[%b]' % (key, b",".join([b'"%b"' % reason for reason in reasons]))

    def _emit(
        self,
        id_: bytes,
        node: bytes | None,
        text: bytes,
        marks: list[int],
        reasons: tuple[bytes, ...],
        order: int,
        rank: int,
        lines: int,
    ) -> None:
        head = native.BEGIN % id_
        if node is not None:
            head += native.OF_NODE % encode(node)
        if reasons:
            text += self._incomplete(list(reasons))
        head_text, _, tail_text = text.partition(b"\0")
        first, *more = marks or [NO_QUERY]
        self.bodies.heads.append(head + head_text)
        self.bodies.tails.append(tail_text)
        self.bodies.queries.append(first)
        self.bodies.more.extend(more)
        if rank:
            self.bodies.ranks.extend((len(self.bodies.keys), rank))
        self.bodies.keys.append(order)
        if self._filters.active:
            self.bodies.sizes.append(lines)
        self.counters.events += 1
        self.counters.in_events += lines

    def _has_filtered_line(self, lines: bytes) -> bool:
        """Whether one of several whole lines says filter."""
        says_filter = self._filters.raw_line
        return says_filter is not None and any(map(says_filter, lines.split(b"\n")[:-1]))

    # --- questions to the tracker

    def _start(self, node: bytes | None, process: bytes) -> Started:
        """What the system says about a process that has just executed something."""
        if self._observer is None or node not in (None, self._local_node):
            return NOTHING
        pid, _, _, exe, *_ = process.split(b"\t")
        return self._observer.started(pid, exe)

    def _finished(self, started: Started, executed: LazyExecution | None) -> Finished:
        """Members for the SYSCALL object of an exec, and its details."""
        if self._observer is None or executed is None:
            return Finished(started.members, b"")
        members, details = self._observer.finished(started, executed)
        return Finished(started.members + members, details)

    def _tell(
        self, details: bytes, query: int, order: int, process: bytes, id_: bytes, rank: int = 0
    ) -> int:
        """Adds a query with details of an exec; returns its number, to be used for `query`."""
        self.bodies.unused.append(query)
        return self.queries.add(order, Call.DETAILS, process + details, id_, rank)

    def _ask(self, event: EventInFlight, call: Call, order: int, rank: int = 0) -> None:
        process = event.process()
        if call is Call.EXEC and self._observer is not None:
            event.started = self._start(event.node, process)
            process += event.started.facts
        event.query = self.queries.add(order, call, process, event.id, rank)

    def _look_up(
        self,
        look_ups: tuple[LookUp, ...],
        order: int,
        node: bytes | None,
        id_: bytes,
        own_query: int,
        rank: int = 0,
    ) -> list[int]:
        """Adds queries for the marks of an event; returns their numbers, in order of the marks."""
        marks = []
        for look in look_ups:
            if look is OWN_PROCESS:
                marks.append(own_query)
                continue
            process = look.pid + b"\t" + look.key
            if node is not None:
                process += b"\t" + encode(node)
            marks.append(self.queries.add(order, Call.LOOK_UP, process, id_, rank))
        return marks

    # --- renderers

    def _event_renderer(self, event: EventInFlight) -> EventRenderer:
        big_endian = event.syscall is not None and event.syscall.big_endian
        return self._renderer(event.node, big_endian)

    def _renderer(self, node: bytes | None, big_endian: bool) -> EventRenderer:
        """The renderer for a host.

        Byte order matters for addresses; and only about local users may the local user
        database be asked.
        """
        options = self._options
        asks = options.user_name is not None or options.groups_of is not None
        local = node is None or node == self._local_node or not asks
        which = (local, big_endian and options.universal)
        renderer = self._renderers.get(which)
        if renderer is None:
            renderer = EventRenderer(options.for_host(*which))
            self._renderers[which] = renderer
        return renderer

    def statistics(self) -> dict[str, int]:
        """Sizes and limits met, for status reports."""
        memories = [memo for each in self._renderers.values() for memo in each.memories]
        return {
            "in_flight": len(self._in_flight),
            "remembered": len(self._done) + len(self._given_up),
            "memories_cleared": sum(memo.clearings for memo in memories),
            "memories_bytes": sum(memo.size for memo in memories),
            "memories_limit": sum(memo.limit for memo in memories),
        }
