"""`laurel-mp` without a command: the auditd plugin, with LAUREL's options."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from laurel_mp import __version__
from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_common
from laurel_mp.cli.commands import COMMANDS
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
    arguments = _parser().parse_args(words)
    path = Path(arguments.config).absolute() if arguments.config else None
    try:
        config = load(path)
        stage_options.check(config)
        user = privileges.find_user(config.user)
        if arguments.dry_run:
            print("laurel-mp: the configuration is valid")
            return 0
        bootstrap.take_charge()
        kernel = _settle(config, user)
        _run(config, path, kernel)
    except ConfigError as error:
        for line in str(error).splitlines():
            log.error("%s", line)  # noqa: TRY400 - for the administrator, no traceback
        return exit_status.USAGE
    except LaurelError as error:
        log.error("%s", error)  # noqa: TRY400 - same
        return exit_status.FAILURE
    return 0


class _Parser(argparse.ArgumentParser):
    """One that says what is wrong where somebody finds it: auditd sends stderr nowhere."""

    def error(self, message: str) -> NoReturn:
        if leads_nowhere():
            log.error("wrong usage: %s", message)
        super().error(message)


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"  {name:10} {purpose}" for name, purpose in COMMANDS.items())
    parser = _Parser(
        prog="laurel-mp",
        description=(
            "Turn Linux audit events into JSON. Without a command: read auditd's stream from\n"
            "standard input until it ends, as a plugin of auditd(8)."
        ),
        epilog=(
            f"commands (see `laurel-mp COMMAND --help`):\n{commands}\n\n"
            "exit status: 0; 1 if it cannot go on; 2 for wrong usage, or a configuration that\n"
            "cannot be used."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    parser.add_argument(
        "-d", "--dry-run", action="store_true", help="check the configuration and exit"
    )
    return parser


def _settle(config: Config, user: privileges.User | None) -> KernelWatch | None:
    """Does what only root can, and gives up all other rights."""
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
    """The configuration, which perhaps only root can read; raises ConfigError."""
    with privileges.raised(privileges.Capability.DAC_READ_SEARCH):
        config = load(path)
    stage_options.check(config)
    return config
