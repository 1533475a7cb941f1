"""`laurel-mp tune`: recommends settings of `[pipeline]` for this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, count, positive
from laurel_mp.loadtest.tune import Advice, Settings, source_of, tune

_MIB = 1 << 20


def main(words: Sequence[str]) -> int:
    """Runs `tune`; returns the exit status."""
    arguments = _parser().parse_args(words)
    if arguments.rounds < 1:
        print("laurel-mp: --rounds: at least 1", file=sys.stderr)
        return exit_status.USAGE
    settings = Settings(arguments.seconds, arguments.rounds)
    advice = tune(source_of(arguments.file, settings), settings, _begin)
    if arguments.json:
        import json

        print(json.dumps(advice.plain(), indent=2))
    else:
        _print(advice)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp tune",
        description=(
            "Try settings of [pipeline] on this machine, and recommend workers, linger-ms and "
            "window-bytes, with the measured figures. Without FILE the input is a flood."
        ),
        epilog=(
            "Exit status: 0; 1 if a run failed or something could not be read or written; 2 for "
            "wrong usage. See docs/load-testing.md."
        ),
    )
    add_version(parser)
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help="your own log, plain, .gz or .xz")
    add(
        "--seconds",
        type=positive,
        default=3.0,
        metavar="N",
        help="approximate length of a run (default: 3)",
    )
    add(
        "--rounds",
        type=count,
        default=3,
        metavar="N",
        help="runs of each setting while throughput is measured (default: 3)",
    )
    add("--json", action="store_true", help="print all figures as JSON")
    return parser


def _begin(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[Klaurel-mp: trying {what}", end="", file=sys.stderr, flush=True)


def _print(advice: Advice) -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(f"On {advice.machine.text()}")
    print(f"Sample: {advice.sample}, {advice.lines} lines, {advice.size / _MIB:.1f} MiB\n")
    for title, key in (("workers", "workers"), ("window-bytes", "window-bytes")):
        print(f"{title:>12}    lines/s    CPU us/line    memory MiB")
        for each in advice.workers if key == "workers" else advice.windows:
            memory = "" if each.memory is None else f"{each.memory / _MIB:.0f}"
            print(
                f"{each.setting:>12} {each.lines_per_second:>10.0f} {each.cpu:>14.2f} {memory:>13}"
            )
        print(f"{_chosen(advice, key)}\n")
        if key == "workers":
            print("   linger-ms    CPU %    p50 ms    p99 ms")
            for wait in advice.lingers:
                print(
                    f"{wait.setting:>12} {100 * wait.cpu:>8.2f} {1000 * wait.p50:>9.1f} "
                    f"{1000 * wait.p99:>9.1f}"
                )
            print(f"{_chosen(advice, 'linger-ms')}\n")
    print(advice.snippet(), end="")


def _chosen(advice: Advice, key: str) -> str:
    setting, reason = advice.choices[key]
    return f"{key} = {setting}: {reason}"
