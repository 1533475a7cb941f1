"""Takes whole events, for streams in which hardly anything repeats: matches and fills templates.

The output is that of `Coalescer`. Where nothing repeats, this takes little more than half of the
time of `CachedEvents`.
"""

from __future__ import annotations

from laurel_mp.events.fast.cached_events import CachedEvents
from laurel_mp.events.reassembly.bodies import FILTERED
from laurel_mp.events.reassembly.coalescer import Coalescer
from laurel_mp.events.rendering.caller_templates import json_of
from laurel_mp.events.rendering.event_matcher import EventMatcher
from laurel_mp.events.rendering.syscall import Call


class MatchedEvents:
    """Takes events that an `EventMatcher` matches, and leaves all others to `CachedEvents`."""

    def __init__(self, coalescer: Coalescer, others: CachedEvents) -> None:
        self._coalescer = coalescer
        self._others = others

    def take(
        self,
        matcher: EventMatcher,
        node: bytes | None,
        blob: bytes,
        start: int,
        end: int,
        offset: int,
    ) -> tuple[int, int]:
        """Takes the lines of one node in `blob[start:end]`.

        Returns how many events `matcher` has matched, and how many pieces were left to others.
        Where nothing repeats, most of a worker's time goes here: measure before and after a change.
        """
        coalescer, output, known = self._coalescer, self._coalescer.output, self._coalescer.known
        match_call, known_template = matcher.match, matcher.templates.get
        bodies, queries = output.bodies, output.queries
        completed = known.completed.noted_at(coalescer.now).append
        add_head, add_tail = bodies.heads.append, bodies.tails.append
        add_query, add_key = bodies.queries.append, bodies.keys.append
        query_keys, query_key, query_call = queries.keys, queries.keys.append, queries.calls.append
        query_process, query_id, base = queries.processes.append, queries.ids.append, queries.base
        note_serial = output.serials.of(node).append
        observer, filtering = output.observer, output.filters.active
        exec_, whole_exec, most = Call.EXEC, Call.WHOLE_EXEC, coalescer.limits.max_event_bytes
        events = lines = others = 0
        finish = start
        while finish < end:
            begin = finish
            template = auxiliary = rendered = None
            call = match_call(blob, begin, end)
            if call is not None:
                (
                    id_, operation, ended, a0, a1, a2, a3,
                    items, ppid, pid, front, comm, odd_comm, exe, odd_exe, back,
                ) = call.groups(b"")  # fmt: skip
                key_of_call = (operation, items, front, back, not ended)
                template = known_template(key_of_call) or matcher.learn(key_of_call)
                call_end = call.end()
                if template is not None:
                    auxiliary = template.match(blob, call_end, end) or matcher.match_auxiliary(
                        template, blob, call_end, end
                    )
            if template is not None and auxiliary is not None:
                auxiliary_id, *values = auxiliary.groups(b"")
                finish = auxiliary.end()
                key = id_ if node is None else node + b" " + id_
                if (
                    auxiliary_id == id_
                    and finish - begin <= most
                    and (key > known.latest or not coalescer.is_known(key))
                ):
                    rendered = template.sequence.render(values)
            if template is None or rendered is None:
                others += 1
                finish = matcher.next(blob, begin, end)
                self._others.take(node, blob, begin, finish, offset)
                continue
            completed(key)
            if key > known.latest:  # noqa: PLR1730 - max() takes longer
                known.latest = key
            note_serial(id_)
            tail, paths = rendered
            if odd_comm:
                comm = json_of(odd_comm)
            if odd_exe:
                exe = json_of(odd_exe)
            members = b""
            process = template.process % (pid, ppid, comm, exe)
            query = base + len(query_keys)
            query_key(2 * (begin + offset) + 1)
            query_id(id_)
            if template.call is not exec_:
                query_call(template.call)
                query_process(process)
            elif observer is None:
                query_call(whole_exec)
                query_process(process)
            else:
                executed = template.executed(values, blob[call_end:finish])
                query, members, started = output.observe_exec(
                    node, process, id_, executed, query, finish + offset
                )
                if started.environment and executed is not None:
                    at = template.sequence.execve_end(tail, values)
                    tail = tail[:at] + started.environment + tail[at:]
            add_query(query)
            if filtering:
                bodies.sizes.append(template.records + 1)
                if output.has_filtered_line(blob[begin:finish]):
                    tail += FILTERED
            if template.items > paths:
                tail += output.incomplete([b"missing-path"])
            if ended:
                head = template.head % (id_, ended, ppid, pid, comm, exe, a0, a1, a2, a3, members)
            else:
                head = template.head % (id_, ppid, pid, comm, exe, a0, a1, a2, a3, members)
            add_head(head)
            add_tail(tail)
            add_key(2 * (finish + offset) - 1)  # line_key
            events += 1
            lines += template.records + 1
        counters = output.counters
        counters.events += events
        counters.in_events += lines
        if coalescer.has_eoe:
            counters.end_of_event += events
        return events, others
