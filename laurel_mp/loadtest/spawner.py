"""Runs a program again and again: `spawner.py PROGRAM RATE SECONDS`, RATE times a second."""

from __future__ import annotations

import os
import sys
import time

LONGEST = 1.5
"""Times the seconds: a machine that is too slow for the rate does not take longer."""


def spawn(program: str, rate: float, seconds: float) -> int:
    """Runs it for so long, each one to its end; how many there were."""
    start = time.monotonic()
    number = 0
    while number < rate * seconds and time.monotonic() - start < seconds * LONGEST:
        time.sleep(max(start + number / rate - time.monotonic(), 0.0))
        os.waitpid(os.posix_spawn(program, [program, str(number)], {}), 0)
        number += 1
    return number


if __name__ == "__main__":
    sys.stdout.write(f"{spawn(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))}\n")
