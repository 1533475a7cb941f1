"""The start of offline commands."""

import os

from laurel_mp.pipeline.supervisor.start import use_batch_scheduling
from tests.support.forked import in_child


def test_offline_commands_are_batch_jobs() -> None:
    """They run as SCHED_BATCH."""

    def policy() -> int:
        use_batch_scheduling()
        return os.sched_getscheduler(0)

    assert in_child(policy) == os.SCHED_BATCH
