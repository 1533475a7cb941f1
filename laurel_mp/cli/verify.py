"""`laurel-mp verify`: compares an output with the truth file of a flood."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, count
from laurel_mp.errors import InputError
from laurel_mp.loadtest.captures import lines_of
from laurel_mp.loadtest.verify import KINDS, WINDOW, Example, Verdict, verify
from laurel_mp.loadtest.verify.truth_reader import TruthReader


def main(words: Sequence[str]) -> int:
    """Runs `verify`; returns the exit status."""
    arguments = _parser().parse_args(words)
    outputs = arguments.files or ["-"]
    if arguments.truth in outputs:
        print(f"laurel-mp: {arguments.truth}: is the truth and an output", file=sys.stderr)
        return exit_status.USAGE
    try:
        verdict = verify(
            TruthReader(arguments.truth, lines_of([arguments.truth])),
            lines_of(outputs),
            skipped=arguments.skip,
            lenient=arguments.lenient,
            window=arguments.window,
        )
    except InputError as error:
        print(f"laurel-mp: {error}", file=sys.stderr)
        return exit_status.USAGE  # as with diff(1), 1 is for a comparison that could be made
    print(_as_json(verdict) if arguments.json else "\n".join(_as_text(verdict)))
    return 0 if verdict.right else exit_status.FAILURE


def _parser() -> argparse.ArgumentParser:
    kinds = "\n".join(f"  {kind:11} {what}" for kind, what in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="laurel-mp verify",
        description=(
            "Compare an output of laurel-mp, or of LAUREL, with the truth of the flood that it\n"
            "was made from."
        ),
        epilog=(
            f"kinds of differences:\n{kinds}\n\n"
            "exit status: 0 if all is right; 1 if not; 2 for wrong usage, or if a file cannot\n"
            "be read."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_version(parser)
    parser.add_argument(
        "--truth", required=True, metavar="FILE", help="file that `laurel-mp flood --truth` wrote"
    )
    parser.add_argument(
        "--skip",
        type=_kinds,
        default=(),
        metavar="KIND,…",
        help="kinds not to check, such as those that the configuration turns off",
    )
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="accept missing process context: for LAUREL, which has less of it",
    )
    parser.add_argument(
        "--window",
        type=_window,
        default=WINDOW,
        metavar="N",
        help="maximum distance of an event from its place, in events (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="OUTPUT",
        help="outputs in the order of events, plain, .gz or .xz; - is stdin (the default)",
    )
    return parser


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(map(repr, unknown))}")
    return kinds


def _window(text: str) -> int:
    if not (window := count(text)):
        raise argparse.ArgumentTypeError("expected a number above 0")
    return window


def _as_json(verdict: Verdict) -> str:
    return json.dumps({"right": verdict.right, "cut": verdict.cut, **asdict(verdict)})


def _as_text(verdict: Verdict) -> Iterator[str]:
    yield f"{verdict.expected} events expected, {verdict.found} found"
    if verdict.cut:
        yield f"the flood was cut short, at {verdict.expected} of {verdict.announced} events"
    for kind, number in verdict.counts.items():
        if number:
            yield f"{kind:11} {number:9}  {KINDS[kind]}"
            yield from (f"{'':13}{_shown(example)}" for example in verdict.examples[kind])
    if verdict.skipped:
        yield f"not looked for: {', '.join(verdict.skipped)}"
    yield "all right" if verdict.right else "NOT right"


def _shown(example: Example) -> str:
    text = example.id
    if example.expected is not None:
        text += f": expected {_value(example.expected)}"
    if example.found is not None:
        text += f"{',' if example.expected is not None else ':'} found {_value(example.found)}"
    return text


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
