"""The configuration: `load` reads a TOML file, `Config` holds it.

Importing this package reads no file and loads nothing large: every process of the daemon does it.
"""

from laurel_mp.config.plain import from_dict, to_dict
from laurel_mp.config.schema import (
    AuditLog,
    Config,
    Debug,
    Enrich,
    Filter,
    FilterLog,
    LabelProcess,
    LogFile,
    Metrics,
    ParseErrorLog,
    Pipeline,
    State,
    Status,
    Transform,
    Translate,
)
from laurel_mp.config.toml_file import examine, load, parse, settings_before_error

__all__ = [
    "AuditLog",
    "Config",
    "Debug",
    "Enrich",
    "Filter",
    "FilterLog",
    "LabelProcess",
    "LogFile",
    "Metrics",
    "ParseErrorLog",
    "Pipeline",
    "State",
    "Status",
    "Transform",
    "Translate",
    "examine",
    "from_dict",
    "load",
    "parse",
    "settings_before_error",
    "to_dict",
]
