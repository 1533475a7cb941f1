"""Whole events at once, with what was rendered before looked up.

What `Coalescer` does line by line is the definition; for events that stand in one piece, with no
line of others between theirs, the same comes out here in a tenth of the time.
"""

from __future__ import annotations

from laurel_mp.events.fast import event_cutter
from laurel_mp.events.reassembly.bodies import FILTERED, line_key
from laurel_mp.events.reassembly.coalescer import Coalescer, with_environment
from laurel_mp.events.reassembly.exec_observer import Started
from laurel_mp.events.rendering.event_renderer import EventRenderer
from laurel_mp.events.rendering.execution import LazyExecution
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.formats import native
from laurel_mp.records.strings import encode


class WholeEventCoalescer(Coalescer):
    """Takes events of one piece at once, and what is between them line by line."""

    def feed(self, blob: bytes, start: int, end: int, offset: int) -> None:
        """Takes the lines in `blob[start:end]`; `offset` makes stream positions of indices.

        Every line must have a valid header.
        """
        for node, begin, finish in event_cutter.runs(blob, start, end):
            self._feed_run(node, blob, begin, finish, offset)

    def _feed_run(
        self, node: bytes | None, blob: bytes, start: int, end: int, offset: int
    ) -> tuple[int, int]:
        """Takes lines of one node: events of one piece at once, what is between them by lines.

        Returns how many events of one piece there were, and how many rests were not remembered.
        Where events repeat, most of a worker's time goes here: measure before and after a change.
        """
        renderer = self._renderer(node, False)
        syscalls, rests, call_of = renderer.syscalls, renderer.rests, event_cutter.CALL
        known_head, known_tail = syscalls.heads.get, syscalls.tails.get
        known_rest, blots = rests.get, event_cutter.BLOTS
        whole, has_eoe = renderer.whole.whole, self._has_eoe
        bodies, queries = self.bodies, self.queries
        done = self._done.noted_at(self._now).append
        add_head, add_tail, add_query = (
            bodies.heads.append,
            bodies.tails.append,
            bodies.queries.append,
        )
        query_keys, query_key, query_call = queries.keys, queries.keys.append, queries.calls.append
        query_process, query_id, base = queries.processes.append, queries.ids.append, queries.base
        by_endian, most = self._options.universal, self._limits.max_event_bytes
        add_key = bodies.keys.append
        saw = self.serials.of(node).append
        observer, filtering = self._observer, self._filters.active
        plain, executed, unnamed = Call.PLAIN, Call.EXEC, Call.UNNAMED
        whole_exec = Call.WHOLE_EXEC
        begins, template = b"type=SYSCALL msg=audit(", native.begin_template(node) + b","
        of_node = b""
        if node is not None:
            name = encode(node)
            begins = b"node=%b " % node + begins
            of_node = b"\t" + name
        template += b'"SYSCALL":{' + syscalls.template + b"%b"
        events = lines = missed = 0
        texts, finish = event_cutter.split(blob, start, end, begins)
        super().feed(blob, start, finish, offset)
        for piece in texts:
            begin = finish
            finish += len(begins) + len(piece) + 1
            id_ = piece[: piece.index(b")")]
            call_match = call_of(piece.replace(id_ + b"):", blots[len(id_)]))
            key = id_ if node is None else node + b" " + id_
            if (
                call_match is None
                or finish - begin > most
                or (key <= self._latest and self._is_known(key))
            ):
                super().feed(blob, begin, finish, offset)
                continue
            head_text, ended, a0, a1, a2, a3, tail_text, rest_text = call_match.groups()
            head = known_head(head_text) or syscalls.head(head_text)
            tail = known_tail(tail_text) or syscalls.tail(tail_text)
            behind = finish
            rest = known_rest(rest_text)
            if rest is None:
                missed += 1
                rest = whole(rest_text, node, event_cutter.ENDS[len(id_)] if has_eoe else b"")
                if rest is None:
                    rest, behind = self._rest(
                        renderer, node, rest_text, finish - len(rest_text) - 1
                    )
                else:
                    rests.remember(rest_text, rest)
            if head is None or tail is None or rest is None or (by_endian and head.big_endian):
                super().feed(blob, begin, finish, offset)
                continue
            done(key)
            if key > self._latest:  # noqa: PLR1730 - max() takes longer
                self._latest = key
            saw(id_)
            head_raw, head_added, call, _ = head
            tail_raw, tail_added, process, items = tail
            rest_json, look_ups, records, paths, missing_arguments, says_filter, execution, _ = rest
            members = b""
            ended = b"" if ended is None else b'"exit":%b,' % ended  # exit_member
            if of_node:
                process += of_node
            if call is unnamed:
                call = plain if execution is None else executed
            query = base + len(query_keys)
            query_key(2 * (begin + offset) + 1)
            query_id(id_)
            if call is not executed:
                query_call(call)
                query_process(process)
            elif observer is None:
                query_call(whole_exec)
                query_process(process)
            else:
                query, members, started = self._observe(
                    node, process, id_, execution, query, behind + offset
                )
                rest_json = with_environment(rest, started)
            add_query(query)
            if look_ups:
                bodies.more.extend(self._look_up(look_ups, line_key(behind + offset), node, id_, 0))
            if filtering:
                bodies.sizes.append(records + 1)
                if says_filter or self._has_filtered_line(blob[begin:behind]):
                    rest_json += FILTERED
            if items > paths or missing_arguments:
                rest_json += self._incomplete(self._missing(rest, items))
            add_head(
                template
                % (id_, head_raw, ended, tail_raw, a0, a1, a2, a3, head_added, tail_added, members)
            )
            add_tail(rest_json)
            add_key(2 * (behind + offset) - 1)  # line_key
            events += 1
            lines += records + 1
            if behind == finish:
                continue
            if node is None and blob.startswith(b"node=", behind):
                self.feed(blob, behind, finish, offset)
            else:
                super().feed(blob, behind, finish, offset)
        self.counters.events += events
        self.counters.in_events += lines
        # A whole event ends with its EOE record; in a stream without, PROCTITLE is of the event.
        if self._has_eoe:
            self.counters.end_of_event += events
        return events, missed

    def _observe(
        self,
        node: bytes | None,
        process: bytes,
        id_: bytes,
        executed: LazyExecution | None,
        query: int,
        end: int,
    ) -> tuple[int, bytes, Started]:
        """Completes the query of an exec with what an observer says; `end` is a stream position.

        Returns the query that annotates the event, members for SYSCALL, and what the system said.
        """
        started = self._start(node, process)
        members, details = self._finished(started, executed)
        self.queries.calls.append(Call.EXEC if details else Call.WHOLE_EXEC)
        self.queries.processes.append(process + started.facts)
        if details:
            query = self._tell(details, query, line_key(end), process, id_)
        return query, members, started

    def _rest(
        self, renderer: EventRenderer, node: bytes | None, rest: bytes, start: int
    ) -> tuple[Fragment | None, int]:
        """What is behind a SYSCALL record, from `start` on, and where the event ends.

        None if the event does not end in this piece, or if there is more to it.
        """
        length = event_cutter.closed(rest, node, has_eoe=self._has_eoe)
        text = rest[:length]
        found = renderer.rests.get(text)
        if found is None and length:
            # Its end is no part of an event, in a stream without EOE records PROCTITLE is.
            records = text[: text.rfind(b"\n") + 1] if self._has_eoe else text + b"\n"
            found = renderer.render_rest(records)
            if found.records >= 0:
                renderer.rests.remember(text, found)
        if found is None or found.records < 0:
            return None, start
        return found, start + length + 1
