"""`python3 -m tests.mutants [PATH ...]`: looks for small mistakes that no test notices.

Takes some places of the core at random, makes a mistake at each (another operator, another number,
a statement left out), and runs the tests of that part on a copy of the checkout until one fails. A
mutant that survives shows what no test looks at, or what makes no difference.

`--again FILE` repeats the mutants of a former run: before and after a change to the tests, all that
were killed must be killed.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.environment import BIN, ROOT

# Each part of the core, and the tests that speak of it: the quickest first.
AREAS = {
    "laurel_mp/records": ("tests/records", "tests/events", "tests/stages", "tests/reversion"),
    "laurel_mp/events": ("tests/events", "tests/stages"),
    "laurel_mp/stages": ("tests/stages", "tests/pipeline"),
    "laurel_mp/processes": ("tests/processes", "tests/stages"),
    "laurel_mp/outputs": ("tests/outputs",),
    "laurel_mp/pipeline/supervisor": ("tests/pipeline",),
}

_COPIED = ("laurel_mp", "tests", "docs", "deploy", "pyproject.toml", "README.md", "LICENSE")

_OPERATORS = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.And: ("and", "or"), ast.Or: ("or", "and"),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One line that is not as it should be."""

    path: str
    line: int
    """Counts from 1."""
    right: str
    wrong: str
    """Both without indentation."""
    test: str = ""
    """The test that has killed it before."""

    def apply(self, directory: Path) -> None:
        """Change the line in a copy of the checkout."""
        file = directory / self.path
        lines = file.read_text().split("\n")
        same = [number for number, text in enumerate(lines) if text.strip() == self.right]
        if not same:
            sys.exit(f"{self.path} has no line {self.right!r}")
        number = min(same, key=lambda each: abs(each + 1 - self.line))
        indentation = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        lines[number] = indentation + self.wrong
        file.write_text("\n".join(lines))


def mutants_of(path: str) -> Iterator[Mutant]:
    """All mutants of a module."""
    source = (ROOT / path).read_text()
    lines = source.split("\n")
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    for number, right, wrong in _changes(node, lines):
                        yield Mutant(path, number, right.strip(), wrong.strip())


def _changes(node: ast.AST, lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Ways to spoil a node: the number of a line, the line, and what takes its place."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if (
            type(operator) in _OPERATORS
        ):
            yield from _between(left, right, _OPERATORS[type(operator)], lines)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            yield from _between(left, right, _OPERATORS[type(operator)], lines)
        case ast.BoolOp(op=operator, values=[left, right]):
            yield from _between(left, right, _OPERATORS[type(operator)], lines)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _replaced(node, ast.unparse(operand), lines)
        case ast.Constant(value=bool(value)):
            yield from _replaced(node, str(not value), lines)
        case ast.Constant(value=int(value)):
            yield from _replaced(node, str(value + 1), lines)
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue():
            yield from _replaced(node, "pass", lines)


def _between(
    left: ast.expr, right: ast.expr, change: tuple[str, str], lines: Sequence[str]
) -> Iterator[tuple[int, str, str]]:
    """Another operator between two expressions of one line."""
    if left.end_lineno == right.lineno:
        text = lines[right.lineno - 1].encode()
        begin, end = left.end_col_offset, right.col_offset
        assert begin is not None
        old, new = (f" {each} ".encode() for each in change)
        if text[begin:end].count(old) == 1:
            wrong = text[:begin] + text[begin:end].replace(old, new) + text[end:]
            yield right.lineno, text.decode(), wrong.decode()


def _replaced(
    node: ast.expr | ast.stmt, new: str, lines: Sequence[str]
) -> Iterator[tuple[int, str, str]]:
    """Other text in the place of a node of one line."""
    if node.lineno == node.end_lineno:
        text = lines[node.lineno - 1].encode()
        wrong = text[: node.col_offset] + new.encode() + text[node.end_col_offset :]
        yield node.lineno, text.decode(), wrong.decode()


def chosen(paths: Iterable[str], count: int, seed: int) -> list[Mutant]:
    """Some mutants of each path, the same for the same seed."""
    chance = random.Random(seed)
    found = []
    for path in paths:
        files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("*.py"))
        names = [str(file.relative_to(ROOT)) for file in files if "tables" not in file.parts]
        everything = [mutant for name in names for mutant in mutants_of(name)]
        found += chance.sample(everything, min(count, len(everything)))
    return found


def killed_by(mutant: Mutant) -> str:
    """The test that notices a mutant; empty if none does."""
    (area,) = (tests for path, tests in AREAS.items() if mutant.path.startswith(path))
    with tempfile.TemporaryDirectory(prefix="laurel-mp-mutant-") as name:
        directory = Path(name)
        for each in _COPIED:
            if (ROOT / each).is_dir():
                shutil.copytree(ROOT / each, directory / each)
            else:
                shutil.copy(ROOT / each, directory)
        mutant.apply(directory)
        return (mutant.test and _failure(directory, mutant.test)) or _failure(directory, *area)


def _failure(directory: Path, *tests: str) -> str:
    """The first of these tests that fails on a copy; empty if none does, or if there is none."""
    done = subprocess.run(
        [BIN / "pytest", "-x", "-q", "--tb=no", "--timeout=60", "-p", "no:cacheprovider", *tests],
        cwd=directory,
        # The copy comes before the checkout, which .venv knows of.
        env=os.environ | {"PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in done.stdout.split("\n") if line.startswith(("FAILED ", "ERROR "))]
    if done.returncode in (1, 2) and failed:
        return failed[0].partition(" ")[2].partition(" - ")[0]
    return ""


def again(file: Path) -> list[Mutant]:
    """The mutants of a former run."""
    rows = [line.split("\t") for line in file.read_text().splitlines()]
    return [
        Mutant(path, int(number), right, wrong, test)
        for _, path, number, right, wrong, test, *_ in rows
    ]


def main() -> int:
    """One line for each mutant, with tabs between its parts; the status is 0 if all are killed."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.mutants", description=__doc__)
    parser.add_argument("path", nargs="*", default=list(AREAS), help="default: the whole core")
    parser.add_argument("--count", type=int, default=8, help="mutants of each path")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, metavar="FILE", help="output of a former run")
    options = parser.parse_args()
    mutants = (
        again(options.again) if options.again else chosen(options.path, options.count, options.seed)
    )
    survivors = 0
    for mutant in mutants:
        begin = time.monotonic()
        test = killed_by(mutant)
        survivors += not test
        outcome = "killed" if test else "survived"
        parts = (outcome, mutant.path, mutant.line, mutant.right, mutant.wrong, test)
        print(*parts, f"{time.monotonic() - begin:.0f} s", sep="\t", flush=True)
    print(f"{len(mutants) - survivors} of {len(mutants)} killed", file=sys.stderr)
    return survivors > 0


if __name__ == "__main__":
    sys.exit(main())
