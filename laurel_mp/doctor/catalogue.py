"""All checks, in their order: what keeps events away altogether comes first."""

from __future__ import annotations

from laurel_mp.doctor import (
    configuration,
    daemon,
    history,
    kernel,
    listeners,
    names,
    places,
    plugin_files,
    plugin_programs,
    rights,
    rules,
    space,
)
from laurel_mp.doctor.findings import Check

CHECKS: tuple[Check, ...] = (
    *plugin_files.CHECKS,
    *plugin_programs.CHECKS,
    *configuration.CHECKS,
    *places.CHECKS,
    *space.CHECKS,
    *history.CHECKS,
    *daemon.CHECKS,
    *kernel.CHECKS,
    *rules.CHECKS,
    *listeners.CHECKS,
    *names.CHECKS,
    *rights.CHECKS,
)
