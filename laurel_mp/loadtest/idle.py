"""What a plugin uses that has nothing to do: `python -m laurel_mp.loadtest.idle --seconds 60`."""

from __future__ import annotations

import argparse
import sys
import time

from laurel_mp.loadtest.live import live_plugin


def main(arguments: list[str] | None = None) -> int:
    """Measures, and prints a line for each process."""
    parser = argparse.ArgumentParser(prog="laurel_mp.loadtest.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", default="0,1,2")
    parser.add_argument("--line", default="")
    options = parser.parse_args(arguments)
    for workers in options.workers.split(","):
        with live_plugin(workers) as plugin:
            if options.line:
                plugin.stdin.sendall(options.line.encode() + b"\n")
                time.sleep(4)
            before = plugin.cpu()
            time.sleep(options.seconds)
            after = plugin.cpu()
            names = plugin.processes()
            used = {pid: after[pid] - before[pid] for pid in before}
            memory = plugin.memory()
        total = sum(used.values())
        print(f"-w {workers}: {1000 * total:.1f} ms in {options.seconds:g} s, {100 * total / options.seconds:.4f} % of a core; {sum(memory.values()) >> 20} MiB")
        for pid, seconds in used.items():
            print(f"    {names[pid]:20} {1000 * seconds:7.2f} ms  {memory[pid] / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
