"""Reads the configuration again while the plugin runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from laurel_mp.config import Config
from laurel_mp.errors import ConfigError, OutputError
from laurel_mp.pipeline.runner.run_outputs import Outputs
from laurel_mp.system import privileges

FIXED = {
    "": ("user", "input", "directory"),
    "debug": ("inputlog", "log"),
    "pipeline": ("spool", "spool_bytes"),
    "loss": ("kernel",),
}
"""Settings that cannot change while the plugin runs, by section."""

Reconfigure = Callable[[], Config]
"""Reads the configuration again; raises ConfigError."""

log = logging.getLogger(__name__)


def reload(
    reconfigure: Reconfigure, present: Config, first: Config
) -> tuple[Config, Outputs] | None:
    """Returns the new configuration and its outputs; None if it cannot be used, which is logged.

    `first` is the configuration at the start, by which rights were dropped.
    """
    try:
        config = with_fixed(reconfigure(), present)
        outputs = Outputs.of_plugin(config)
    except (ConfigError, OutputError) as error:
        for line in str(error).splitlines():
            log.error("%s", line)  # noqa: TRY400 - for the administrator, no traceback
        log.error("keeping the former configuration")  # noqa: TRY400 - same
        return None
    beyond = privileges.beyond(first, config)
    if beyond:
        names = ", ".join(sorted(f"CAP_{each.name}" for each in beyond))
        log.warning("rights were dropped at the start, restart to use them: %s", names)
    return config, outputs


def with_fixed(config: Config, present: Config) -> Config:
    """Returns a new configuration with the fixed settings of `present`; logs which differ."""
    named = []
    for section, names in FIXED.items():
        new: Any = getattr(config, section) if section else config
        old = getattr(present, section) if section else present
        fixed = {each: getattr(old, each) for each in names}
        changed = [each for each in names if getattr(new, each) != fixed[each]]
        if changed:
            named += [f"[{section}] {each}" if section else each for each in changed]
            new = replace(new, **fixed)
            sections: dict[str, Any] = {section: new}
            config = replace(config, **sections) if section else new
    if named:
        text = ", ".join(named).replace("_", "-")
        log.warning("settings change at the next start only: %s", text)
    return config
