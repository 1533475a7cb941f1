"""Asks a running daemon for its status."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.observe.document import MAX_BYTES
from laurel_mp.system.listeners import connect

TIMEOUT = 2.0
"""Seconds that the daemon has for each part of its answer."""


class StatusError(LaurelError):
    """The status is not available: no daemon runs, or access is denied."""


def ask(path: Path) -> bytes:
    """Returns the status document from a socket. Raises StatusError."""
    try:
        with connect(path, TIMEOUT) as connection:
            return _read(connection)
    except FileNotFoundError:
        raise StatusError(f"no laurel-mp runs: there is no {path}") from None
    except ConnectionRefusedError:
        raise StatusError(f"no laurel-mp runs: no answer at {path}") from None
    except PermissionError:
        raise StatusError(
            f"{path}: permission denied: only root and the user that laurel-mp runs as may ask"
        ) from None
    except (TimeoutError, BlockingIOError):
        raise StatusError(f"{path}: no answer within {TIMEOUT:g} s") from None
    except OSError as error:
        raise StatusError(f"{path}: {error.strerror or os.strerror(error.errno or 0)}") from None


def _read(connection: socket.socket) -> bytes:
    found = bytearray()
    while data := connection.recv(1 << 16):
        found += data
        if len(found) > MAX_BYTES:
            raise StatusError("the answer has no end")
    return bytes(found)
