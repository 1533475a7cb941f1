"""One process that fuzzes one target, until it finds something or has had enough.

With atheris (libFuzzer) where it is installed: what reaches new code is kept and changed on.
Without it, the same mutations of the same seeds are tried, blindly.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

try:
    import atheris
except ImportError:
    atheris = None

if TYPE_CHECKING:
    from tests.fuzz.target import Target

PATIENCE = 120
"""Seconds that one input may take, which is a finding, too: on a busy machine, at nice 19."""

MEMORY = 2048
"""MiB that the process may take."""


def main() -> None:
    """Fuzzes; what is found goes to `findings` below the directory, and a traceback to stderr."""
    arguments = _arguments()
    with atheris.instrument_imports(["laurel_mp"]) if atheris else contextlib.nullcontext():
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
    target: Target = targets[arguments.target]
    target.prepare()
    if arguments.input is not None:
        target.check(arguments.input.read_bytes())
        return
    for name in ("corpus", "seeds", "findings"):
        (arguments.directory / name).mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (arguments.directory / "seeds" / _name(seed)).write_bytes(seed[: target.longest])
    if atheris:
        _guided(target, arguments)
    else:
        _blind(target, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.child", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--directory", type=Path, default=Path())
    parser.add_argument("--seconds", type=int, default=0, help="0: no limit")
    parser.add_argument("--runs", type=int, default=-1, help="inputs to try, -1: no limit")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--input", type=Path, help="check this one input only")
    return parser.parse_args()


def _guided(target: Target, arguments: argparse.Namespace) -> NoReturn:
    """By atheris; libFuzzer ends the process."""
    for function in target.plain:
        atheris.instrument_func(function)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.2:
            return bytes(atheris.Mutate(data, most))
        return target.mutate(data, chance)[:most]

    atheris.Setup(
        [
            sys.argv[0],
            f"-runs={arguments.runs}",
            f"-max_total_time={arguments.seconds}",
            f"-seed={arguments.seed}",
            f"-max_len={target.longest}",
            f"-timeout={PATIENCE}",
            f"-rss_limit_mb={MEMORY}",
            f"-artifact_prefix={arguments.directory / 'findings'}/",
            "-print_final_stats=1",
            str(arguments.directory / "corpus"),
            str(arguments.directory / "seeds"),
        ],
        target.check,
        custom_mutator=mutate,
    )
    atheris.Fuzz()
    raise AssertionError("libFuzzer ends the process")


def _blind(target: Target, arguments: argparse.Namespace) -> None:
    """By chance alone; what it says at the end has libFuzzer's form."""
    chance = random.Random(arguments.seed or None)
    seeds = [seed[: target.longest] for seed in target.seeds()]
    end = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
    runs = 0
    try:
        while runs != arguments.runs and time.monotonic() < end:
            data = seeds[runs] if runs < len(seeds) else chance.choice(seeds)
            for _ in range(chance.randrange(4) if runs >= len(seeds) else 0):
                data = target.mutate(data, chance)[: target.longest]
            runs += 1
            try:
                target.check(data)
            except BaseException:
                (arguments.directory / "findings" / f"crash-{_name(data)}").write_bytes(data)
                raise
    finally:
        print(f"stat::number_of_executed_units: {runs}", file=sys.stderr)


def _name(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    main()
