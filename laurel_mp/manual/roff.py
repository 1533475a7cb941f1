"""Markdown, as far as our pages use it, to the roff of man(7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

_REPLACED = str.maketrans(
    {
        "\\": "\\e",
        "…": "...",
        "\N{EN DASH}": "\\(en",
        "─": "-",
        "│": "|",
        "└": "+",
        "▶": ">",
        "◀": "<",
        "▲": "^",
        "'": "\\(aq",
        "`": "\\(ga",
        "^": "\\(ha",
        "~": "\\(ti",
    }
)
"""What would mean something to roff, or what a terminal may not have."""

_INLINE = re.compile(
    r"``(?P<quoted>.+?)``|`(?P<code>[^`]+)`|\*\*(?P<bold>.+?)\*\*|(?<!\*)\*(?P<emphasis>[^*\s][^*]*)\*"
    r"|\[(?P<text>(?:[^\]`]|`[^`]*`)+)\]\((?P<link>[^)]*)\)|<(?P<address>https?://[^>]+)>"
)

_CELLS = re.compile(r"(?<!\\)\|")


MANUAL = {
    "about.md": "laurel\\-mp\\-about\\fR(7)",
    "audit-rules.md": "laurel\\-mp\\-audit\\-rules\\fR(7)",
    "commands.md": "laurel\\-mp\\fR(8)",
    "configuration.md": "laurel\\-mp\\fR(8)",
    "operation.md": "laurel\\-mp\\fR(8)",
}
"""Pages that are man pages, too."""


class Block(NamedTuple):
    """A piece of a page. `kind` is heading, text, item, code or table."""

    kind: str
    lines: Sequence[str]
    level: int = 0


def blocks(text: str) -> Iterator[Block]:
    """The pieces of a page in Markdown."""
    lines = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL).split("\n")
    index = 0
    while index < len(lines):
        end = _end(lines, index)
        found = lines[index:end]
        line = lines[index]
        if line.startswith("#"):
            yield Block("heading", [line.lstrip("#").strip()], len(line) - len(line.lstrip("#")))
        elif line.startswith("```"):
            yield Block("code", found[1:-1])
        elif line.startswith("    "):
            yield Block("code", [each[4:] for each in found])
        elif line.startswith("|"):
            yield Block("table", found)
        elif line.startswith("- "):
            yield Block("item", [each[2:] for each in found])
        elif line:
            yield Block("text", found)
        index = end


def _end(lines: Sequence[str], start: int) -> int:
    """Where the piece ends that begins with a line."""
    line = lines[start]
    end = start + 1
    if line.startswith("```"):
        while not lines[end].startswith("```"):
            end += 1
        return end + 1
    if line.startswith("#") or not line:
        return end
    while end < len(lines) and lines[end] and _goes_on(line, lines[end]):
        end += 1
    return end


def _goes_on(first: str, line: str) -> bool:
    """Whether a line belongs to the piece that begins with `first`."""
    for begin, further in (("    ", "    "), ("|", "|"), ("- ", "  ")):
        if first.startswith(begin):
            return line.startswith(further)
    return not line.startswith(("```", "#", "- ", "|"))


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise LookupError(f"there is no section {heading!r}")
    return found[1]


def render(text: str) -> str:
    """A page, or a part of one, as roff; its title is left out."""
    found: list[str] = []
    is_first = True
    for block in blocks(text):
        lines = list(_render(block))
        if is_first and lines[:1] == [".PP"]:  # a heading has made a paragraph
            del lines[0]
        found += lines
        is_first = block.kind == "heading"
    return "".join(f"{line}\n" for line in found)


def _render(block: Block) -> Iterator[str]:
    if block.kind == "heading":
        (name,) = block.lines
        if block.level == 2:
            yield f'.SH "{_quoted(name.upper())}"'
        elif block.level > 2:
            yield f'.SS "{_quoted(name)}"'
    elif block.kind == "code":
        yield from (".PP", ".RS 4", ".nf")
        yield from (_line(literal(line)) if line else "\\&" for line in block.lines)
        yield from (".fi", ".RE")
    elif block.kind == "table":
        yield from _table(block.lines)
    else:
        yield ".PP" if block.kind == "text" else ".IP \\(bu 2"
        yield from _prose(" ".join(block.lines))


def _table(lines: Sequence[str]) -> Iterator[str]:
    """A list: the first column is what it is about."""
    rows = [[cell.strip() for cell in _CELLS.split(line)[1:-1]] for line in lines]
    header, _, *body = rows
    titles = header[1:]
    for row in body:
        name, *cells = [cell.replace("\\|", "|") for cell in row]
        yield ".TP"
        yield _line(_inline(name)) if name else "\\&"
        said = False
        for title, cell in zip(titles, cells, strict=True):
            if cell:
                if said:
                    yield ".br"
                yield from _prose(f"{title}: {cell}" if title and len(cells) > 1 else cell)
                said = True
        if not said:
            yield "\\&"


def _prose(text: str) -> Iterator[str]:
    """Text for roff; each sentence begins a line, so that it knows where one ends."""
    for sentence in re.split(r"(?<=[.?!]) (?=\S)", _inline(text)):
        yield from map(_line, wrap(sentence, 79, break_long_words=False, break_on_hyphens=False))


def _inline(text: str) -> str:
    """Text with its marks."""
    found = []
    start = 0
    for match in _INLINE.finditer(text):
        found.append(_escape(text[start : match.start()]))
        found.append(_marked(match))
        start = match.end()
    return "".join([*found, _escape(text[start:])])


def _marked(match: re.Match[str]) -> str:
    if code := match["code"] or match["quoted"]:
        return f"\\fB{literal(code)}\\fR"
    if match["bold"]:
        return f"\\fB{_inline(match['bold']).replace(chr(92) + 'fR', chr(92) + 'fB')}\\fR"
    if match["emphasis"]:
        return f"\\fI{_escape(match['emphasis'])}\\fR"
    if match["address"]:
        return literal(match["address"])
    return _linked(match["text"], match["link"])


def _linked(text: str, link: str) -> str:
    if "://" in link:
        return f"{_inline(text)} <{literal(link)}>"
    page = link.partition("#")[0]
    if text.endswith(".md"):
        return f"\\fB{MANUAL.get(page, literal(f'docs/{page}'))}\\fR"
    if page in MANUAL:
        return f"{_inline(text)} (see \\fB{MANUAL[page]}\\fR)"
    return _inline(text)


def literal(text: str) -> str:
    """Text that somebody may copy: its hyphens are those of the keyboard."""
    return _escape(text).replace("-", "\\-")


def _escape(text: str) -> str:
    found = text.translate(_REPLACED)
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", found)


def _quoted(text: str) -> str:
    return _escape(text.replace("`", "")).replace('"', "\\(dq")


def _line(text: str) -> str:
    """A line that is no request, whatever it begins with."""
    return f"\\&{text}" if text.startswith((".", "'")) else text
