"""Takes whole events, for streams in which texts repeat: looks up what was rendered before.

For an event that stands in one piece, with no line of others between its own, the output is that
of `Coalescer` in a tenth of the time.
"""

from __future__ import annotations

from laurel_mp.events.fast import event_cutter
from laurel_mp.events.reassembly.bodies import FILTERED, line_key
from laurel_mp.events.reassembly.coalescer import Coalescer
from laurel_mp.events.reassembly.event_output import with_environment
from laurel_mp.events.rendering.event_renderer import EventRenderer
from laurel_mp.events.rendering.fragment import Fragment
from laurel_mp.events.rendering.syscall import Call
from laurel_mp.formats import native
from laurel_mp.records.strings import encode


class CachedEvents:
    """Takes events of one piece from caches, and leaves all other lines to a `Coalescer`."""

    def __init__(self, coalescer: Coalescer) -> None:
        self._coalescer = coalescer

    def take(
        self, node: bytes | None, blob: bytes, start: int, end: int, offset: int
    ) -> tuple[int, int]:
        """Takes the lines of one node in `blob[start:end]`.

        Returns how many events were taken whole, and for how many of them the auxiliary records
        were not cached. Where texts repeat, most of a worker's time goes here: measure before and
        after a change.
        """
        lines_to, output, known = self._coalescer, self._coalescer.output, self._coalescer.known
        renderer = output.renderer(node, False)
        syscalls, cached, match_call = renderer.syscalls, renderer.auxiliary, event_cutter.CALL
        known_operation, known_caller = syscalls.operations.get, syscalls.callers.get
        known_auxiliary, blanks = cached.get, event_cutter.BLANKS
        render, has_eoe = renderer.sequences.render_complete, lines_to.has_eoe
        bodies, queries = output.bodies, output.queries
        completed = known.completed.noted_at(lines_to.now).append
        add_head, add_tail = bodies.heads.append, bodies.tails.append
        add_query, add_key = bodies.queries.append, bodies.keys.append
        query_keys, query_key, query_call = queries.keys, queries.keys.append, queries.calls.append
        query_process, query_id, base = queries.processes.append, queries.ids.append, queries.base
        by_endian, most = output.options.universal, lines_to.limits.max_event_bytes
        note_serial = output.serials.of(node).append
        observer, filtering = output.observer, output.filters.active
        plain, exec_, unnamed = Call.PLAIN, Call.EXEC, Call.UNNAMED
        whole_exec = Call.WHOLE_EXEC
        begins, template = b"type=SYSCALL msg=audit(", native.begin_template(node) + b","
        of_node = b""
        if node is not None:
            name = encode(node)
            begins = b"node=%b " % node + begins
            of_node = b"\t" + name
        template += b'"SYSCALL":{' + syscalls.template + b"%b"
        events = lines = missed = 0
        pieces, finish = event_cutter.split(blob, start, end, begins)
        lines_to.feed(blob, start, finish, offset)
        for piece in pieces:
            begin = finish
            finish += len(begins) + len(piece) + 1
            id_ = piece[: piece.index(b")")]
            call_match = match_call(piece.replace(id_ + b"):", blanks[len(id_)]))
            key = id_ if node is None else node + b" " + id_
            if (
                call_match is None
                or finish - begin > most
                or (key <= known.latest and lines_to.is_known(key))
            ):
                lines_to.feed(blob, begin, finish, offset)
                continue
            operation_text, ended, a0, a1, a2, a3, caller_text, auxiliary_text = call_match.groups()
            operation = known_operation(operation_text) or syscalls.operation(operation_text)
            caller = known_caller(caller_text) or syscalls.caller(caller_text)
            event_end = finish
            auxiliary = known_auxiliary(auxiliary_text)
            if auxiliary is None:
                missed += 1
                auxiliary = render(
                    auxiliary_text, node, event_cutter.ENDS[len(id_)] if has_eoe else b""
                )
                if auxiliary is None:
                    auxiliary, event_end = self._auxiliary(
                        renderer, node, auxiliary_text, finish - len(auxiliary_text) - 1
                    )
                else:
                    cached.remember(auxiliary_text, auxiliary)
            if (
                operation is None
                or caller is None
                or auxiliary is None
                or (by_endian and operation.big_endian)
            ):
                lines_to.feed(blob, begin, finish, offset)
                continue
            completed(key)
            if key > known.latest:  # noqa: PLR1730 - max() takes longer
                known.latest = key
            note_serial(id_)
            operation_raw, operation_added, call, _ = operation
            caller_raw, caller_added, process, items = caller
            tail, look_ups, records, paths, missing_arguments, filtered, executed, _ = auxiliary
            members = b""
            ended = b"" if ended is None else b'"exit":%b,' % ended  # exit_member
            if of_node:
                process += of_node
            if call is unnamed:
                call = plain if executed is None else exec_
            query = base + len(query_keys)
            query_key(2 * (begin + offset) + 1)
            query_id(id_)
            if call is not exec_:
                query_call(call)
                query_process(process)
            elif observer is None:
                query_call(whole_exec)
                query_process(process)
            else:
                query, members, started = output.observe_exec(
                    node, process, id_, executed, query, event_end + offset
                )
                tail = with_environment(auxiliary, started)
            add_query(query)
            if look_ups:
                numbers = output.look_up(look_ups, line_key(event_end + offset), node, id_, 0)
                bodies.more.extend(numbers)
            if filtering:
                bodies.sizes.append(records + 1)
                if filtered or output.has_filtered_line(blob[begin:event_end]):
                    tail += FILTERED
            if items > paths or missing_arguments:
                tail += output.incomplete(output.missing(auxiliary, items))
            add_head(
                template
                % (
                    id_, operation_raw, ended, caller_raw, a0, a1, a2, a3,
                    operation_added, caller_added, members,
                )
            )  # fmt: skip
            add_tail(tail)
            add_key(2 * (event_end + offset) - 1)  # line_key
            events += 1
            lines += records + 1
            if event_end == finish:
                continue
            if node is None and blob.startswith(b"node=", event_end):
                for other, first, last in event_cutter.runs(blob, event_end, finish):
                    self.take(other, blob, first, last, offset)
            else:
                lines_to.feed(blob, event_end, finish, offset)
        counters = output.counters
        counters.events += events
        counters.in_events += lines
        # A whole event ends with its EOE record; in a stream without, with its PROCTITLE record,
        # which is part of the event.
        if has_eoe:
            counters.end_of_event += events
        return events, missed

    def _auxiliary(
        self, renderer: EventRenderer, node: bytes | None, text: bytes, start: int
    ) -> tuple[Fragment | None, int]:
        """Renders the records behind a SYSCALL record; returns them and the end of the event.

        `text` begins at `start` in the batch. Returns None unless the event ends in it and has no
        other records.
        """
        has_eoe = self._coalescer.has_eoe
        length = event_cutter.event_length(text, node, has_eoe=has_eoe)
        own = text[:length]
        found = renderer.auxiliary.get(own)
        if found is None and length:
            # An EOE record is no part of the event; a PROCTITLE record is.
            records = own[: own.rfind(b"\n") + 1] if has_eoe else own + b"\n"
            found = renderer.render_auxiliary(records)
            if found.records >= 0:
                renderer.auxiliary.remember(own, found)
        if found is None or found.records < 0:
            return None, start
        return found, start + length + 1
