"""`laurel-mp schema`: the JSON Schema of the output."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from laurel_mp.cli.argument_types import add_common
from laurel_mp.config import load
from laurel_mp.schema.event import event_schema


def main(words: Sequence[str]) -> int:
    """Runs `schema`; returns the exit status."""
    arguments = _parser().parse_args(words)
    config = load(Path(arguments.config) if arguments.config else None)
    prefix = config.enrich.prefix.encode() if config.enrich.prefix else None
    try:
        print(json.dumps(event_schema(prefix), indent=2), flush=True)
    except BrokenPipeError:
        sys.stdout = None  # the reader has closed: do not flush at exit
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp schema",
        description="Print the JSON Schema (draft 2020-12) of a line of output. Of the "
        "configuration, only enrich.prefix is used; other members that depend on it are optional.",
    )
    add_common(parser)
    return parser
