"""From the tables of a TOML file to a `Config`, and every problem on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from laurel_mp.config import pattern_check
from laurel_mp.config.kinds import MismatchError, is_loopback, show
from laurel_mp.config.schema import Config
from laurel_mp.config.settings import Setting, entries, label, spellings, walk


@dataclass(slots=True)
class Reading:
    """Reads one file, and collects its problems and the sections that have some."""

    problems: list[str] = field(default_factory=list)
    faulty: set[tuple[str, ...]] = field(default_factory=set)

    def config(self, tables: Mapping[str, object]) -> Config:
        """Build a configuration; where there are problems, it has defaults instead."""
        config: Config = self._section(Config, (), tables)
        self._check_consistency(config)
        self._check_patterns(config)
        return config

    def _section(
        self, schema: type[Any], path: tuple[str, ...], table: Mapping[str, object]
    ) -> Any:
        values: dict[str, object] = {}
        known = spellings(schema)
        for key, value in table.items():
            entry = known.get(key)
            if entry is None:
                self._unknown(path, key, value)
            elif entry.attribute in values:
                self._problem(path, key, f"{entry.name} is given already, by its other name")
            elif isinstance(entry, Setting):
                self._setting(path, key, entry, value, values)
            elif isinstance(value, dict):
                values[entry.attribute] = self._section(entry.schema, (*path, key), value)
            else:
                self._problem((*path, key), "", f"expected a table, got {show(value)}")
        for entry in entries(schema).values():
            if isinstance(entry, Setting) and entry.required and entry.name not in table:
                self._problem(
                    path, entry.name, f"expected {entry.kind.expected}, but it is missing"
                )
        return schema(**values)

    def _setting(
        self,
        path: tuple[str, ...],
        key: str,
        entry: Setting,
        value: object,
        values: dict[str, object],
    ) -> None:
        try:
            accepted = entry.kind.accept(value)
        except MismatchError as mismatch:
            self._problem(path, key, f"expected {entry.kind.expected}, got {mismatch}")
            return
        values[entry.attribute] = accepted

    def _problem(self, path: tuple[str, ...], key: str, text: str) -> None:
        self.faulty.add(path)
        self.problems.append(f"{label(path, key)}: {text}")

    def _unknown(self, path: tuple[str, ...], key: str, value: object) -> None:
        near = suggest(path, key)
        hint = f"; did you mean {near}?" if near else ""
        if isinstance(value, dict):
            self._problem((*path, _quoted(key)), "", f"unknown section{hint}")
        else:
            self._problem(path, _quoted(key), f"unknown key{hint}")

    def _check_consistency(self, config: Config) -> None:
        """Compare settings with each other; those of a faulty section have just defaults."""
        logs_filtered = config.filter.filter_action == "log"
        if self._sound("filter", "filterlog") and logs_filtered and not config.filterlog.file:
            self._problem(("filter",), "filter-action", '"log" needs a file in [filterlog]')
        pipeline = config.pipeline
        if self._sound("pipeline"):
            # A batch or a line that is larger than the window would never be let through.
            if pipeline.window_bytes < max(pipeline.batch_bytes, pipeline.max_line_bytes):
                text = "expected at least batch-bytes and max-line-bytes"
                self._problem(("pipeline",), "window-bytes", text)
            if pipeline.max_event_bytes < pipeline.max_line_bytes:
                text = "expected at least max-line-bytes"
                self._problem(("pipeline",), "max-event-bytes", text)

        metrics = config.metrics
        is_open = not metrics.allow_remote and not is_loopback(metrics.listen)
        if self._sound("metrics") and is_open:
            text = "other hosts reach this address, which needs allow-remote = true"
            self._problem(("metrics",), "listen", text)

    def _sound(self, *sections: str) -> bool:
        return not any((name,) in self.faulty for name in sections)

    def _check_patterns(self, config: Config) -> None:
        for path, entry, value in configured(config):
            for pattern in entry.kind.patterns(value):
                if because := pattern_check.problem(pattern):
                    text = f"expected a regular expression, got {show(pattern)}: {because}"
                    self._problem(path, entry.name, text)


def configured(
    section: Any, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], Setting, Any]]:
    """List all settings of a configuration with the path of their section and their value."""
    found = []
    for entry in entries(type(section)).values():
        value = getattr(section, entry.attribute)
        if isinstance(entry, Setting):
            found.append((path, entry, value))
        elif value is not None:
            found += configured(value, (*path, entry.name))
    return found


def suggest(path: tuple[str, ...], key: str) -> str:
    """Name the known setting or section that a wrong key in a section was meant to be, or ""."""
    # Imported here: only a configuration with a mistake needs it.
    from difflib import get_close_matches

    here: dict[str, str] = {}
    anywhere: dict[str, str] = {}
    for where, entry in walk(Config):
        if isinstance(entry, Setting):
            names, found = (entry.name, *entry.aliases), label(where, entry.name)
        else:
            names, found = (entry.name,), label((*where, entry.name))
        for name in names:
            anywhere.setdefault(name, found)
            if where == path:
                here[name] = found
    wanted = key.lower().replace("_", "-")
    # The right name below the wrong header is likelier than two similar names.
    if wanted in anywhere:
        return here.get(wanted) or anywhere[wanted]
    for known in (here, anywhere):
        if near := get_close_matches(wanted, known, n=1, cutoff=0.7):
            return known[near[0]]
    return ""


def _quoted(key: str) -> str:
    """Give a key as it can be written, on one line."""
    return key if key.replace("-", "").replace("_", "").isalnum() else repr(key)
