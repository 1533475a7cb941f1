"""`laurel-mp top` in a terminal, with daemons that work, crash and restart."""

import os
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from tests.support.commands import COMMAND, wait_for_children
from tests.support.plugin import configure, numbers, plugin
from tests.support.streams import eoe, event
from tests.support.terminal import Terminal, terminal
from tests.support.waiting import wait_until

TAKEN, GIVEN_BACK = b"\x1b[?1049h", b"\x1b[?1049l"


def is_as_before(screen: Terminal, settings: list[object]) -> bool:
    """True if the terminal has its former settings."""
    ends = screen.raw.rfind(GIVEN_BACK) > screen.raw.rfind(TAKEN) >= 0
    shows_cursor = screen.raw.rfind(b"\x1b[?25h") > screen.raw.rfind(b"\x1b[?25l")
    return ends and shows_cursor and screen.settings == settings


def test_readable_in_80_by_24(tmp_path: Path) -> None:
    """Everything is there: rates, each process, the limit, totals and losses; q quits."""
    config = configure(tmp_path, 2, top="marker = 'here'")
    with plugin(config) as running:
        running.give(eoe(1) + b"bad\n" + event(7))
        wait_until(lambda: numbers(tmp_path / "audit.log") == [7], "it runs", 20)
        with terminal("top", "-c", config, "-i", "0.2") as screen:
            before = screen.settings
            screen.shows(lambda: "Events 1: 1 written" in screen.text, "totals")
            running.give(b"".join(event(serial) for serial in range(8, 50)))
            screen.shows(lambda: "Events 43: 43 written" in screen.text, "newer totals")
            lines = [line.rstrip() for line in screen.lines]
            screen.type(b"q")
            assert screen.end() == 0
            assert is_as_before(screen, before)
        assert running.end() == 0

    assert len(lines) == 24
    assert lines[0].startswith("laurel-mp 0.1.0  up 0:00:")
    assert lines[0].endswith("  2 workers  here")
    assert lines[1].startswith("Events ")
    assert lines[2] == "Limit: none: waiting for input"
    assert lines[3].split() == [
        "PROCESS", "PID", "EVENTS/S", "LINES/S", "CPU", "%", "MEMORY", "QUEUE", "LAG", "RESTARTS",
    ]  # fmt: skip
    names = [line.split()[0] for line in lines[4:10]]
    assert names == ["ingest", "fork-server", "worker-1", "worker-2", "tracker", "writer"]
    assert lines[11].startswith("Lines 131: 86 in events, 0 filtered, 44 ends, 0 duplicate,")
    text = "\n".join(lines)
    assert "1 malformed" in text
    assert "Losses and failures: none" in text
    assert lines[23] == "q quits"


@pytest.mark.parametrize(("columns", "lines"), [(40, 10), (20, 4), (200, 60), (1, 1)])
def test_other_sizes(tmp_path: Path, columns: int, lines: int) -> None:
    """It fits any screen, from the start and when the screen changes; processes go first."""
    config = configure(tmp_path, 0)
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        wait_until(lambda: numbers(tmp_path / "audit.log") == [7], "it runs", 20)
        with terminal("top", "-c", config, "-i", "0.2") as screen:
            screen.shows(lambda: "Events 1: 1 written" in screen.text, "totals")
            screen.resize(columns, lines)
            screen.shows(lambda: screen.lines[0].startswith("l"), "it is drawn again")
            screen.raw = b""
            screen.shows(lambda: screen.raw.count(b"\x1b[H") > 3, "again and again")
            if lines > 4:
                assert screen.text.startswith("laurel-mp 0.1.0")
                assert "\ningest " in screen.text
                assert screen.lines[-1].startswith("q quits")
            screen.type(b"q")
            assert screen.end() == 0
        assert running.end() == 0


def test_a_crash_and_a_reload(tmp_path: Path) -> None:
    """It survives the crash of a process, and another number of workers."""
    config = configure(tmp_path, 2)
    log = tmp_path / "audit.log"
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        wait_until(lambda: numbers(log) == [7], "it runs", 20)
        with terminal("top", "-c", config, "-i", "0.2") as screen:
            screen.shows(lambda: "worker-2" in screen.text, "two workers")
            wait_for_children(running.process, 2)["worker 1/2"].kill()
            screen.shows(lambda: "Recoveries 1," in screen.text, "the recovery")
            screen.shows(lambda: "recoveries 1, failures 1" in screen.text, "whom it is due to")
            configure(tmp_path, 3)
            running.process.send_signal(signal.SIGHUP)
            screen.shows(lambda: "worker-3" in screen.text, "three workers")
            screen.shows(lambda: "reloads 1," in screen.text, "the reload")
            running.give(event(8))
            screen.shows(lambda: "Events 2: 2 written" in screen.text, "the input behind it")
            screen.type(b"q")
            assert screen.end() == 0
        assert running.end() == 0


