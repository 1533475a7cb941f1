"""Builds all filters of events from the configuration.

The schema declares each filter, and what it looks at (`looks_at`); `BUILD` says how it is made.
Everything else follows: to add a filter that looks at one of these, edit just the two.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable
from typing import Any

from laurel_mp.config import Config
from laurel_mp.config.settings import LooksAt, filters_on
from laurel_mp.errors import ConfigError
from laurel_mp.events.reassembly.content_filters import ContentFilters
from laurel_mp.processes.filters import ProcessFilters, UserRecordFilter, any_of, is_empty
from laurel_mp.processes.patterns import PatternSet
from laurel_mp.processes.sockets import SocketFilter

Filter = Callable[..., bool]
"""Takes what the filter looks at: a line, an address and a port, all keys of an event, all labels
or all services of its process, a program, or a user id in digits."""


class EventFilters:
    """The filters that a configuration sets. Raises ConfigError for users that do not exist."""

    def __init__(self, config: Config) -> None:
        self._config = config
        found: dict[LooksAt, list[Filter]] = {}
        for attribute, looks_at in filters_on(config.filter).items():
            built = BUILD[attribute](getattr(config.filter, attribute))
            found.setdefault(looks_at, []).append(built)
        self._by = {looks_at: _either(filters) for looks_at, filters in found.items()}

    @property
    def are_active(self) -> bool:
        """True if any event may be filtered."""
        return bool(self._by)

    @property
    def address(self) -> Filter | None:
        """The filter of socket addresses."""
        return self._by.get("addresses")

    def of_processes(self) -> ProcessFilters:
        """Returns the filters that the tracker applies."""
        get = self._by.get
        return ProcessFilters(
            keys=get("keys"),
            labels=get("labels"),
            programs=get("programs"),
            users=get("users"),
            services=get("services"),
            keep_first=self._config.filter.keep_first_per_process,
        )

    def of_content(self) -> ContentFilters:
        """Returns the filters that workers apply."""
        programs, users = self._by.get("programs"), self._by.get("users")
        return ContentFilters(
            raw_line=self._by.get("lines"),
            user_record=UserRecordFilter(programs, users).matches if programs or users else None,
            active=self.are_active,
        )


def _either(filters: list[Filter]) -> Filter:
    """Returns a filter that matches if one of `filters` does."""
    if len(filters) == 1:
        return filters[0]
    return lambda *arguments: any(each(*arguments) for each in filters)


def _names(names: tuple[str, ...]) -> Filter:
    return any_of(frozenset(name.encode() for name in names))


def _patterns(patterns: tuple[str, ...]) -> Filter:
    matches = PatternSet(patterns).matches
    return lambda text: bool(matches(text))


def _users(users: tuple[str, ...]) -> Filter:
    """Takes names and ids; raises ConfigError, with a line for each unknown name."""
    ids = set()
    unknown = []
    for user in users:
        try:
            is_id = user.isascii() and user.isdecimal()
            ids.add(str(int(user) if is_id else pwd.getpwnam(user).pw_uid).encode())
        except (KeyError, ValueError):  # ValueError: no name can have a NUL byte
            unknown.append(f"[filter] filter-users: no such user: {user!r}")
    if unknown:
        raise ConfigError("\n".join(unknown))
    return frozenset(ids).__contains__


BUILD: dict[str, Callable[[Any], Filter]] = {
    "filter_keys": _names,
    "filter_null_keys": lambda _: is_empty,
    "filter_labels": _names,
    "filter_raw_lines": _patterns,
    "filter_sockaddr": lambda sockets: SocketFilter(sockets).matches,
    "filter_systemd_services": _names,
    "filter_exe": _patterns,
    "filter_users": _users,
}
"""By attribute of `laurel_mp.config.schema.Filter`: makes the filter of the setting's value."""
