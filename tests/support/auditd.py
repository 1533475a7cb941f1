"""A real auditd for tests: the one that load tests use."""

from laurel_mp.loadtest.auditd import PluginConf, RealAuditd, install_plugin, real_auditd

__all__ = ["PluginConf", "RealAuditd", "install_plugin", "real_auditd"]
