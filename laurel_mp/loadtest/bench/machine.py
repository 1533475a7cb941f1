"""Describes the machine of a benchmark."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import zmq

from laurel_mp import __version__

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and versions that decide about speed."""

    cpus: int
    """CPUs that this process may use."""
    model: str
    governor: str
    """Empty if unknown, as in most virtual machines."""
    kernel: str
    python: str
    """Version and build."""
    laurel_mp: str
    pyzmq: str
    libzmq: str
    load: float
    """Load average of the last minute."""

    @classmethod
    def here(cls) -> Machine:
        """Returns this machine, with its present load."""
        build = " ".join(platform.python_build())
        python = f"{platform.python_version()} ({build}, {platform.python_compiler()})"
        return cls(
            len(os.sched_getaffinity(0)),
            _model(),
            _first_line(_GOVERNOR),
            f"{platform.release()} {platform.machine()}",
            python,
            __version__,
            zmq.__version__,
            zmq.zmq_version(),
            os.getloadavg()[0],
        )

    def text(self) -> str:
        """Returns the description in one line."""
        governor = f", governor {self.governor}" if self.governor else ""
        return (
            f"{self.cpus} CPUs ({self.model or 'of an unknown kind'}{governor}), "
            f"Linux {self.kernel}, Python {self.python}, laurel-mp {self.laurel_mp}, "
            f"pyzmq {self.pyzmq} with libzmq {self.libzmq}, load average {self.load:.2f}"
        )


def _model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
