"""`laurel-mp` without a command: the auditd plugin, with LAUREL's options."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from laurel_mp import __version__
from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common
from laurel_mp.cli.commands import COMMANDS, unknown_command
from laurel_mp.config import Config, load
from laurel_mp.errors import ConfigError, LaurelError
from laurel_mp.observe.log import leads_nowhere, start_logging
from laurel_mp.pipeline.daemon import bootstrap
from laurel_mp.pipeline.daemon.kernel_watch import KernelWatch
from laurel_mp.pipeline.daemon.plugin import Plugin
from laurel_mp.pipeline.runner import stage_options
from laurel_mp.pipeline.status import log_report
from laurel_mp.system import log_directory, privileges, runtime_directory

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """Runs the plugin until its input ends; returns the exit status."""
    start_logging()
    arguments = _parse(words)
    path = Path(arguments.config).absolute() if arguments.config else None
    try:
        if arguments.dry_run:
            return _dry_run(arguments.config)
        config = load(path)
        stage_options.check(config)
        user = privileges.find_user(config.user)
        if config.input == "stdin" and os.isatty(0):
            log.info("reading audit records from the terminal: ^D ends the input")
        bootstrap.take_charge()
        kernel = _settle(config, user)
        _run(config, path, kernel)
    except ConfigError as error:
        _log_problems(str(error).splitlines())
        return exit_status.USAGE
    except LaurelError as error:
        log.error("%s", error)  # noqa: TRY400 - same
        return exit_status.FAILURE
    return 0


def _dry_run(given: str | None) -> int:
    """Checks the configuration of the daemon; returns the exit status."""
    # Imported here: the plugin itself does not need them.
    from laurel_mp.cli.daemon_config import find_config
    from laurel_mp.cli.dry_run import problems_of

    location = find_config(given)
    if problems := problems_of(Path(location.file)) if location.file else []:
        _log_problems(problems)
        return exit_status.USAGE
    print(f"laurel-mp: {location.text}: the configuration is valid")
    return 0


def _log_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        log.error("%s", problem)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """Parses the options; ends the process if there is anything else."""
    found = parser()
    arguments, others = found.parse_known_args(words)
    for word in others:
        if word in COMMANDS:
            found.error(f"the command comes first: laurel-mp {word} ...")
        if not word.startswith("-"):
            found.error(unknown_command(word))
    if others:
        found.error(f"unrecognized arguments: {' '.join(others)}")
    return arguments


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in the system's log, too, if stderr leads to /dev/null."""

    def error(self, message: str) -> NoReturn:
        if leads_nowhere():
            log.error("wrong usage: %s", message)
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of laurel-mp without a command."""
    commands = "\n".join(f"  {name:10} {purpose}" for name, purpose in COMMANDS.items())
    found = _Parser(
        prog="laurel-mp",
        usage="laurel-mp [OPTION...]\n       laurel-mp COMMAND [OPTION...] [ARGUMENT...]",
        description=(
            "Turn Linux audit events into JSON. Without a command, laurel-mp is a plugin of\n"
            "auditd(8): it reads audit records from standard input until the input ends."
        ),
        epilog=(
            f"commands (`laurel-mp help COMMAND` describes one):\n{commands}\n\n"
            "exit status: 0; 1 after a failure; 2 for wrong usage or an invalid configuration."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(found)
    found.add_argument(
        "-d",
        "--dry-run",
        action="store_true",
        help="check the configuration and exit; without -c, that of the daemon on this host",
    )
    return found


def _settle(config: Config, user: privileges.User | None) -> KernelWatch | None:
    """Prepares everything that needs root, and gives up all other rights."""
    privileges.check(user)
    log_directory.prepare(Path(config.directory), user)
    runtime_directory.prepare(user)
    bootstrap.import_everything()
    kernel = None
    if config.loss.kernel:
        kernel = KernelWatch()
        kernel.start(user)
    privileges.drop(user, privileges.needed(config))
    return kernel


def _run(config: Config, path: Path | None, kernel: KernelWatch | None) -> None:
    log.info("%s", log_report.started(__version__, config))
    plugin = Plugin(config, lambda: _load(path), kernel)
    ledger = plugin.run()
    log.info("%s", log_report.stopped(ledger, config))


def _load(path: Path | None) -> Config:
    """Reads the configuration, also if only root can read it; raises ConfigError."""
    with privileges.raised(privileges.Capability.DAC_READ_SEARCH):
        config = load(path)
    stage_options.check(config)
    return config
