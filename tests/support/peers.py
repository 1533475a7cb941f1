"""Programs that stand in for LAUREL: a shell script each, with its command line."""

from pathlib import Path

EOE_PEER = r"""#!/bin/sh
# LAUREL's command line: -c FILE. A line of output for each end of an event.
[ "$1" = --version ] && { echo "peer 7.8.9"; exit; }
directory=$(sed -n 's/^directory = "\(.*\)"/\1/p' "$2")
exec sed -un 's/^type=EOE msg=audit(\(.*\)):.*/{"ID":"\1"}/p' > "$directory/audit.log"
"""


def peer_program(directory: Path, text: str = EOE_PEER) -> Path:
    """Make such a program."""
    path = directory / "peer"
    path.write_text(text)
    path.chmod(0o755)
    return path


def events(number: int) -> bytes:
    """So many events of two records each."""
    return b"".join(
        b"type=SYSCALL msg=audit(100.500:%d): arch=c000003e syscall=59 success=yes exit=0 items=0"
        b' ppid=1 pid=400 auid=0 uid=0 comm="sh" exe="/bin/sh" key=(null)\n'
        b"type=EOE msg=audit(100.500:%d): \n" % (serial, serial)
        for serial in range(1, number + 1)
    )
