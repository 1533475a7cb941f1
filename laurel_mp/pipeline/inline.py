"""All stages in one process, called one after another: `workers = 0`."""

from __future__ import annotations

import time
from contextlib import ExitStack

from laurel_mp.config import Config
from laurel_mp.pipeline import options
from laurel_mp.pipeline.ledger import Ledger
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.pipeline import OnMalformed, Pipeline
from laurel_mp.pipeline.system import open_system
from laurel_mp.stages.router import Batch


class InlinePipeline(Pipeline):
    """A pipeline without other processes."""

    def __init__(
        self, config: Config, outputs: Outputs, on_malformed: OnMalformed, *, live: bool
    ) -> None:
        super().__init__(config, 0, on_malformed)
        self._stack = ExitStack()
        system = self._stack.enter_context(open_system(config, live=live))
        self._names = system.names if system is not None else None
        self._decoder = options.decoder(config, system)
        self._tracker = options.tracker(config, system)
        self._assembler = options.assembler(config, 0)
        self._batch = 0
        self._outputs = self._stack.enter_context(outputs.open())

    def _send(self, batch: Batch, size: int, malformed: bytes) -> None:  # noqa: ARG002
        (share,) = batch.shares
        if self._names is not None and self._names.refresh(time.monotonic()):
            self._decoder.forget()
        bodies, rows = self._decoder.decode(share)
        (annotations,) = self._tracker.apply([rows])
        merged = self._assembler.merge([bodies], [(rows.base, annotations)])
        self._outputs.write(self._batch, merged, malformed)
        self._batch += 1

    def _drain(self) -> None:
        """Nothing is ever left behind."""

    def _downstream(self) -> Ledger:
        ledger = Ledger()
        ledger.add(self._decoder.counters)
        ledger.add_given(self._assembler.counters)
        ledger.in_flight = self._decoder.in_flight_lines
        return ledger

    def close(self) -> None:
        """Closes the outputs."""
        self._stack.close()
