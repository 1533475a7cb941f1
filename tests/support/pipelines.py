"""The stages as a pipeline, with any number of workers but without processes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace

from laurel_mp.config import Config
from laurel_mp.events.coalescer import Counters
from laurel_mp.pipeline import options, wire
from laurel_mp.pipeline.ledger import Ledger
from laurel_mp.pipeline.pipeline import Pipeline
from laurel_mp.pipeline.system import System
from laurel_mp.stages.router import Batch, Malformed


class StagePipeline(Pipeline):
    """All stages in this process, connected by messages as the processes are."""

    def __init__(self, config: Config, workers: int, system: System | None = None) -> None:
        self.malformed: list[Malformed] = []
        self.malformed_text: list[bytes] = []
        super().__init__(config, workers, self.malformed.append)
        self._decoders = [options.decoder(config, system) for _ in range(max(workers, 1))]
        self._tracker = options.tracker(config, system)
        self._assembler = options.assembler(config, workers)
        self.text: list[bytes] = []
        self.filtered: list[bytes] = []
        self.batches = 0

    def _send(self, batch: Batch, size: int, malformed: bytes) -> None:
        number = self.batches
        self.batches += 1
        self.malformed_text.append(malformed)
        all_rows, all_bodies = [], []
        for worker, (decoder, share) in enumerate(zip(self._decoders, batch.shares, strict=True)):
            sent = wire.ShareMessage(number, size, share, malformed)
            received = wire.decode_share(wire.encode_share(sent))
            bodies, rows = decoder.decode(received.share)
            of_rows = wire.RowsMessage(number, worker, share.final, rows)
            all_rows.append(wire.decode_rows(wire.encode_rows(of_rows)).rows)
            of_bodies = wire.BodiesMessage(
                number,
                worker,
                size,
                share.final,
                rows.base,
                decoder.counters,
                decoder.in_flight_lines,
                bodies,
                malformed,
            )
            all_bodies.append(wire.decode_bodies(wire.encode_bodies(of_bodies)))
        of_tracker = wire.AnnotationsMessage(number, self._tracker.apply(all_rows))
        answers = wire.decode_annotations(wire.encode_annotations(of_tracker)).annotations
        bases = [message.base for message in all_bodies]
        merged = self._assembler.merge(
            [message.bodies for message in all_bodies], list(zip(bases, answers, strict=True))
        )
        self.text.append(merged.text)
        self.filtered.append(merged.filtered)

    @property
    def waiting(self) -> int:
        """Answers that wait for their event."""
        return self._assembler.waiting

    def _drain(self) -> None:
        pass

    def _downstream(self) -> Ledger:
        ledger = Ledger()
        ledger.add_given(self._assembler.counters)
        for decoder in self._decoders:
            ledger.add(decoder.counters)
            ledger.in_flight += decoder.in_flight_lines
        return ledger

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Outcome:
    """All that a run gives."""

    text: bytes
    malformed: tuple[tuple[int, bytes], ...]
    """Position and what is kept of each line."""
    counters: dict[str, int] = field(default_factory=dict)
    """The ledger; it balances."""
    filtered: bytes = b""

    @property
    def events(self) -> list[bytes]:
        """The events, one a line."""
        return self.text.split(b"\n")[:-1]


def run(reads: Iterable[bytes], workers: int = 0, config: Config | None = None) -> Outcome:
    """Run a whole input, as it is read; the ledger is checked, and no answer may be left."""
    pipeline = StagePipeline(config or Config(), workers)
    for data in reads:
        pipeline.feed(data)
    pipeline.finish()
    assert pipeline.waiting == 0, "answers are left that no event has asked for"
    return outcome(pipeline)


def outcome(pipeline: StagePipeline) -> Outcome:
    """What a pipeline has given so far; the ledger is checked."""
    ledger = pipeline.ledger()
    ledger.check()
    kept = b"".join(pipeline.malformed_text).split(b"\n")[:-1]
    positions = [position for position, _ in pipeline.malformed]
    counters = {each.name: getattr(ledger, each.name) for each in fields(ledger)}
    lines = tuple(zip(positions, kept, strict=True))
    return Outcome(b"".join(pipeline.text), lines, counters, b"".join(pipeline.filtered))


def reads_of(data: bytes, size: int) -> Iterator[bytes]:
    """The pieces of `data` that reads of `size` bytes give."""
    return (data[start : start + size] for start in range(0, len(data), size))


def cuts_of(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The pieces of `data` between `places`."""
    start = 0
    for place in [*sorted(places), len(data)]:
        if place > start:
            yield data[start:place]
            start = place


def with_pipeline(config: Config | None = None, **settings: object) -> Config:
    """A configuration with other settings of its `[pipeline]` section."""
    config = config or Config()
    return replace(config, pipeline=replace(config.pipeline, **settings))  # type: ignore[arg-type]


def zero() -> Counters:
    """Counters of a worker that has seen nothing."""
    return Counters()
