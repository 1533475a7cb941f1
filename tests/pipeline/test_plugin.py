"""Plugin mode's loop; `tests/cli/test_plugin.py` runs it as auditd does."""

import os

from laurel_mp.config import Config
from laurel_mp.outputs.target import Target
from laurel_mp.pipeline.inline import InlinePipeline
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.plugin import Plugin
from tests.support.waiting import wait_until


class Refilled(InlinePipeline):
    """A pipeline that is slower than its input: after each batch there is more."""

    def __init__(self) -> None:
        super().__init__(Config(), Outputs(Target(os.devnull)), lambda _: None, live=False)
        self.fed = 0
        self.read, self.write = os.pipe()
        self.plugin = Plugin(self, self.read)

    def feed(self, data: bytes, now: float | None = None) -> None:
        """Take bytes, and see to it that there are others."""
        super().feed(data, now)
        self.fed += len(data)
        assert self.fed < 100, "it does not end"
        self.refill()

    def refill(self) -> None:
        """Have the reader read something."""
        os.write(self.write, b"x\n")
        wait_until(lambda: self.plugin._backlog.size > 0, "it is read")


def test_what_comes_behind_the_deadline_is_left() -> None:
    """An input that is faster than we are does not keep a plugin that was told to end."""
    pipeline = Refilled()
    pipeline.plugin._backlog.open()
    pipeline.plugin._reader.start()
    pipeline.refill()
    pipeline.plugin._feed_rest()

    assert pipeline.fed == 2
    os.close(pipeline.write)
    wait_until(lambda: pipeline.plugin._backlog._ended, "the reader has ended")
    os.close(pipeline.read)
    pipeline.close()
