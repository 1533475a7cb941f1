"""The stages as a pipeline, with any number of workers but without processes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace

from laurel_mp.config import Config
from laurel_mp.events.reassembly.decoder_counters import DecoderCounters
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.pipeline.runner import stage_options, wire
from laurel_mp.pipeline.runner.batches import FINAL
from laurel_mp.pipeline.supervisor.feed import Chunk, LineCutter, shown
from laurel_mp.pipeline.supervisor.ledger import Ledger
from laurel_mp.stages.router import Malformed
from laurel_mp.stages.stage_messages import Merged, Share


class Stages:
    """All stages behind the router in this process, connected by messages as processes are."""

    def __init__(self, config: Config, workers: int, system: System | None = None) -> None:
        self.decoders = [stage_options.decoder(config, system) for _ in range(max(workers, 1))]
        self.tracker = stage_options.tracker(config, system)
        self.assembler = stage_options.assembler(config, workers)

    def run(self, number: int, flags: int, shares: list[Share], malformed: bytes) -> Merged:
        """Runs a batch through all stages."""
        all_queries, all_bodies = [], []
        for worker, (decoder, share) in enumerate(zip(self.decoders, shares, strict=True)):
            sent = wire.ShareMessage(number, flags, share, malformed)
            received = wire.decode_share(wire.encode_share(sent))
            bodies, queries = decoder.decode(received.share)
            of_queries = wire.QueriesMessage(number, worker, flags, queries)
            all_queries.append(wire.decode_queries(wire.encode_queries(of_queries)).queries)
            of_bodies = wire.BodiesMessage(
                number,
                worker,
                flags,
                queries.base,
                decoder.counters,
                decoder.in_flight_lines,
                bodies,
                malformed,
            )
            all_bodies.append(wire.decode_bodies(wire.encode_bodies(of_bodies)))
        of_tracker = wire.AnnotationsMessage(number, self.tracker.apply(all_queries))
        answers = wire.decode_annotations(wire.encode_annotations(of_tracker)).annotations
        bases = [message.base for message in all_bodies]
        return self.assembler.merge(
            [message.bodies for message in all_bodies], list(zip(bases, answers, strict=True))
        )

    def add_to(self, ledger: Ledger) -> None:
        """Adds what was counted."""
        ledger.add_given(self.assembler.counters)
        for decoder in self.decoders:
            ledger.add(decoder.counters)
            ledger.in_flight += decoder.in_flight_lines


class StagePipeline:
    """A pipeline without failures: the stages, one after another."""

    def __init__(self, config: Config, workers: int, system: System | None = None) -> None:
        self.config = config
        self.malformed: list[Malformed] = []
        self.malformed_text: list[bytes] = []
        self.text: list[bytes] = []
        self.filtered: list[bytes] = []
        self.batches = 0
        self._router = stage_options.router(config, workers)
        self._cutter = LineCutter(config.pipeline.max_line_bytes)
        self._overlong = 0
        self._stages = Stages(config, workers, system)
        self._decoders = self._stages.decoders
        self._tracker = self._stages.tracker
        self._assembler = self._stages.assembler

    def feed(self, data: bytes, now: float | None = None) -> None:
        """Take bytes as they came."""
        chunk = self._cutter.cut(data)
        if chunk is not None or self._cutter.overlong:
            self._feed(chunk or Chunk(self._cutter.position, b""), now)

    def end_of_line(self) -> None:
        """A line that was not ended, ends here."""
        chunk = self._cutter.finish()
        if chunk.lines:
            self._feed(chunk, None)

    def tick(self, now: float) -> None:
        """Let time-outs happen."""
        self._feed(Chunk(self._cutter.position, b""), now)

    def finish(self, now: float | None = None) -> None:
        """The input has ended."""
        self._feed(self._cutter.finish(), now, final=True)

    def _feed(self, chunk: Chunk, now: float | None, *, final: bool = False) -> None:
        batch = self._router.route(chunk.lines, chunk.position, now=now, final=final)
        skipped = [Malformed(*line) for line in self._cutter.overlong]
        self._cutter.overlong.clear()
        self._overlong += len(skipped)
        malformed = sorted([*batch.malformed, *skipped])
        self.malformed += malformed
        most = self.config.pipeline.max_line_bytes
        text = b"".join([shown(line.line, most) + b"\n" for line in malformed])
        self.malformed_text.append(text)
        merged = self._stages.run(self.batches, FINAL if final else 0, batch.shares, text)
        self.batches += 1
        self.text.append(merged.text)
        self.filtered.append(merged.filtered)

    @property
    def waiting(self) -> int:
        """Answers that wait for their event."""
        return self._assembler.waiting

    @property
    def in_flight(self) -> int:
        """Lines of events that are not complete."""
        return self.ledger().in_flight

    def ledger(self) -> Ledger:
        """The counters."""
        ledger = Ledger()
        self._stages.add_to(ledger)
        ledger.lines = self._router.counters.lines + self._overlong
        ledger.malformed = self._router.counters.malformed + self._overlong
        return ledger


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
    """Output of a pipeline so far; the ledger is checked."""
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


def zero() -> DecoderCounters:
    """Counters of a worker that has seen nothing."""
    return DecoderCounters()
