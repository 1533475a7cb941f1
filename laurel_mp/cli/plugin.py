"""`laurel-mp` without a command: the auditd plugin, with LAUREL's options."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from laurel_mp import __version__
from laurel_mp.cli.main import EXIT_FAILURE, EXIT_USAGE, add_common
from laurel_mp.config import Config, load
from laurel_mp.errors import ConfigError, LaurelError
from laurel_mp.observe.log import start_logging
from laurel_mp.observe.malformed import MalformedReport
from laurel_mp.pipeline import options, surroundings
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.plugin import Plugin
from laurel_mp.pipeline.start import open_pipeline

STDIN = 0

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """Runs the plugin until its input ends; returns the exit status."""
    arguments = _parser().parse_args(words)
    path = Path(arguments.config) if arguments.config else None
    try:
        config = load(path)
        options.check(config)
    except ConfigError as error:
        start_logging()
        for line in str(error).splitlines():
            log.error("%s", line)  # noqa: TRY400 - for the administrator, no traceback
        return EXIT_USAGE
    if arguments.dry_run:
        _describe(config)
        return 0
    surroundings.take_charge()
    start_logging()
    try:
        _run(config)
    except LaurelError as error:
        log.error("%s", error)  # noqa: TRY400 - a message for the administrator, no traceback
        return EXIT_FAILURE
    except Exception:
        log.exception("laurel-mp is at fault")  # auditd sends what goes to stderr nowhere
        return EXIT_FAILURE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp",
        description=(
            "Turn Linux audit events into JSON. Without a command: read auditd's stream from "
            "standard input until it ends, as a plugin of auditd(8)."
        ),
        epilog="Commands: convert. See `laurel-mp COMMAND --help`.",
    )
    add_common(parser)
    parser.add_argument(
        "-d", "--dry-run", action="store_true", help="check the configuration and exit"
    )
    return parser


def _describe(config: Config) -> None:
    print("laurel-mp: the configuration is valid")
    for name in config.not_in_force:
        print(f"laurel-mp: not yet in force: {name}")


def _run(config: Config) -> None:
    log.info("started version %s", __version__)
    if config.not_in_force:
        log.warning("not yet in force: %s", ", ".join(config.not_in_force))
    report = MalformedReport(log.warning)
    with open_pipeline(config, Outputs.of_plugin(config), report.add, live=True) as pipeline:
        Plugin(pipeline, STDIN).run()
        ledger = pipeline.ledger()
    report.close()
    log.info(
        "stopped: %d lines, %d events, %d malformed, %d duplicates",
        ledger.lines,
        ledger.written,
        ledger.malformed,
        ledger.duplicate,
    )
    ledger.check()
