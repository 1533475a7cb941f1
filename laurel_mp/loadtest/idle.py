"""What a plugin uses that has nothing to do: `python -m laurel_mp.loadtest.idle --seconds 60`."""

from __future__ import annotations

import argparse
import sys
import time

from laurel_mp.loadtest.live import live_plugin

_MIB = 1 << 20


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints a line for each process."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", default="0,1,2")
    options = parser.parse_args(arguments)
    for workers in options.workers.split(","):
        with live_plugin(workers) as plugin:
            before = plugin.cpu()
            time.sleep(options.seconds)
            after = plugin.cpu()
            names = plugin.processes()
            used = {pid: after[pid] - before[pid] for pid in before}
            memory = plugin.memory()
        total = sum(used.values())
        sys.stdout.write(
            f"-w {workers}: {100 * total / options.seconds:.4f} % of a core, "
            f"{sum(memory.values()) / _MIB:.1f} MiB\n"
        )
        for pid, seconds in used.items():
            sys.stdout.write(
                f"    {names[pid]:20} {1000 * seconds:8.2f} ms {memory[pid] / _MIB:8.1f} MiB\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
