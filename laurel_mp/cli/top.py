"""`laurel-mp top`: the load of the running daemon, live."""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from laurel_mp.cli import exit_status
from laurel_mp.cli.argument_types import add_version, positive
from laurel_mp.cli.daemon_config import add_daemon_options, find_socket
from laurel_mp.cli.top_view import Line, Sample, Style, View, screen
from laurel_mp.errors import LaurelError
from laurel_mp.observe.document import decode
from laurel_mp.observe.text import printable
from laurel_mp.pipeline.status.client import ask

STDIN, STDOUT = 0, 1

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

SHORTEST = 0.1
"""Shortest interval in seconds: the daemon answers 20 requests a second, of all clients."""

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # alternate screen, no cursor, no line wrapping
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


def main(words: Sequence[str]) -> int:
    """Runs `top`; returns the exit status."""
    arguments = _parser().parse_args(words)
    path = find_socket(arguments.config, arguments.socket)
    if not (os.isatty(STDIN) and os.isatty(STDOUT)) or os.environ.get("TERM") == "dumb":
        print("laurel-mp: top needs a terminal; `laurel-mp status` does not", file=sys.stderr)
        return exit_status.FAILURE
    with _Signals() as signals:
        terminal = _Terminal()
        with terminal.full_screen():
            _show(path, max(arguments.interval, SHORTEST), terminal, signals)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laurel-mp top",
        description=(
            "Show live rates, CPU time, memory and queues of each process of the daemon, the "
            "bottleneck, totals and losses. q quits."
        ),
        epilog=(
            "Exit status: 0; 1 without a terminal or a status socket; 2 for "
            "wrong usage. See docs/status.md."
        ),
    )
    add_version(parser)
    add_daemon_options(parser)
    parser.add_argument(
        "-i",
        "--interval",
        type=positive,
        default=1.0,
        metavar="SECONDS",
        help="time between updates (default: 1)",
    )
    return parser


class _Signals:
    """Turns signals into bytes of a pipe, which the main loop reads."""

    def __init__(self) -> None:
        self.read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        for number in (*ENDS, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        os.close(self.read)
        os.close(self._write)

    def take(self) -> set[int]:
        """Returns the signals that have arrived."""
        try:
            return set(os.read(self.read, 4096))
        except BlockingIOError:
            return set()


class _Terminal:
    """The terminal in full-screen mode, and restored at any exit."""

    def __init__(self) -> None:
        self._before = termios.tcgetattr(STDIN)

    @contextmanager
    def full_screen(self) -> Iterator[None]:
        """Switches to full screen for the block."""
        try:
            self._enter()
            yield
        except OSError:
            pass  # the terminal is gone
        finally:
            with suppress(OSError, termios.error):
                self._leave()

    def stop(self) -> None:
        """Restores it while this process is stopped by `^Z`."""
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._enter()

    def draw(self, lines: list[Line]) -> None:
        """Draws the whole screen; raises OSError if the terminal is gone."""
        text = "\r\n".join(
            f"\x1b[{line.style.value}m{line.text}\x1b[0m\x1b[K"
            if line.style is not Style.PLAIN
            else f"{line.text}\x1b[K"
            for line in lines
        )
        self._write(f"\x1b[H{text}\x1b[J")

    def _enter(self) -> None:
        tty.setcbreak(STDIN)
        self._write(_ENTER)

    def _leave(self) -> None:
        try:
            self._write(_LEAVE)
        finally:
            termios.tcsetattr(STDIN, termios.TCSADRAIN, self._before)

    @staticmethod
    def _write(text: str) -> None:
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            data = data[os.write(STDOUT, data) :]


def _show(path: Path, interval: float, terminal: _Terminal, signals: _Signals) -> None:
    """Updates the screen until the user quits."""
    poll = select.poll()
    for fd in (STDIN, signals.read):
        poll.register(fd, select.POLLIN)
    view: View | None = None
    last: Sample | None = None
    trouble = ""
    due = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= due:
            due = now + interval
            try:
                sample = _sample(path)
            except LaurelError as error:
                trouble = f"{printable(str(error))}; retrying"
            else:
                view, last, trouble = View(sample, last), sample, ""
        size = os.get_terminal_size(STDOUT)
        terminal.draw(screen(view, trouble, size.columns, size.lines))
        ready = {fd for fd, _ in poll.poll(max(due - time.monotonic(), 0) * 1000)}
        came = signals.take()
        if came & set(ENDS) or (STDIN in ready and _is_quit_pressed()):
            return
        if signal.SIGTSTP in came:
            terminal.stop()
            due = time.monotonic()


def _sample(path: Path) -> Sample:
    _, snapshot = decode(ask(path))
    return Sample(time.monotonic(), snapshot)


def _is_quit_pressed() -> bool:
    """Returns True if `q` or `^D` was pressed, or the terminal is gone."""
    keys = os.read(STDIN, 64)
    return not keys or any(key in b"qQ\x04" for key in keys)
