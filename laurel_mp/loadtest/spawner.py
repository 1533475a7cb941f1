"""Runs a program so many times a second: `python -m laurel_mp.loadtest.spawner PROGRAM RATE SECONDS`."""

from __future__ import annotations

import os
import sys
import time


def spawn(program: str, rate: float, seconds: float) -> int:
    """Runs it for so long, each one to its end; how many there were."""
    start = time.monotonic()
    number = 0
    while number < rate * seconds:
        time.sleep(max(start + number / rate - time.monotonic(), 0.0))
        pid = os.posix_spawn(program, [program, str(number)], {})
        os.waitpid(pid, 0)
        number += 1
        if time.monotonic() - start > seconds * 1.5:
            break
    return number


if __name__ == "__main__":
    sys.stdout.write(f"{spawn(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))}\n")
