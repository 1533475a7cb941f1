"""Filters that workers apply, by what stands in the records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContentFilters:
    """Filters by the content of events."""

    raw_line: Callable[[bytes], bool] | None = None
    """True for an input line, without its line feed, whose event is to be filtered."""
    user_record: Callable[[bytes], bool] | None = None
    """True for the body of a record from user space that is to be filtered."""
    active: bool = False
    """True if any event may be filtered, by these filters or by others."""
