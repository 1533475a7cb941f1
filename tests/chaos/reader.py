"""Readers of an output that come and go: `reader.py DIRECTORY SECONDS BYTES [SOCKET PAUSE]`.

Each reads for so long, or so much, whichever comes first. As a program behind a pipe it then ends
by itself; as a server of a unix socket it closes and comes back after a pause, until it is ended.
Whatever it has read is in a file of its own, one for each time: nothing is lost on its side. Runs
without the project's packages, so that it starts fast.
"""

import contextlib
import os
import select
import socket
import sys
import time
from pathlib import Path


def main() -> None:
    """Reads as the arguments say."""
    directory, seconds, size, *server = sys.argv[1:]
    if not server:
        copy(0, directory, float(seconds), int(size))
        return
    path, pause = server
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)
            connection, _ = listener.accept()
        Path(path).unlink()
        with connection:
            copy(connection.fileno(), directory, float(seconds), int(size))
        time.sleep(float(pause))


def copy(fd: int, directory: str, seconds: float, size: int) -> None:
    """Reads for so long, or so much, or to the end of file, into a new file."""
    name = Path(directory) / f"{time.time_ns():020}"
    deadline = time.monotonic() + seconds
    with name.open("wb", buffering=0) as file, contextlib.suppress(ConnectionResetError):
        while size > 0 and (left := deadline - time.monotonic()) > 0:
            if select.select([fd], [], [], left)[0]:
                data = os.read(fd, min(16384, size))
                if not data:
                    return
                file.write(data)
                size -= len(data)


if __name__ == "__main__":
    main()
