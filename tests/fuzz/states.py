"""Targets `states` and `snapshots`: what a former run has left, damaged in any way.

Whatever it is, it is refused by the errors that are for that, or it works.
"""

from __future__ import annotations

import functools
import math
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgpack

from laurel_mp.config import Config
from laurel_mp.errors import LaurelError, SnapshotError
from laurel_mp.outputs.journal import Journal
from laurel_mp.outputs.unwritten import Pending
from laurel_mp.pipeline.daemon import state_file
from laurel_mp.pipeline.daemon.state_file import BadStateError
from laurel_mp.pipeline.intake.pieces import pieces_of_plain
from laurel_mp.pipeline.runner.batches import FINAL
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.pipeline.supervisor import checkpoint_schedule
from laurel_mp.pipeline.supervisor.hooks import Hooks
from laurel_mp.pipeline.supervisor.pipeline import Pipeline
from laurel_mp.pipeline.supervisor.recovery_point import FormerRun
from laurel_mp.stages import tracker
from laurel_mp.stages.packing import check
from laurel_mp.stages.router import Router, RouterState
from laurel_mp.stages.snapshots import check_together, redistribute
from tests.fuzz import packed, seeds
from tests.fuzz.packed import Node
from tests.fuzz.streams import HEAD, plan_of
from tests.fuzz.target import Target
from tests.support.failing_runner import Written, failing_runners
from tests.support.pipelines import Stages, cuts_of, with_pipeline
from tests.support.stream import Stream

BAD = (LaurelError, KeyError, ValueError, TypeError, IndexError)
"""Exceptions by which the plugin refuses an invalid state."""

LONGEST = 40_000


def check_state(data: bytes) -> None:
    """Starts from a state file as a plugin does, and feeds more input."""
    config, file = _config(data[:HEAD]), data[HEAD:]
    try:
        state = state_file.unpack(file, math.inf).state
    except BadStateError:
        return
    pipeline = a_pipeline(config)
    try:
        rest = pieces_of_plain(state.get("rest", []))
        if state.get("unwritten") is not None:
            _restore_journal(Pending.of_plain(state["unwritten"]))
        former = FormerRun.of_plain(state, config)
        former.drop_written(lambda keys: {key for key in keys if zlib.crc32(key) % 2})
    except BAD:
        return
    former.ledger(config)
    pipeline.start(former, is_restart=True)
    now = max([0.0, *[piece.arrival for piece in rest]])
    for piece in rest:
        pipeline.feed(piece.data, now)
    pipeline.end_of_line(now)
    pipeline.feed(_more(), now)
    pipeline.step()
    msgpack.packb(pipeline.save(all_of_it=True))
    pipeline.finish(now)
    assert pipeline.finished
    assert not pipeline.statistics().recoveries


def check_snapshots(data: bytes) -> None:
    """Snapshots that are found to be good restore stages, of any number, that work."""
    plan = plan_of(data[:HEAD])
    try:
        router, decoders, of_tracker, assembler = msgpack.unpackb(data[HEAD:])
        check(router, RouterState)
        check_together(decoders, assembler)
        tracker.check_snapshot(of_tracker)
    except SnapshotError:
        return
    except (ValueError, TypeError, msgpack.UnpackException):
        if _is_of_kind(data[HEAD:]):
            raise
        return
    stages = Stages(plan.config, plan.workers)
    found = redistribute(decoders, assembler, plan.workers)
    for decoder, snapshot in zip(stages.decoders, found.decoders, strict=True):
        decoder.restore(snapshot)
    stages.assembler.restore(found.assembler)
    stages.tracker.restore(of_tracker)
    routing = Router(plan.workers)
    routing.restore(router)
    now = 1.0 if plan.is_live else None
    position = 1 << 40
    for flags in (0, FINAL):
        batch = routing.route(_more(), position, now=now, final=bool(flags))
        stages.run(1, flags, batch.shares, b"")
        position += len(_more())
    assert stages.assembler.waiting == 0
    assert not sum(decoder.in_flight_lines for decoder in stages.decoders)


def _is_of_kind(data: bytes) -> bool:
    """True for four items of bytes: only then errors are those of checks."""
    try:
        found = packed.unpacked(data)
    except ValueError:
        return False
    match found:
        case [bytes(), list(decoders), bytes(), bytes()]:
            return all(type(each) is bytes for each in decoders)
    return False


def _config(head: bytes) -> Config:
    plan = plan_of(head)
    return with_pipeline(plan.config, workers=plan.workers - 1)


