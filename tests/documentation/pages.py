"""The pages, and the commands in them.

What is indented by four blanks, or stands between fences marked `sh`, is for a shell.
"""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

_FENCE = re.compile(r"^```(\w*)$")


@dataclass(frozen=True)
class Block:
    """Some lines of a page that are no prose. `kind` is the word behind a fence, or `indented`."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_shell(self) -> bool:
        """True if it shows commands to type."""
        return self.kind in ("indented", "sh")

    def commands(self) -> Sequence[str]:
        """Its commands; some take several lines."""
        found = []
        command = ""
        for line in self.text.splitlines():
            command = f"{command}\n{line}" if command else line
            if command.strip() and _is_complete(command):
                found.append(command)
                command = ""
        assert not command.strip(), f"{self}: not a whole command: {command}"
        return found


def _is_complete(command: str) -> bool:
    done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return done.returncode == 0 and not command.endswith("\\")


def names() -> list[str]:
    """All pages, by their paths in the repository."""
    tracked = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in (*tracked, *ROOT.glob("tests/*/*.md")))


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text()


@cache
def blocks(page: str) -> tuple[Block, ...]:
    """All blocks of a page, in order."""
    return tuple(_blocks(page, read(page).splitlines()))


def _blocks(page: str, lines: Sequence[str]) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        begin = number
        number += 1
        if fence := _FENCE.match(lines[begin]):
            while lines[number] != "```":
                number += 1
            yield Block(page, begin + 2, fence[1], "\n".join(lines[begin + 1 : number]))
            number += 1
        elif lines[begin].startswith("    ") and (not begin or not lines[begin - 1]):
            while number < len(lines) and lines[number].startswith("    "):
                number += 1
            text = "\n".join(line[4:] for line in lines[begin:number])
            yield Block(page, begin + 1, "indented", text)


def prose(page: str) -> str:
    """A page without its blocks."""
    lines = read(page).splitlines()
    for block in blocks(page):
        for number in range(block.line - 1, block.line - 1 + len(block.text.splitlines())):
            lines[number] = ""
    return "\n".join(lines)


def anchors(page: str) -> set[str]:
    """Anchors of a page, as GitHub derives them from headings."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found
