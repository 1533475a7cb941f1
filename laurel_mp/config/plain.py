"""A configuration as plain values, to hand it to another process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laurel_mp.config.schema import Config
from laurel_mp.config.settings import Setting, entries


def to_dict(config: Config) -> dict[str, Any]:
    """Give a configuration as nested dicts, tuples, strings and numbers, all fit for msgpack.

    The names are attributes', and what has its default is left out.
    """
    return _plain(config)


def from_dict(plain: Mapping[str, Any]) -> Config:
    """Make a configuration of what `to_dict` gave, also if tuples have become lists on the way.

    Nothing is validated again: the other process has done so.
    """
    config: Config = _section(Config, plain)
    return config


def _plain(section: Any) -> dict[str, Any]:
    found = {}
    for entry in entries(type(section)).values():
        value = getattr(section, entry.attribute)
        if isinstance(entry, Setting):
            if value != entry.default:
                found[entry.attribute] = value
        # An optional section counts although all of it may be defaults.
        elif value is not None and (entry.optional or value != entry.schema()):
            found[entry.attribute] = _plain(value)
    return found


def _section(schema: type[Any], plain: Mapping[str, Any]) -> Any:
    values = {}
    for entry in entries(schema).values():
        if entry.attribute in plain:
            value = plain[entry.attribute]
            if isinstance(entry, Setting):
                values[entry.attribute] = tuple(value) if isinstance(value, list) else value
            else:
                values[entry.attribute] = _section(entry.schema, value)
    return schema(**values)
