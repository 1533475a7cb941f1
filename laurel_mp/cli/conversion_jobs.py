"""Conversions side by side: a process for each input, outputs in the order of the inputs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from laurel_mp.cli.conversion_summary import Summary
from laurel_mp.outputs.open_sink import OpenSink

COPY_SIZE = 1 << 20


@dataclass(slots=True)
class _Job:
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    messages: IO[bytes]
    summary: Path


class ConversionJobs:
    """Runs `convert` for several inputs, at most `jobs` at a time.

    Each has a process table of its own. An output that is not due yet waits in a temporary file,
    below TMPDIR. So the output is the same for any number of jobs.
    """

    def __init__(self, options: Sequence[str], jobs: int) -> None:
        self._options = list(options)
        self._jobs = jobs

    def run(self, names: Sequence[str], output: OpenSink) -> Summary:
        """Converts all inputs; raises OutputError."""
        summary = Summary()
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            running: deque[_Job] = deque()
            stack.callback(_end, running)
            waiting = iter(enumerate(names))
            self._start(waiting, running, directory)
            while running:
                job = running[0]
                status = job.process.wait()
                self._start(waiting, running, directory)
                _copy(job, output)
                if job.summary.exists():
                    summary.add(Summary.of_plain(json.loads(job.summary.read_bytes())))
                    job.summary.unlink()
                elif status:
                    summary.complete = False
                job.output.close()
                job.messages.close()
                running.popleft()
        return summary

    def _start(
        self, waiting: Iterator[tuple[int, str]], running: deque[_Job], directory: Path
    ) -> None:
        while sum(job.process.poll() is None for job in running) < self._jobs:
            number, name = next(waiting, (-1, ""))
            if number < 0:
                return
            summary = directory / str(number)
            command = [sys.executable, "-m", "laurel_mp", "convert", *self._options]
            command += ["--as-job", "--summary-json", str(summary), "--", name]
            output = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - closed with the job
            messages = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=messages
            )
            running.append(_Job(process, output, messages, summary))


def _copy(job: _Job, output: OpenSink) -> None:
    job.messages.seek(0)
    sys.stderr.flush()
    shutil.copyfileobj(job.messages, sys.stderr.buffer)
    sys.stderr.buffer.flush()
    job.output.seek(0)
    while data := job.output.read(COPY_SIZE):
        output.write(data)


def _end(running: deque[_Job]) -> None:
    """Ends jobs that nobody waits for any more."""
    for job in running:
        if job.process.poll() is None:
            job.process.terminate()
        job.process.wait()
        job.output.close()
        job.messages.close()
