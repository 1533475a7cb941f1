"""What auditd leaves a plugin with, made into what a process can work with.

auditd starts a plugin with an empty environment, with signals ignored or blocked, with
descriptors of its own left open, and with umask 022 [auditd: audisp/audispd.c].
"""

from __future__ import annotations

import os
import signal
import sys

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""Enough: setproctitle finds its place behind the first variable, and without any it does nothing
and does not say so."""

_PYTHONS_OWN = {"LC_CTYPE"}
"""What the interpreter sets by itself in an empty environment [PEP 538]."""


def give_environment() -> None:
    """Runs the program again, once, with a minimal environment if it has none."""
    if set(os.environ) - _PYTHONS_OWN:
        return
    # `#!/usr/bin/env python3` finds the interpreter, but the interpreter does not find itself.
    program = sys.executable or "/proc/self/exe"
    try:
        os.execve(program, [program, *sys.orig_argv[1:]], ENVIRONMENT)  # noqa: S606
    except OSError:
        return  # what is missing then are process titles


def import_everything() -> None:
    """Imports what is needed later on, while everything can be read.

    The user that the program becomes may not have the right to read its modules.
    """
    import difflib  # noqa: F401 - for a configuration with a mistake
    import tomllib  # noqa: F401

    from laurel_mp.pipeline.runner import inline, parallel  # noqa: F401


def take_charge() -> None:
    """Signals, descriptors and umask as this process wants them. It must have but one thread.

    The signals that end it stay as they are until someone handles them.
    """
    os.umask(0o077)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(
        signal.SIG_UNBLOCK, signal.valid_signals() - {signal.SIGTERM, signal.SIGINT}
    )
