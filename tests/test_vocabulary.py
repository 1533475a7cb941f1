"""The vocabulary: docs/glossary.md says which words are not used, and docstrings say what for."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"

# Former names of classes; as ordinary words most of them are fine.
FORMER_CLASSES = {
    "Board", "ChoosyMemo", "Complaint", "Crew", "Gathering", "Glance", "Guard", "Kept",
    "LateExecution", "Lookout", "NovelCoalescer", "Nursery", "Patience", "Place", "Remembered",
    "Rests", "Sightings", "Surrounding", "UnderWay", "WholeCoalescer", "Worth",
}  # fmt: skip

# A docstring says what a thing is for or what it does, not which question it answers.
QUESTION = re.compile(r"(What|Whether|Who|Whom|Whose|How|Where|Which|Why)\b")

# Older entries of the changelog quote former messages.
EXEMPT = {"docs/glossary.md", "CHANGELOG.md", "tests/test_vocabulary.py", "LICENSE"}


def unused_words() -> list[str]:
    """The left column of the table of words that are not used."""
    section = GLOSSARY.read_text().partition("## Words not used")[2]
    return [
        cells[1]
        for cells in re.findall(r"(?m)^(\|) ([a-z][a-z ]*) \|", section)
        if cells[1] != "not"
    ]


def files() -> list[Path]:
    """The text files of the project that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.md", "*.toml", "*.sh", "*.yml", "deploy"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return [
        ROOT / name for name in listed if name and name not in EXEMPT and (ROOT / name).is_file()
    ]


def hits(word: str, text: str) -> Iterator[int]:
    """The lines of a text in which a word or phrase stands, also across a line break."""
    phrase = r"[\s_#-]+".join(map(re.escape, word.split()))
    for match in re.finditer(rf"(?<![a-zA-Z]){phrase}(?![a-zA-Z])", text, re.IGNORECASE):
        yield text.count("\n", 0, match.start()) + 1


TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in files()}
SOURCES = {name: ast.parse(text) for name, text in TEXTS.items() if name.endswith(".py")}


@pytest.mark.parametrize("word", unused_words())
def test_words_not_used(word: str) -> None:
    """Neither in names nor in messages, comments and pages."""
    found = [f"{name}:{line}" for name, text in TEXTS.items() for line in hits(word, text)]

    assert not found


def test_former_class_names() -> None:
    """A class has its field's name."""
    found = {
        f"{name}: {node.name}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name in FORMER_CLASSES
    }

    assert not found


def test_docstrings_say_what_for() -> None:
    """None begins as a question does, of a module, class, function or attribute."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and QUESTION.match(node.value.value)
    ]

    assert not found


def test_the_words_are_found() -> None:
    """A phrase is found across a line break and in a name, and not within a longer word."""
    assert list(hits("can not", "it can\n    not\nCAN_NOT\ncannot")) == [1, 3]
    assert not list(hits("crew", "a screwdriver"))
