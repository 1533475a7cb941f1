"""Renders Markdown as man(7): markdown-it parses it, and this module writes each kind of node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

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
"""Characters with a meaning in roff, and those that a terminal may lack."""

_PARSER = MarkdownIt("commonmark").enable("table")

MANUAL = {
    "about.md": "laurel\\-mp\\-about\\fR(7)",
    "audit-rules.md": "laurel\\-mp\\-audit\\-rules\\fR(7)",
    "commands.md": "laurel\\-mp\\fR(8)",
    "configuration.md": "laurel\\-mp\\fR(8)",
    "operation.md": "laurel\\-mp\\fR(8)",
}
"""Pages that are also man pages."""


def section(text: str, heading: str) -> str:
    """Returns the text below a heading of the second level, up to the next one."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise LookupError(f"there is no section {heading!r}")
    return found[1]


def render(text: str) -> str:
    """Returns a page, or a part of one, as man(7) without the title."""
    lines: list[str] = []
    is_first = True
    for node in SyntaxTreeNode(_PARSER.parse(text)).children:
        found = list(_block(node))
        if is_first and found[:1] == [".PP"]:  # a heading has made a paragraph
            del found[0]
        lines += found
        is_first = node.type == "heading" or (is_first and not found)
    return "".join(f"{line}\n" for line in lines)


def _block(node: SyntaxTreeNode) -> Iterator[str]:
    if node.type == "heading":
        if node.tag != "h1":
            name = node.children[0].content
            request, name = (".SH", name.upper()) if node.tag == "h2" else (".SS", name)
            yield f'{request} "{_quoted(name)}"'
    elif node.type in {"fence", "code_block"}:
        yield from (".PP", ".RS 4", ".nf")
        for line in node.content.removesuffix("\n").split("\n"):
            yield _line(literal(line)) if line else "\\&"
        yield from (".fi", ".RE")
    elif node.type == "table":
        yield from _definitions(node)
    elif node.type in {"bullet_list", "ordered_list"}:
        for number, item in enumerate(node.children, int(node.attrs.get("start", 1))):
            yield ".IP \\(bu 2" if node.type == "bullet_list" else f".IP {number}. 3"
            yield from _item(item)
    elif node.type == "paragraph":
        yield ".PP"
        yield from _prose(_inline(node.children[0]))
    elif node.type not in {"html_block", "hr"}:
        raise ValueError(f"no man page has a {node.type}: {node.map}")


def _item(item: SyntaxTreeNode) -> Iterator[str]:
    """Lines of a list's item: its text, and blocks below that further in."""
    first, *others = item.children
    yield from _prose(_inline(first.children[0]))
    for other in others:
        yield ".RS 2"
        lines = list(_block(other))
        yield from lines[1:] if lines[:1] == [".PP"] else lines
        yield ".RE"


def _definitions(table: SyntaxTreeNode) -> Iterator[str]:
    """Lines of a table as a list of terms: man(7) has no tables, and terminals are narrow."""
    head, *rows = [
        [_inline(cell.children[0]) for cell in row.children]
        for part in table.children
        for row in part.children
    ]
    titles = head[1:]
    for name, *cells in rows:
        yield ".TP"
        yield _line(name) if name else "\\&"
        texts = [
            f"{title}: {cell}" if title and len(cells) > 1 else cell
            for title, cell in zip(titles, cells, strict=True)
            if cell
        ]
        for number, text in enumerate(texts or ["\\&"]):
            if number:
                yield ".br"
            yield from _prose(text)


def _prose(text: str) -> Iterator[str]:
    """Lines of a paragraph; each sentence begins a line, so that roff knows where one ends."""
    for sentence in re.split(r"(?<=[.?!]) (?=\S)", text):
        yield from map(_line, wrap(sentence, 79, break_long_words=False, break_on_hyphens=False))


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(map(_marked, node.children))


def _marked(node: SyntaxTreeNode) -> str:
    if node.type == "text":
        return _escape(node.content)
    if node.type in {"softbreak", "hardbreak"}:
        return " "
    if node.type == "code_inline":
        return f"\\fB{literal(node.content)}\\fR"
    if node.type == "strong":
        return f"\\fB{_inline(node).replace(chr(92) + 'fR', chr(92) + 'fB')}\\fR"
    if node.type == "em":
        return f"\\fI{_inline(node)}\\fR"
    if node.type == "link" and node.info == "auto":
        return literal(node.children[0].content)
    if node.type == "link":
        return _linked(_inline(node), _plain(node), str(node.attrs["href"]))
    if node.type in {"image", "html_inline"}:
        return ""
    raise ValueError(f"no man page has a {node.type}: {node.content}")


def _plain(node: SyntaxTreeNode) -> str:
    return "".join(each.content for each in node.walk() if not each.children)


def _linked(text: str, plain: str, link: str) -> str:
    if "://" in link:
        return f"{text} <{literal(link)}>"
    page = link.partition("#")[0]
    if plain.endswith(".md"):
        return f"\\fB{MANUAL.get(page, literal(f'docs/{page}'))}\\fR"
    if page in MANUAL:
        return f"{text} (see \\fB{MANUAL[page]}\\fR)"
    return text


def literal(text: str) -> str:
    """Returns text to be copied: its hyphens are those of the keyboard."""
    return _escape(text).replace("-", "\\-")


def _escape(text: str) -> str:
    found = text.translate(_REPLACED)
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", found)


def _quoted(text: str) -> str:
    return _escape(text.replace("`", "")).replace('"', "\\(dq")


def _line(text: str) -> str:
    """Returns a line that is no request, whatever it begins with."""
    return f"\\&{text}" if text.startswith((".", "'")) else text