def test_another_daemon(tmp_path: Path) -> None:
    """Without a daemon it says so and waits; another one is shown as soon as it is there."""
    config = configure(tmp_path, 0)
    log = tmp_path / "audit.log"
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # one that is killed leaves its sockets
    with terminal("top", "-c", config, "-i", "0.2") as screen:
        before = screen.settings
        screen.shows(lambda: "no laurel-mp runs: there is no " in screen.text, "there is none")
        for number in (7, 8):
            with plugin(config, f"messages-{number}", environment=environment) as running:
                running.give(eoe(1) + event(number))
                wait_until(lambda n=number: n in numbers(log), "it runs", 20)  # type: ignore[misc]
                screen.shows(lambda: "Events 1: 1 written" in screen.text, "it is found")
                assert "retrying" not in screen.text
                running.process.kill() if number == 7 else running.end()
                running.process.wait(20)
            screen.shows(lambda: "no laurel-mp runs: " in screen.text, "it has ended")
            assert "Events 1: 1 written" in screen.text  # which is the last that is known
        screen.type(b"\x04")
        assert screen.end() == 0
        assert is_as_before(screen, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_signals(tmp_path: Path, number: signal.Signals) -> None:
    """However it is ended, the terminal is as it was."""
    with terminal("top", "--socket", tmp_path / "none") as screen:
        before = screen.settings
        screen.shows(lambda: "no laurel-mp runs" in screen.text, "it runs")
        assert screen.settings != before
        os.kill(screen.pid, number)
        assert screen.end() == 0
        assert is_as_before(screen, before)


def test_stopped_for_a_while(tmp_path: Path) -> None:
    """After ^Z the terminal is the shell's, and `fg` resumes `top`."""
    with terminal("top", "--socket", tmp_path / "none", "-i", "0.2") as screen:
        before = screen.settings
        screen.shows(lambda: "no laurel-mp runs" in screen.text, "it runs")
        os.kill(screen.pid, signal.SIGTSTP)
        _, status = os.waitpid(screen.pid, os.WUNTRACED)
        screen.shows(lambda: is_as_before(screen, before), "the terminal is given back")
        os.kill(screen.pid, signal.SIGCONT)
        screen.shows(lambda: not is_as_before(screen, before), "it is taken again")
        screen.shows(lambda: "no laurel-mp runs" in screen.text, "it continues")
        screen.type(b"q")
        assert screen.end() == 0
        assert is_as_before(screen, before)

    assert os.WIFSTOPPED(status)


def test_a_keyboard_that_goes_away(tmp_path: Path) -> None:
    """It ends when its terminal is gone."""
    with terminal("top", "--socket", tmp_path / "none") as screen:
        settings = screen.settings
        screen.shows(lambda: "no laurel-mp runs" in screen.text, "it runs")
        settings[3] = int(settings[3]) | termios.ICANON  # as a shell that takes it for itself
        termios.tcsetattr(screen.fd, termios.TCSANOW, settings)
        screen.type(b"\x04")
        assert screen.end() == 0


def test_without_a_terminal(tmp_path: Path) -> None:
    """Into a file there is nothing live, and it is said what there is."""
    command = [*COMMAND, "top", "--socket", str(tmp_path / "none")]
    piped = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (piped.returncode, piped.stdout) == (1, "")
    assert piped.stderr == "laurel-mp: top needs a terminal; `laurel-mp status` does not\n"


def test_wrong_configuration(tmp_path: Path) -> None:
    """Problems of the configuration are reported, and the daemon is shown all the same."""
    config = configure(tmp_path, 0)
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        wait_until((tmp_path / "status.sock").exists, "it can be asked", 20)
        config.write_text(config.read_text() + "[colour]\n")
        with terminal("top", "-c", config, columns=150) as screen:
            screen.shows(lambda: "Events 1: 1 written" in screen.text, "totals")
            screen.type(b"q")
            assert screen.end() == 0
        assert running.end() == 0

    before, _, _ = screen.raw.partition(TAKEN)
    assert b"[colour]: unknown section" in before
    assert b"broken configuration: assuming the socket" in before


def test_missing_configuration(tmp_path: Path) -> None:
    """A configuration that is not there is an error, on the screen as it is."""
    with terminal("top", "-c", tmp_path / "missing.toml") as screen:
        assert screen.end() == 2

    assert "no such file" in screen.text
    assert TAKEN not in screen.raw
