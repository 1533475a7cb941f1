"""The sockets of a pipeline: who binds, who connects, what is kept.

| endpoint    | bound by | type | connected by             |
| ----------- | -------- | ---- | ------------------------ |
| `worker-K`  | ingest   | PUSH | worker K (PULL)          |
| `tracker`   | tracker  | PULL | workers (PUSH)           |
| `writer`    | writer   | PULL | workers, tracker (PUSH)  |
| `reports`   | ingest   | PULL | all children (PUSH)      |

All are `ipc://` paths in a directory of mode 0700: never the network, and never the abstract
namespace, which has no permissions. No socket has a high-water mark: the window of bytes that
ingest keeps unacknowledged bounds what is under way in all of them together. A socket that
connects takes messages at once; one that is bound, only while its peer is there.
"""

from __future__ import annotations

from pathlib import Path

import zmq

LINGER_MS = 2000  # a last message must get out, but a peer that is gone must not hold us up
RECONNECT_MS = 5  # whoever binds may start later than who connects


class Endpoints:
    """Makes the sockets of one process, which must be the process that uses them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._context = zmq.Context()

    def bind(self, kind: int, name: str) -> zmq.Socket[bytes]:
        """A socket that others connect to."""
        socket = self._socket(kind)
        socket.bind(self._address(name))
        return socket

    def connect(self, kind: int, name: str) -> zmq.Socket[bytes]:
        """A socket connected to what another process binds, now or soon."""
        socket = self._socket(kind)
        socket.connect(self._address(name))
        return socket

    def close(self, linger_ms: int = LINGER_MS) -> None:
        """Closes all sockets; waits so long for messages under way."""
        self._context.destroy(linger=linger_ms)

    def _address(self, name: str) -> str:
        return f"ipc://{self._directory}/{name}"

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        return socket
