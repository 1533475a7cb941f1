"""Pipelines that are stopped between two batches, and go on as others from their snapshots."""

from collections.abc import Iterable, Mapping

from laurel_mp.config import Config
from laurel_mp.pipeline.host.host_access import System
from laurel_mp.stages.snapshots import redistribute
from tests.support.pipelines import Outcome, StagePipeline, outcome


def renewed(
    pipeline: StagePipeline,
    workers: int,
    config: Config | None = None,
    system: System | None = None,
) -> StagePipeline:
    """Another pipeline that continues where this one stopped, perhaps with other settings."""
    other = StagePipeline(config or pipeline.config, workers, system)
    decoding = redistribute(
        [decoder.snapshot() for decoder in pipeline._decoders],
        pipeline._assembler.snapshot(),
        workers,
    )
    for decoder, snapshot in zip(other._decoders, decoding.decoders, strict=True):
        decoder.restore(snapshot)
    other._assembler.restore(decoding.assembler)
    other._tracker.restore(pipeline._tracker.snapshot())
    other._router.restore(pipeline._router.snapshot())
    other._cutter.restore(pipeline._cutter.snapshot())
    other._overlong = pipeline._overlong
    other.batches = pipeline.batches
    other.text, other.filtered = pipeline.text, pipeline.filtered
    other.malformed[:] = pipeline.malformed
    other.malformed_text = pipeline.malformed_text
    return other


def run_renewed(
    reads: Iterable[bytes],
    workers: int,
    renewals: Mapping[int, int],
    config: Config | None = None,
) -> Outcome:
    """Run a whole input.

    Before the read of a number in `renewals`, the pipeline is renewed with as many workers as
    stands there. After each read there is a snapshot without a use.
    """
    pipeline = StagePipeline(config or Config(), workers)
    for number, data in enumerate(reads):
        if number in renewals:
            pipeline = renewed(pipeline, renewals[number])
        pipeline.feed(data)
        pipeline._tracker.snapshot()
    pipeline.finish()
    assert pipeline.waiting == 0, "answers are left that no event has asked for"
    return outcome(pipeline)
