"""Facts about all settings at once."""

import subprocess
import sys

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
IN_FORCE = {
    "directory",
    "[auditlog] file",
    "[auditlog] line-prefix",
    "[filterlog] file",
    "[filterlog] line-prefix",
    "[debug.parse-error-log] file",
}
"""Beside the whole of some sections."""

WHOLE = {
    (name,) for name in ("transform", "translate", "enrich", "label-process", "filter", "pipeline")
}


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


def test_in_force() -> None:
    """What the schema says is in force, at least for some values, is this and whole sections."""
    found = {
        label(path, entry.name)
        for path, entry in walk(Config)
        if isinstance(entry, Setting) and entry.in_force and path[:1] not in WHOLE
    }

    assert found == IN_FORCE


@pytest.mark.parametrize(("path", "entry"), SETTINGS)
def test_whole_sections_are_in_force(path: tuple[str, ...], entry: Setting) -> None:
    """All settings of these sections are in force, for all of their values."""
    assert path[:1] not in WHOLE or entry.in_force is True


def test_attributes() -> None:
    """Attributes are the settings' names in snake case, those of the main section at the top."""
    config = Config()

    assert config.directory == "."
    assert config.pipeline.workers == "auto"
    assert config.enrich.parent_info
    assert config.transform.execve_argv_limit_bytes is None
    assert config.auditlog.file == "audit.log"
    assert config.debug.parse_error_log is None


def test_import_is_light() -> None:
    """Importing the package loads neither parsers nor the regular expression engine."""
    # Counted from where the interpreter, or the tool that measures coverage in it, has begun.
    script = (
        "import sys; before = set(sys.modules); "
        "import laurel_mp.config; print(*set(sys.modules) - before)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60
    )

    loaded = set(run.stdout.split())
    assert "laurel_mp.config.schema" in loaded
    assert not {"tomllib", "re2", "difflib", "json"} & loaded
