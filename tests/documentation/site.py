"""Hooks of `mkdocs build`: links that leave docs/ lead to copies of the files in the site.

On the forge such a link is a path in the repository. A site has no such path, so each file that a
page links to becomes part of it, below `repository/`; a directory becomes a list of its files.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent.parent

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)")
_ELSEWHERE = "repository/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add all files outside docs/ to which a page leads, also by way of other pages."""
    pages = [Path(file.abs_src_path or "") for file in files.documentation_pages()]
    seen = set()
    while pages:
        page = pages.pop()
        for path in _targets(page):
            if path in seen or not path.exists() or path.is_relative_to(ROOT / "docs"):
                continue
            seen.add(path)
            uri = _uri(path)
            if path.is_dir():
                files.append(File.generated(config, uri, content=_listing(path)))
                pages += [each for each in path.iterdir() if each.suffix == ".md"]
                inside = [each for each in _files(path) if each not in seen]
                seen.update(inside)
            else:
                inside = [path]
            for each in inside:
                files.append(File.generated(config, _uri(each), abs_src_path=str(each)))
                pages += [each] if each.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """The text of a page with links into the site."""
    here = page.file.src_uri
    source = _source(here)
    if source.is_dir():
        return markdown

    def moved(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / match["path"]))
        return os.path.relpath(_uri(target), Path(here).parent)

    return _LINK.sub(moved, markdown)


def _targets(page: Path) -> Iterator[Path]:
    for found in _LINK.findall(page.read_text(encoding="utf-8")):
        yield Path(os.path.normpath(page.parent / found))


def _uri(path: Path) -> str:
    """The place of a file of the repository in the site."""
    if path.is_relative_to(ROOT / "docs"):
        return str(path.relative_to(ROOT / "docs"))
    name = str(path.relative_to(ROOT))
    return f"{_ELSEWHERE}{name}/index.md" if path.is_dir() else f"{_ELSEWHERE}{name}"


def _source(uri: str) -> Path:
    """The file, or directory, of the repository at a place in the site."""
    if not uri.startswith(_ELSEWHERE):
        return ROOT / "docs" / uri
    path = ROOT / uri.removeprefix(_ELSEWHERE)
    return path if path.exists() else path.parent


def _files(directory: Path) -> list[Path]:
    return sorted(
        path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _listing(directory: Path) -> str:
    rows = [str(path.relative_to(directory)) for path in _files(directory)]
    name = directory.relative_to(ROOT)
    return f"# {name}\n\n" + "".join(f"- [{row}]({row})\n" for row in rows)
