"""The writer's stage: bodies and annotations into lines, in the order of the stream."""

from __future__ import annotations

from array import array
from itertools import chain
from operator import itemgetter

from laurel_mp.stages.messages import Annotations, DecodedBodies


class Assembler:
    """Puts together what workers and tracker made of each batch."""

    def __init__(self, workers: int, line_prefix: bytes = b"") -> None:
        self._line_prefix = line_prefix
        # Annotations that wait for their event to be complete, by row, for each worker.
        self._waiting: list[dict[int, bytes]] = [{} for _ in range(max(workers, 1))]
        self.events = 0
        """Events given out, since the start."""

    def merge(
        self, bodies: list[DecodedBodies], annotations: list[tuple[int, Annotations]]
    ) -> bytes:
        """The events that were completed in one batch, one a line.

        Both lists are by worker; annotations come with the number of their first row.
        """
        texts = [
            self._splice(worker, decoded, base, answers)
            for worker, (decoded, (base, answers)) in enumerate(
                zip(bodies, annotations, strict=True)
            )
        ]
        filled = [(text, decoded) for text, decoded in zip(texts, bodies, strict=True) if text]
        if not filled:
            return b""
        # Also the events of a single worker are put in order where they have ranks: several
        # clock marks can stand at one position.
        alone = len(filled) == 1 and not filled[0][1].ranks
        text = filled[0][0] if alone else _interleave(filled)
        self.events += text.count(b"\n")
        if self._line_prefix:
            text = self._line_prefix + text[:-1].replace(b"\n", b"\n" + self._line_prefix) + b"\n"
        return text

    def _splice(
        self, worker: int, decoded: DecodedBodies, base: int, answers: Annotations
    ) -> bytes:
        """The text of one worker with its marks replaced by what they wait for."""
        waiting = self._waiting[worker]
        waiting.update(enumerate(answers, base))
        if not decoded.rows:
            return decoded.text
        pieces = decoded.text.split(b"\0")
        found = map(waiting.pop, array("Q", decoded.rows))
        last = pieces.pop()
        return b"".join(chain(chain.from_iterable(zip(pieces, found, strict=True)), (last,)))

    @property
    def waiting(self) -> int:
        """Annotations whose event is not complete."""
        return sum(map(len, self._waiting))


def _interleave(filled: list[tuple[bytes, DecodedBodies]]) -> bytes:
    """The lines of all workers by key and rank."""
    lines: list[bytes] = []
    keys = array("Q")
    ranks = array("Q")
    for text, decoded in filled:
        lines += text.split(b"\n")[:-1]
        keys.frombytes(decoded.keys)
        ranks.frombytes(decoded.ranks or bytes(len(decoded.keys)))
    if any(ranks):
        by_rank = list(zip(keys, ranks, strict=True))
        order = sorted(range(len(lines)), key=by_rank.__getitem__)
    else:
        order = sorted(range(len(lines)), key=keys.__getitem__)
    ordered = itemgetter(*order)(lines) if len(order) > 1 else (lines[order[0]],)
    return b"\n".join(ordered) + b"\n"
