"""The state file of auditd."""

import os
from pathlib import Path

from laurel_mp.pipeline.daemon.auditd_state import AuditdState

TEXT = """audit version = 3.0.9
current plugin queue depth = 0
plugin queue size = 20000
plugin queue overflow detected = {}
plugin queueing suspended = no
"""


def write(path: Path, says: str, when: int) -> None:
    """Write it in place, as auditd does."""
    path.write_text(TEXT.format(says))
    os.utime(path, (when, when))


def test_an_overflow(tmp_path: Path) -> None:
    """The first time that the file says so counts; what it said before does not again."""
    path = tmp_path / "auditd.state"
    state = AuditdState([tmp_path / "none", path])
    assert not state.overflowed()
    write(path, "no", 1)
    assert not state.overflowed()
    write(path, "yes", 2)
    assert state.overflowed()
    assert not state.overflowed()
    write(path, "yes", 3)
    assert not state.overflowed()


def test_another_auditd(tmp_path: Path) -> None:
    """Auditd makes a new file each time it is started."""
    path = tmp_path / "auditd.state"
    state = AuditdState([path])
    write(path, "yes", 1)
    assert state.overflowed()
    write(tmp_path / "other", "yes", 2)
    (tmp_path / "other").rename(path)
    assert state.overflowed()


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that is no file, or a link, is nothing."""
    path = tmp_path / "auditd.state"
    os.mkfifo(tmp_path / "fifo")
    write(tmp_path / "real", "yes", 1)
    path.symlink_to(tmp_path / "real")

    assert not AuditdState([path]).overflowed()
    assert not AuditdState([tmp_path / "fifo"]).overflowed()
