"""The status of the kernel's audit system."""

import errno
import struct

import pytest

from laurel_mp.pipeline.daemon import netlink
from laurel_mp.pipeline.daemon.netlink import AUDIT_GET, NLMSG_ERROR, KernelStatus
from tests.support.auditd import alone
from tests.support.forked import in_child

ANSWER = struct.pack("=11I", 0, 1, 1, 77, 0, 8192, 12, 5, 127, 60000, 0)


def message(kind: int, body: bytes, sequence: int = 1) -> bytes:
    """A netlink message."""
    return struct.pack("=IHHII", 16 + len(body), kind, 0, sequence, 0) + body


def test_an_answer() -> None:
    """Of the status, what says something about losses is read; older kernels say less."""
    expected = KernelStatus(backlog_limit=8192, lost=12, backlog=5)

    assert expected == netlink.parse(message(AUDIT_GET, ANSWER), 1)
    assert expected == netlink.parse(message(AUDIT_GET, ANSWER[:32]), 1)


def test_something_else() -> None:
    """An acknowledgement, records, answers to others and scraps are no answer."""
    ok = struct.pack("=i", 0) + bytes(16)
    for data in (
        message(NLMSG_ERROR, ok),
        message(1300, b"audit(1.000:1): "),
        message(AUDIT_GET, ANSWER, 2),
        b"",
        b"short",
    ):
        assert netlink.parse(data, 1) is None


def test_a_refusal() -> None:
    """A refusal is an OSError, and so is an answer that is too short."""
    with pytest.raises(PermissionError):
        netlink.parse(message(NLMSG_ERROR, struct.pack("=i", -errno.EPERM) + bytes(16)), 1)
    with pytest.raises(OSError, match="Protocol error"):
        netlink.parse(message(AUDIT_GET, ANSWER[:28]), 1)


@pytest.mark.usefixtures("requires_auditd")
def test_the_real_kernel() -> None:
    """Root gets an answer; a process without the capability gets none."""

    def as_nobody() -> str:
        import os

        os.setresuid(65534, 65534, 65534)
        try:
            netlink.ask()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return "an answer"

    with alone():
        assert netlink.ask().backlog_limit > 0
        assert in_child(as_nobody) == "EPERM"
