"""The registry of sink kinds: `-`, `| program`, `unix:/path`, … and what implements each.

To add a kind, write its module and add its line to `KINDS`; see CONTRIBUTING.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class SinkKind:
    """One kind of sink, as the setting `file` names it."""

    name: str
    prefix: str
    """The beginning of the setting; empty for the kind that takes all other values."""
    form: str
    """The setting as it is shown to users."""
    module: str
    """Module whose `DRIVER` checks and opens sinks of this kind (`laurel_mp.outputs.driver`).

    It is imported when a sink of this kind is configured: no process loads code that it does not
    use, and the configuration stays below the outputs in the layers.
    """

    @property
    def is_file(self) -> bool:
        """True if the address is a path in the file system that is opened as a file."""
        return not self.prefix

    def takes(self, setting: str) -> bool:
        """True if a setting names a sink of this kind."""
        # "-" has no address: "-x" is a file.
        return setting == "-" if self.prefix == "-" else setting.startswith(self.prefix)

    def driver(self) -> Any:
        """Returns the `laurel_mp.outputs.driver.Driver` of this kind."""
        return import_module(self.module).DRIVER


KINDS = (
    SinkKind("stdout", "-", "-", "laurel_mp.outputs.stream"),
    SinkKind("program", "|", "| program", "laurel_mp.outputs.program"),
    SinkKind("unix", "unix:", "unix:/path", "laurel_mp.outputs.unix_socket"),
    SinkKind("syslog", "syslog:", "syslog:tcp:address:port", "laurel_mp.outputs.syslog"),
    SinkKind("file", "", "a file name", "laurel_mp.outputs.path"),
)
"""All kinds. The first one that takes a setting is its kind."""


def kind_of(setting: str) -> SinkKind:
    """Returns the kind of sink that a setting names."""
    return next(kind for kind in KINDS if kind.takes(setting))


def problem(setting: str) -> str:
    """Says in words why a setting names no sink, or returns ""."""
    kind = kind_of(setting)
    found: str = kind.driver().problem(setting.removeprefix(kind.prefix))
    return found


def in_words(quote: str) -> str:
    """Lists all forms of the setting in a sentence: `a file name, "-" or "unix:/path"`."""
    *others, last = _forms(quote)
    return f"{', '.join(others)} or {last}"


def _forms(quote: str) -> Iterator[str]:
    for kind in sorted(KINDS, key=lambda kind: not kind.is_file):
        yield kind.form if kind.is_file else f"{quote}{kind.form}{quote}"
