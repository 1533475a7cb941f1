"""How offline commands start."""

import os

from laurel_mp.pipeline.supervisor.start import use_batch_scheduling
from tests.support.forked import in_child


def test_offline_commands_are_batch_jobs() -> None:
    """The kernel knows that nobody waits for a single batch of theirs."""

    def policy() -> int:
        use_batch_scheduling()
        return os.sched_getscheduler(0)

    assert in_child(policy) == os.SCHED_BATCH
