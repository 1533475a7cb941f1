"""Facts about all settings at once."""

import pytest

from laurel_mp.config import Config
from laurel_mp.config.settings import Section, Setting, entries, label, spellings, walk

SETTINGS = [
    pytest.param(path, entry, id=label(path, entry.name))
    for path, entry in walk(Config)
    if isinstance(entry, Setting)
]
SECTIONS = [
    pytest.param(entry, id=entry.name) for _, entry in walk(Config) if isinstance(entry, Section)
]


@pytest.mark.parametrize(("path", "entry"), SETTINGS)
def test_documented(path: tuple[str, ...], entry: Setting) -> None:
    """Every setting has a line of documentation, which ends as a sentence does."""
    assert entry.doc.endswith(".")
    assert "\n" not in entry.doc
    assert entry.kind.expected or path


@pytest.mark.parametrize("entry", SECTIONS)
def test_section_documented(entry: Section) -> None:
    """Every section has a line of documentation, which ends as a sentence does."""
    assert entry.doc.endswith(".")


@pytest.mark.parametrize(("path", "entry"), SETTINGS)
def test_default_is_valid(path: tuple[str, ...], entry: Setting) -> None:
    """Every default could have been written in a file, unless it means "none"."""
    if entry.default not in (None, ""):
        assert entry.default == entry.kind.accept(entry.default), path


@pytest.mark.parametrize("entry", SECTIONS)
def test_aliases_are_unique(entry: Section) -> None:
    """No alias hides another setting of its section."""
    aliases = [
        a for e in entries(entry.schema).values() if isinstance(e, Setting) for a in e.aliases
    ]

    assert len(entries(entry.schema)) + len(aliases) == len(spellings(entry.schema))
