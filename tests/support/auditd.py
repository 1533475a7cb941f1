"""A real auditd for tests: the one that load tests use."""

from laurel_mp.loadtest.auditd import (
    HARMLESS,
    LONGEST_CONF_LINE,
    PluginConf,
    RealAuditd,
    alone,
    install_plugin,
    real_auditd,
)

__all__ = [
    "HARMLESS",
    "LONGEST_CONF_LINE",
    "PluginConf",
    "RealAuditd",
    "alone",
    "install_plugin",
    "real_auditd",
]
