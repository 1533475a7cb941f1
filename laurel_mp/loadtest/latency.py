"""How long the plugin takes: `python -m laurel_mp.loadtest.latency CAPTURE --rate 1000`.

Records come one by one, as auditd writes them, so many events a second; the output is a pipe. The
latency of an event is the time from when its last record was sent to when its line came out.
"""

from __future__ import annotations

import argparse
import lzma
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from laurel_mp.loadtest.live import LivePlugin, live_plugin
from laurel_mp.loadtest.repeat import repeat

_event_id = re.compile(rb"msg=audit\(([0-9.]+:[0-9]+)\)").search
_written_ids = re.compile(rb'^\{"ID":"([0-9.:]+)"', re.MULTILINE).findall


@dataclass(frozen=True, slots=True)
class Latency:
    """What came out, and when."""

    workers: str
    rate: float
    events: int
    missing: int
    p50: float
    p99: float
    most: float
    """Seconds."""
    percent: float
    """CPU of all processes together, of one core."""
    processes: dict[str, float]


def events(capture: bytes, most: int) -> Iterator[list[bytes]]:
    """The lines of each event of a capture, which is repeated, up to `most` events."""
    number, before, lines = 0, b"", list[bytes]()
    for text in repeat(capture, most * 100):
        for line in text.splitlines(keepends=True):
            found = _event_id(line)
            assert found
            if found[1] != before and lines:
                yield lines
                lines, number = [], number + 1
                if number >= most:
                    return
            before = found[1]
            lines.append(line)


def measure(capture: bytes, workers: str, rate: float, seconds: float, more: str = "") -> Latency:
    """Runs the plugin, and events at this rate."""
    with live_plugin(workers, file="-", stdout=subprocess.PIPE, more=more) as plugin:
        before = plugin.cpu()
        start = time.monotonic()
        sent, written = _run(plugin, events(capture, int(rate * seconds)), rate)
        took = time.monotonic() - start
        used = {pid: 100 * (cpu - before[pid]) / took for pid, cpu in plugin.cpu().items()}
        names = plugin.processes()
    times = sorted(written[each] - sent[each] for each in sent if each in written)
    return Latency(
        workers,
        rate,
        len(times),
        len(sent) - len(times),
        times[len(times) // 2],
        times[len(times) * 99 // 100],
        times[-1],
        sum(used.values()),
        {f"{names[pid]} ({pid})": percent for pid, percent in used.items()},
    )


def _run(
    plugin: LivePlugin, stream: Iterator[list[bytes]], rate: float
) -> tuple[dict[bytes, float], dict[bytes, float]]:
    stdout = plugin.process.stdout
    assert stdout is not None
    poll = select.poll()
    poll.register(stdout, select.POLLIN)
    sent: dict[bytes, float] = {}
    written: dict[bytes, float] = {}
    rest = b""

    def read(seconds: float) -> bool:
        nonlocal rest
        if not poll.poll(seconds * 1000):
            return False
        data = rest + stdout.read1(1 << 20)
        now = time.monotonic()
        data, _, rest = data.rpartition(b"\n")
        for each in _written_ids(data):
            written[each] = now
        return True

    start = time.monotonic()
    for number, lines in enumerate(stream):
        due = start + number / rate
        while (wait := due - time.monotonic()) > 0:
            read(wait)
        for line in lines:
            plugin.stdin.sendall(line)
        found = _event_id(lines[0])
        assert found
        sent[found[1]] = time.monotonic()
        read(0)
    end = time.monotonic() + 5
    while len(sent.keys() - written.keys()) and time.monotonic() < end:
        read(0.1)
    return sent, written


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.latency", description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rate", default="1000")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", default="0,2")
    parser.add_argument("--more", default="")
    options = parser.parse_args(arguments)
    capture = options.capture.read_bytes()
    if options.capture.suffix == ".xz":
        capture = lzma.decompress(capture)
    for rate in options.rate.split(","):
        for workers in options.workers.split(","):
            found = measure(capture, workers, float(rate), options.seconds, options.more)
            print(
                f"{rate:>5}/s -w {workers}: {found.events} events, {found.missing} missing, "
                f"p50 {1000 * found.p50:.1f} ms, p99 {1000 * found.p99:.1f} ms, most {1000 * found.most:.1f} ms, "
                f"CPU {found.percent:.2f} %"
            )
            print("   ", ", ".join(f"{k} {v:.2f}" for k, v in found.processes.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
