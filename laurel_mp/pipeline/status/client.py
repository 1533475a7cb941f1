"""Asking a daemon that runs how it goes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from laurel_mp.errors import LaurelError
from laurel_mp.observe.document import MAX_BYTES
from laurel_mp.system.listeners import connect

PATIENCE = 2.0
"""Seconds that the daemon has for each part of its answer."""


class StatusError(LaurelError):
    """There is no status to be had: seen when no daemon runs, or it may not be asked."""


def ask(path: Path) -> bytes:
    """The document that the daemon gives at a socket. Raises StatusError."""
    try:
        with connect(path, PATIENCE) as connection:
            return _read(connection)
    except FileNotFoundError:
        raise StatusError(f"no laurel-mp runs: there is no {path}") from None
    except ConnectionRefusedError:
        raise StatusError(f"no laurel-mp runs: nobody answers at {path}") from None
    except PermissionError:
        raise StatusError(
            f"{path}: permission denied: only root and the user that laurel-mp runs as may ask"
        ) from None
    except (TimeoutError, BlockingIOError):
        raise StatusError(f"{path}: no answer within {PATIENCE:g} s") from None
    except OSError as error:
        raise StatusError(f"{path}: {error.strerror or os.strerror(error.errno or 0)}") from None


def _read(connection: socket.socket) -> bytes:
    found = bytearray()
    while data := connection.recv(1 << 16):
        found += data
        if len(found) > MAX_BYTES:
            raise StatusError("the answer has no end")
    return bytes(found)
