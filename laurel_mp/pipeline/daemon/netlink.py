"""Reads the status of the kernel's audit system: AUDIT_GET over netlink, like `auditctl -s`.

The sender needs CAP_AUDIT_CONTROL in the initial namespaces [kernel: audit_netlink_ok()].
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import NamedTuple

AUDIT_GET = 1000  # <linux/audit.h>
NETLINK_AUDIT = 9  # <linux/netlink.h>
NLM_F_REQUEST = 1
NLMSG_ERROR = 2

_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, sender
_WORD = struct.Struct("=I")

SECONDS = 2.0
"""Time limit for the answer, which the kernel gives at once."""

MAX_MESSAGE = 8192


class KernelStatus(NamedTuple):
    """Fields of `struct audit_status` that show losses."""

    backlog_limit: int
    lost: int
    """Records that were dropped since the boot, or since the counter was reset."""
    backlog: int
    """Records that wait for auditd."""


def ask(sequence: int = 1) -> KernelStatus:
    """Returns the status; raises OSError with the kernel's error, or ETIMEDOUT."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT) as netlink:
        netlink.settimeout(SECONDS)
        netlink.bind((0, 0))
        netlink.sendto(_HEADER.pack(_HEADER.size, AUDIT_GET, NLM_F_REQUEST, sequence, 0), (0, 0))
        while True:
            data, (sender, _) = netlink.recvfrom(MAX_MESSAGE)
            if sender != 0:  # any process may send to any netlink socket
                continue
            found = parse(data, sequence)
            if found is not None:
                return found


def parse(data: bytes, sequence: int) -> KernelStatus | None:
    """Returns the status in a message; None for another message. Raises OSError for a refusal."""
    if len(data) < _HEADER.size:
        return None
    _, kind, _, number, _ = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if number != sequence:
        return None
    if kind == NLMSG_ERROR and len(body) >= _WORD.size:
        refused = -struct.unpack_from("=i", body)[0]
        if refused:
            raise OSError(refused, os.strerror(refused))
        return None
    if kind != AUDIT_GET:
        return None
    # mask, enabled, failure, pid, rate_limit, backlog_limit, lost, backlog; newer kernels have more
    if len(body) < 8 * _WORD.size:
        raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
    *_, limit, lost, backlog = struct.unpack_from("=8I", body)
    return KernelStatus(limit, lost, backlog)
