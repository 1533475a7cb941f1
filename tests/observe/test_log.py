"""Messages for the administrator go where he finds them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, sys
from laurel_mp.observe import log
log.SYSLOG = sys.argv[1]
log.start_logging()
logging.getLogger("x").info("hello %s", "there")
"""


def run(syslog: Path, stderr: int) -> bytes:
    """Say something with another syslog and stderr; return what stderr got."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, syslog],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        check=True,
        timeout=60,
    )
    return done.stderr or b""


def test_stderr(tmp_path: Path) -> None:
    """Messages go to stderr, if that leads somewhere."""
    assert run(tmp_path / "log", subprocess.PIPE) == b"laurel-mp: hello there\n"


def test_syslog() -> None:
    """Where stderr is /dev/null, as auditd sets it up, they go to syslog."""
    path = Path(f"/tmp/laurel-mp-test-{os.getpid()}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        try:
            run(path, subprocess.DEVNULL)
            message = listener.recv(1000)
        finally:
            path.unlink()

    assert message.startswith(b"<30>laurel-mp[")  # daemon.info
    assert message.rstrip(b"\0").endswith(b"]: hello there")


def test_no_syslog(tmp_path: Path) -> None:
    """Without a syslog there is nobody to tell, and nothing fails."""
    run(tmp_path / "missing", subprocess.DEVNULL)