def a_pipeline(config: Config) -> Pipeline:
    """One whose stages are in this process, and which never gives up."""
    outputs = Outputs.of_command(replace(config, filter=Config().filter), "-")
    return Pipeline(
        config, outputs, failing_runners(Written(), lambda _: ""), Hooks(), patient=True
    )


def _restore_journal(left: Pending) -> None:
    journal = Journal.create()
    try:
        Outputs(()).restore(journal, left)
        Outputs(()).unwritten(journal)
    finally:
        journal.close()


# --- real ones


@functools.cache
def _more() -> bytes:
    """Input behind the restart."""
    return seeds.events()[0] + _story()


def _story() -> bytes:
    stream = Stream()
    stream.open(6, 5, "/bin/sh")
    stream.execute(6, 5, "/bin/bash", "bash", "-c", key="exec", script="/s")
    stream.leave(5, 1, "/bin/bash")
    return stream.text()


@functools.cache
def _saved() -> tuple[tuple[bytes, dict[str, Any]], ...]:
    """Heads, and states of runs that were stopped."""
    chance = random.Random(2)
    former, checkpoint_schedule.CHECKPOINT_SECONDS = checkpoint_schedule.CHECKPOINT_SECONDS, -1.0
    try:
        return tuple(_save(number, chance) for number in range(64))
    finally:
        checkpoint_schedule.CHECKPOINT_SECONDS = former


def _save(number: int, chance: random.Random) -> tuple[bytes, dict[str, Any]]:
    """One that has checkpoints, input behind the last of them, and input that was not fed."""
    head = bytes([number, number // 4, 3 if number % 8 == 7 else 1, 0, number])
    events = chance.sample(seeds.events(1500), 2)
    stream = b"".join(events) + _story()
    if number % 8 == 7:
        stream = b"x" * 3000 + b"\n" + stream
    places = [chance.randrange(len(stream)) for _ in range(5)]
    pieces = list(cuts_of(stream, places))
    pipeline = a_pipeline(_config(head))
    pipeline.start()
    for index, piece in enumerate(pieces[:-1]):
        pipeline.feed(piece, 1.0 + index)
        if index < number % 5:
            pipeline.step()
    pipeline.stop()
    state = pipeline.save(all_of_it=number % 4 != 3)
    if "batches" in state:
        state["unwritten"] = [state["next"] - (1 << 20), {"events": [b"a\nb\n", 1]}]
        state["rest"] = [[pieces[-1], 9.0]]
    return head, state


def _file(content: bytes, boot: bytes = bytes(16)) -> bytes:
    frame = state_file.FRAME.pack(
        state_file.MAGIC, state_file.VERSION, boot, 1.7e9, 100.0, len(content)
    )
    return frame + state_file.CRC.pack(zlib.crc32(content, zlib.crc32(frame))) + content


def _state_seeds() -> Iterator[bytes]:
    for head, state in _saved():
        yield head + _file(msgpack.packb(state))


def _snapshot_seeds() -> Iterator[bytes]:
    for head, state in _saved():
        if state["checkpoint"] is not None:
            _, _, router, _, (decoders, of_tracker, assembler), _ = state["checkpoint"]
            yield head + msgpack.packb([router, decoders, of_tracker, assembler])


def _mutate_state(data: bytes, chance: random.Random) -> bytes:
    return _head(data, chance) + _file(_changed(data[HEAD + state_file.START :], chance))


def _mutate_snapshots(data: bytes, chance: random.Random) -> bytes:
    return _head(data, chance) + _changed(data[HEAD:], chance)


def _head(data: bytes, chance: random.Random) -> bytes:
    head = data[:HEAD].ljust(HEAD, b"\0")
    if chance.random() < 0.1:
        place = chance.randrange(HEAD)
        head = head[:place] + bytes([chance.randrange(256)]) + head[place + 1 :]
    return head


def _changed(content: bytes, chance: random.Random) -> bytes:
    try:
        tree = packed.take_apart(packed.unpacked(content))
        if isinstance(tree, Node):
            return packed.put_together(packed.change(tree, chance))
    except (ValueError, RecursionError, struct.error):
        pass
    place = chance.randint(0, len(content))
    return content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :]


STATES = Target("states", check_state, _state_seeds, _mutate_state, LONGEST)
SNAPSHOTS = Target("snapshots", check_snapshots, _snapshot_seeds, _mutate_snapshots, LONGEST)
