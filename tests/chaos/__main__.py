"""`python3 -m tests.chaos`: plugins in trouble, for as long as you like, on a bare Python."""

import argparse
import sys
from pathlib import Path

from tests import environment

PARTS = ("chaos", "outputs", "stall", "restart", "poison")


def main(words: list[str]) -> int:
    """Run the parts that were asked for; the first failure ends it, and its files are kept."""
    options = _parser().parse_args(words)
    environment.prepare()
    if Path(sys.prefix) != environment.VENV:
        return environment.run("python", "-m", "tests.chaos", *words)
    from tests.chaos import parts

    for part in options.parts or PARTS:
        getattr(parts, part)(options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--lines", type=int, default=500_000, help="of the stream, at least")
    parser.add_argument("--disturbances", type=int, default=100, help="while it is fed")
    parser.add_argument("--workers", type=_counts, default=(1, 2, 4), help="such as 1,2,4")
    parser.add_argument("--rate", type=float, default=2e6, help="bytes a second that are fed")
    parser.add_argument("--seed", type=int, default=1, help="decides stream and disturbances")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="repeat with other seeds for so long"
    )
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
