"""The output is complete although stage runners fail and are replaced."""

import json
import logging
import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laurel_mp.config import Config
from laurel_mp.config.schema import Loss
from laurel_mp.errors import PipelineError
from laurel_mp.pipeline.daemon.loss_report import Missing
from laurel_mp.pipeline.runner.batches import SPAN, Batch
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor import checkpoint_schedule, recovery
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.poison import FILE
from tests.support.corpus import corpus_bytes, corpus_files
from tests.support.failing_runner import Fails, Written, failing_runners
from tests.support.pipelines import cuts_of, reads_of, run, with_pipeline
from tests.support.streams import eoe, event

CONCURRENT = next(path for path in corpus_files() if "concurrent" in path.name)


def never(_lines: bytes) -> str:
    """Nothing fails."""
    return ""


def at_random(seed: int, times: int) -> Fails:
    """So many failures, before a batch is written or behind that; over none of them three times."""
    generator = random.Random(seed)
    failed: Counter[bytes] = Counter()

    def fails(lines: bytes) -> str:
        if failed.total() == times or failed[lines] == 2 or generator.random() < 0.7:
            return ""
        failed[lines] += 1
        return generator.choice(["before", "behind"])

    return fails


def over(marker: bytes) -> Fails:
    """Lines with a marker are deadly."""
    return lambda lines: "before" if marker in lines else ""


def a_pipeline(
    written: Written, fails: Fails, config: Config, hooks: Hooks | None = None
) -> Pipeline:
    """A pipeline that does not give up."""
    outputs = Outputs.of_command(config, "-")
    made = Pipeline(
        config, outputs, failing_runners(written, fails), hooks or Hooks(), patient=True
    )
    made.start()
    return made


@pytest.fixture
def checkpoints_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch may have a barrier, and there is no pause before a restart."""
    monkeypatch.setattr(checkpoint_schedule, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(recovery, "LONGEST_PAUSE", 0.0)


@pytest.mark.usefixtures("checkpoints_often")
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), counts=st.lists(st.sampled_from([0, 1, 2, 4]), max_size=4))
def test_output_is_that_of_an_undisturbed_run(seed: int, counts: list[int]) -> None:
    """Stage runners fail anywhere, and reloads change the number of workers."""
    stream = corpus_bytes(CONCURRENT)[:200_000]
    places = random.Random(seed).sample(range(len(stream)), 30)
    config = with_pipeline(workers=1)
    expected = run([stream], config=config)
    written = Written()
    pipeline = a_pipeline(written, at_random(seed, 25), config)
    for number, read in enumerate(cuts_of(stream, places)):
        pipeline.feed(read)
        if number % 7 == 3 and counts:
            changed = with_pipeline(workers=counts.pop())
            pipeline.reload(changed, Outputs.of_command(changed, "-"))
    pipeline.finish()

    assert expected.text == b"".join(written.text)
    ledger = pipeline.ledger()
    ledger.check()
    assert (ledger.lines, ledger.written) == (
        expected.counters["lines"],
        expected.counters["written"],
    )


@pytest.mark.usefixtures("checkpoints_often")
@pytest.mark.parametrize("size", [300, 5_000, 1 << 20])
def test_a_deadly_line_is_found(
    size: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines over which processes die are set aside with their event; all others are written."""
    events = [event(serial) for serial in range(10, 60)]
    deadly = event(30).replace(b"syscall=", b"deadly=", 1)
    stream = eoe(1) + b"".join([*events[:20], deadly, *events[21:]])
    config = replace(with_pipeline(workers=2), directory=str(tmp_path))
    written = Written()
    pipeline = a_pipeline(written, over(b"deadly="), config)
    with caplog.at_level(logging.ERROR):
        for read in reads_of(stream, size):
            pipeline.feed(read)
        pipeline.finish()

    expected = run([eoe(1) + b"".join([*events[:20], *events[21:]])])
    assert expected.text == b"".join(written.text)
    assert deadly.splitlines() == b"".join(written.malformed).splitlines()
    assert deadly == (tmp_path / FILE).read_bytes()
    assert "line set aside, processes died over it" in caplog.text
    pipeline.ledger().check()
    assert pipeline.ledger().malformed == deadly.count(b"\n")


@pytest.mark.usefixtures("checkpoints_often")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), workers=st.sampled_from([0, 1, 3]))
def test_losses_are_told_once(seed: int, workers: int) -> None:
    """Stage runners fail anywhere; missing events are counted once, and notes are written once."""
    generator = random.Random(seed)
    kept = [serial for serial in range(100, 400) if serial % 50 == 0 or generator.random() > 0.1]
    reads = [
        b"".join([event(serial) for serial in kept[start : start + 20]])
        for start in range(0, len(kept), 20)
    ]
    written = Written()
    config = replace(
        with_pipeline(workers=workers), loss=Loss(records="always", window=1.0, interval=3.0)
    )
    told = Missing()
    pipeline = a_pipeline(written, at_random(seed, 25), config, Hooks(losses=told.add))
    for number, read in enumerate(reads):
        pipeline.feed(read, float(number))
        if number % 5 == 2:
            pipeline.note([b'{"ID":"1.000:%d","LAUREL_MP":{}}' % number], float(number))
    for second in range(len(reads), len(reads) + 5):
        pipeline.tick(float(second))
    pipeline.finish(float(len(reads) + 5))

    output = [json.loads(line) for line in b"".join(written.text).splitlines()]
    records = [line["LAUREL_MP"] for line in output if "LAUREL_MP" in line]
    missing = kept[-1] - kept[0] + 1 - len(kept)
    assert told.events == missing
    assert sum(record.get("count", 0) for record in records) == missing
    assert records.count({}) == len(range(2, len(reads), 5))
    ledger = pipeline.ledger()
    ledger.check()
    assert (ledger.written, ledger.loss_lines) == (len(kept), len(records))
    assert not pipeline.awaits_clock


@pytest.mark.usefixtures("checkpoints_often")
def test_offline_gives_up() -> None:
    """A command whose processes fail whatever they are given ends with an error."""
    config = with_pipeline(workers=1)
    outputs = Outputs.of_command(config, "-")
    made = failing_runners(Written(), lambda _lines: "before")
    pipeline = Pipeline(config, outputs, made, Hooks())
    pipeline.start()

    with pytest.raises(PipelineError, match="it fails"):
        pipeline.finish()


@given(
    lines=st.lists(st.binary(max_size=5).map(lambda x: x.replace(b"\n", b"")), min_size=2),
    data=st.data(),
)
def test_divided(lines: list[bytes], data: st.DataObject) -> None:
    """However often batches are divided, the parts are the whole, and their numbers rise."""
    text = b"".join([line + b"\n" for line in lines])
    parts = [Batch(SPAN, 7, text, 1.0, 5)]
    while divisible := [part for part in parts if part.is_divisible]:
        part = data.draw(st.sampled_from(divisible))
        at = parts.index(part)
        parts[at : at + 1] = part.divide(part.middle())

    assert text == b"".join([part.lines for part in parts])
    assert [part.lines.count(b"\n") for part in parts] == [1] * len(lines)
    assert [part.flags for part in parts] == [0] * (len(parts) - 1) + [5]
    for one, other in pairwise(parts):
        assert one.last_number + 1 == other.number
        assert one.position + len(one.lines) == other.position
    assert parts[-1].last_number == 2 * SPAN - 1
