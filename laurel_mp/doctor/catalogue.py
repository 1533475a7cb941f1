"""All checks, in their order: what keeps events away altogether comes first."""

from __future__ import annotations

from laurel_mp.doctor import (
    auditd_conf_checks,
    config_checks,
    directory_checks,
    disk_space_checks,
    kernel_checks,
    listener_checks,
    name_lookup_checks,
    plugin_file_checks,
    plugin_program_checks,
    rights_checks,
    rule_checks,
    runtime_checks,
)
from laurel_mp.doctor.findings import Check

CHECKS: tuple[Check, ...] = (
    *plugin_file_checks.CHECKS,
    *plugin_program_checks.CHECKS,
    *config_checks.CHECKS,
    *directory_checks.CHECKS,
    *disk_space_checks.CHECKS,
    *runtime_checks.CHECKS,
    *auditd_conf_checks.CHECKS,
    *kernel_checks.CHECKS,
    *rule_checks.CHECKS,
    *listener_checks.CHECKS,
    *name_lookup_checks.CHECKS,
    *rights_checks.CHECKS,
)
