"""Prepares the process that auditd starts: environment, signals, descriptors, umask.

auditd starts a plugin with an empty environment, with signals ignored or blocked, with
descriptors of its own left open, and with umask 022 [auditd: audisp/audispd.c].
"""

from __future__ import annotations

import os
import signal
import sys

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""Needed by setproctitle: it uses the memory behind the first variable, and without variables it
fails silently."""

_PYTHONS_OWN = {"LC_CTYPE"}
"""Variables that the interpreter sets in an empty environment [PEP 538]."""


def give_environment() -> None:
    """Executes the program again with a minimal environment if it has none."""
    if set(os.environ) - _PYTHONS_OWN:
        return
    # `#!/usr/bin/env python3` finds the interpreter, but the interpreter does not find itself.
    program = sys.executable or "/proc/self/exe"
    try:
        os.execve(program, [program, *sys.orig_argv[1:]], ENVIRONMENT)  # noqa: S606
    except OSError:
        return  # only process titles are missing then


def import_everything() -> None:
    """Imports modules that are needed later, while all files can be read.

    The user that the program becomes may not have the right to read its modules.
    """
    import difflib  # noqa: F401 - for a configuration with a mistake
    import tomllib  # noqa: F401

    from laurel_mp.pipeline.runner import inline, parallel  # noqa: F401


def take_charge() -> None:
    """Sets signals, descriptors and umask of a process with one thread.

    The stop signals are not touched until there is a handler.
    """
    os.umask(0o077)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(
        signal.SIG_UNBLOCK, signal.valid_signals() - {signal.SIGTERM, signal.SIGINT}
    )
