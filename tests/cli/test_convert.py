"""`laurel-mp convert`, run as users run it."""

import gzip
import json
import lzma
import os
import pty
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import COMMAND, convert, started, titles, wait_for_children
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.pipelines import run
from tests.support.requirements import program, require
from tests.support.streams import eoe, event
from tests.support.waiting import wait_until

FILES = [pytest.param(path, id=corpus_name(path)) for path in corpus_files()]
PIPES: dict[str, Any] = {
    "stdin": subprocess.PIPE,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
}
DATA = eoe(1) + event(7) + event(8)
EXPECTED = run([DATA]).text


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small log."""
    path = tmp_path / "audit.log"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("path", FILES)
def test_workers(path: Path) -> None:
    """A capture has no malformed line, and gives the same bytes with any number of workers."""
    expected = run([corpus_bytes(path)])

    for workers in (0, 1, 2, 4):
        done = convert("-w", workers, path)
        assert done.returncode == 0, done.stderr
        assert expected.text == done.stdout
        lines = expected.counters["lines"]
        assert b" 0 malformed" in done.stderr
        assert b"laurel-mp: %d lines, " % lines in done.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_summary(log: Path, workers: int) -> None:
    """One line on stderr says what there was."""
    log.write_bytes(DATA + event(8) + b"bad\n")
    done = convert("-w", workers, log)

    malformed, summary = done.stderr.decode().splitlines()
    assert f"laurel-mp: {log}:11: malformed line, no audit record header: 'bad'" == malformed
    assert re.fullmatch(
        r"laurel-mp: 11 lines, 2 events, 1 malformed, 2 duplicates, "
        r"5 serials missing, \d+ lines/s",
        summary,
    )
    assert done.returncode == 0


@pytest.mark.parametrize("workers", [0, 2])
def test_stdin(workers: int) -> None:
    """Without a file, or with `-`, standard input is read."""
    assert convert("-w", workers, stdin=DATA).stdout == EXPECTED
    assert convert("-w", workers, "-", stdin=DATA).stdout == EXPECTED


def test_files_in_order(tmp_path: Path) -> None:
    """Several files, plain and compressed, are one stream in the order given."""
    plain, zipped, packed = (tmp_path / name for name in ("b", "a.gz", "c.xz"))
    plain.write_bytes(event(7)[:50])  # a file ends the line it ends in
    zipped.write_bytes(gzip.compress(event(8)))
    packed.write_bytes(lzma.compress(event(9)))
    done = convert("-w", 0, plain, zipped, packed)

    expected = run([event(7)[:50] + b"\n" + event(8) + event(9)])
    assert expected.text == done.stdout
    assert done.returncode == 0


def test_over_long_line_at_the_end_of_a_file(tmp_path: Path) -> None:
    """Skipping an over-long line ends with its file."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(b"x" * (5 << 20))
    second.write_bytes(event(7))
    done = convert("-w", 0, first, second)

    assert run([event(7)]).text == done.stdout


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.log", None),
        ("garbage.gz", b"garbage"),
        ("garbage.xz", b"garbage"),
        ("torn.gz", gzip.compress(DATA * 1000)[:-30]),
        ("torn.xz", lzma.compress(DATA * 1000)[:-30]),
        ("flipped.gz", gzip.compress(os.urandom(99999))[:50000] + bytes(100)),
    ],
)
def test_unreadable(
    tmp_path: Path, log: Path, workers: int, name: str, content: bytes | None
) -> None:
    """An input that cannot be read is named, the others are converted; the status is 1."""
    bad = tmp_path / name
    if content is not None:
        bad.write_bytes(content)
    done = convert("-w", workers, bad, log)

    assert done.returncode == 1
    assert re.match(
        rf"laurel-mp: {bad}: (cannot (be read|read the rest): |no audit records: this looks like )",
        done.stderr.decode(),
    ), done.stderr
    assert b"Traceback" not in done.stderr
    assert EXPECTED.splitlines()[-1][:30] in done.stdout


def test_a_directory_without_logs(tmp_path: Path, log: Path) -> None:
    """A directory without logs is an error, and other inputs are converted."""
    (tmp_path / "empty").mkdir()
    done = convert("-w", 0, tmp_path / "empty", log)

    assert done.returncode == 1
    assert done.stdout == EXPECTED
    assert f"laurel-mp: {tmp_path}/empty: no logs: " in done.stderr.decode()


@pytest.mark.parametrize("workers", [0, 2])
def test_output_file(tmp_path: Path, log: Path, workers: int) -> None:
    """`-o` writes a file that others cannot read, in the place of what was there."""
    output = tmp_path / "out.json"
    done = convert("-w", workers, "-o", output, log)

    assert done.stdout == b""
    assert output.read_bytes() == EXPECTED
    assert stat.S_IMODE(output.stat().st_mode) == 0o600

    convert("-w", workers, "-o", output, log)
    assert output.read_bytes() == EXPECTED


def test_output_is_an_input(log: Path) -> None:
    """A log is not overwritten by what is made of it."""
    done = convert("-w", 0, "-o", log, log)

    assert done.returncode == 2
    assert log.read_bytes() == DATA


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("output", ["/dev/full", "/nowhere/out.json"])
def test_output_fails(log: Path, workers: int, output: str) -> None:
    """An output that cannot be written is named; the status is 1."""
    done = convert("-w", workers, "-o", output, log)

    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"laurel-mp: {output}: cannot be written: ")


@pytest.mark.parametrize("workers", [0, 2])
def test_closed_pipe(workers: int) -> None:
    """When the reader has had enough, `convert` ends quietly, and all its processes with it."""
    (path,) = [path for path in corpus_files() if "builds.raw" in path.name]
    with started("convert", "-w", workers, path, **PIPES) as process:
        assert process.stdout
        assert process.stderr
        json.loads(process.stdout.readline())
        process.stdout.close()

        assert process.wait(20) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("workers", [0, 2])
def test_interrupt(workers: int) -> None:
    """^C, which a terminal sends to all processes, ends it quietly with status 130."""
    arguments = ["convert", "-w", str(workers)]
    with started(*arguments, **PIPES, start_new_session=True) as process:
        assert process.stdin
        assert process.stderr
        assert process.stdout
        process.stdin.write(DATA + event(9))
        process.stdin.flush()
        assert process.stdout.readline()  # it is in the middle of its work
        os.killpg(process.pid, signal.SIGINT)

        assert process.wait(10) == 130
        assert process.stderr.read() == b""


def test_titles() -> None:
    """`ps` shows what each process is."""
    with started("convert", "-w", 2, **PIPES) as process:
        wait_for_children(process, 2)
        assert process.stdin
        process.stdin.close()
        wait_until(lambda: not titles(process), "all of them have ended")


@pytest.mark.parametrize("victim", ["worker 1/2", "worker 2/2", "tracker", "writer", "fork server"])
def test_child_killed(victim: str) -> None:
    """A child that is killed is replaced, and the log says so."""
    with started("convert", "-w", 2, **PIPES) as process:
        wait_for_children(process, 2)[victim].kill()
        output, messages = process.communicate(DATA, timeout=30)

    assert process.returncode == 0
    assert output == run([DATA]).text
    assert b"restarting all processes from the last checkpoint" in messages


def test_progress_bar(tmp_path: Path) -> None:
    """On a terminal there is a progress bar while it runs, and at the end only the summary."""
    log = tmp_path / "[red].log"  # no markup
    log.write_bytes(DATA * 20_000)
    main, terminal = pty.openpty()
    with started("convert", "-w", 0, log, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        try:
            while data := os.read(main, 65536):
                shown += data
        except OSError:  # the terminal was closed
            pass
        os.close(main)

        assert process.wait(20) == 0
        assert b"[red].log" in shown
        assert b"\x1b[2K" in shown  # it erased what it had drawn
        assert b"140000 lines" in shown.splitlines()[-1]


def test_no_progress_bar(log: Path) -> None:
    """Without a terminal at stderr nothing is drawn."""
    assert b"\x1b" not in convert("-w", 0, log).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--bogus"], 2, "unrecognized arguments: --bogus"),
        (["convert", "--bogus"], 2, "unrecognized arguments: --bogus"),
        (["convert", "-w", "-1"], 2, "expected a number from 0 to 256: '-1'"),
        (["convert", "-w", "257"], 2, "expected a number from 0 to 256: '257'"),
        (["convert", "-w", "x"], 2, "expected a number from 0 to 256: 'x'"),
        (["convert", "-c", "/nowhere.toml"], 2, "/nowhere.toml: "),
        (["-c", "/nowhere.toml"], 2, "/nowhere.toml: "),
        (["-v"], 0, "laurel-mp 0."),
        (["convert", "-v"], 0, "laurel-mp 0."),
        (["-h"], 0, "convert"),
        (["convert", "-h"], 0, "Exit status: 0 if all inputs were converted to their ends"),
        (["help"], 0, "convert audit logs to JSON lines"),
        (["help", "convert"], 0, "Exit status: 0 if all inputs were converted to their ends"),
        (["help", "convrt"], 2, "no such command: 'convrt'; did you mean 'convert'?"),
        (["convrt"], 2, "no such command: 'convrt'; did you mean 'convert'?"),
        (["convrt", "-o", "x", "y"], 2, "no such command: 'convrt'; did you mean 'convert'?"),
        (["Status"], 2, "no such command: 'Status'; did you mean 'status'?"),
        (["frobnicate"], 2, "no such command: 'frobnicate'; see `laurel-mp help`"),
        (["-c", "/nowhere.toml", "convert"], 2, "the command comes first: laurel-mp convert ..."),
        (["convrt"], 2, "laurel-mp COMMAND [OPTION...]"),
    ],
)
def test_usage(arguments: list[str], status: int, says: str) -> None:
    """Options take effect, or are refused with status 2."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, check=False, text=True, timeout=60
    )

    assert status == done.returncode
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [[], ["convert"]])
def test_wrong_configuration(tmp_path: Path, command: list[str]) -> None:
    """Each problem of a configuration has its own line; the status is 2."""
    path = tmp_path / "config.toml"
    path.write_text('directroy = "/x"\n[pipeline]\nworkers = "many"\n')
    path.chmod(0o600)
    done = subprocess.run(
        [*COMMAND, *command, "-c", path], capture_output=True, check=False, text=True, timeout=60
    )

    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(str(path) in line for line in lines)


@pytest.mark.parametrize("command", [["-d"], [], ["convert"]])
def test_unknown_user(tmp_path: Path, command: list[str]) -> None:
    """A user that this host does not have is an error of the configuration, with `-d` too."""
    path = tmp_path / "config.toml"
    path.write_text('[filter]\nfilter-users = ["no such user"]\n')
    path.chmod(0o600)
    done = subprocess.run(
        [*COMMAND, *command, "-c", path], capture_output=True, check=False, text=True, timeout=60
    )

    file = f"{path}: " if command == ["-d"] else ""
    says = f"laurel-mp: {file}[filter] filter-users: no such user: 'no such user'\n"
    assert (2, says) == (done.returncode, done.stderr)


def test_console_script(log: Path) -> None:
    """The installed program is the same."""
    script = Path(sys.executable).parent / "laurel-mp"
    require(script.exists(), "laurel-mp installed beside the interpreter")
    done = subprocess.run([script, "convert", "-w", "0", log], capture_output=True, check=True)

    assert done.stdout == EXPECTED


def test_malformed_lines_are_kept(tmp_path: Path, log: Path) -> None:
    """The parse-error log of the configuration gets malformed lines from `convert`, too."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'directory = "{tmp_path}"\n[debug]\nparse-error-log = {{ file = "malformed.log" }}\n'
    )
    path.chmod(0o600)
    log.write_bytes(b"bad\n" + DATA + b"\0worse")
    for workers in (0, 2):
        assert convert("-w", workers, "-c", path, log).returncode == 0

    assert (tmp_path / "malformed.log").read_bytes() == b"bad\n\0worse\n" * 2


@pytest.mark.parametrize("workers", [0, 2])
def test_filtered_log_is_continued(tmp_path: Path, log: Path, workers: int) -> None:
    """The filtered log of the configuration may be a running plugin's: nothing in it is lost."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'directory = "{tmp_path}"\n[filterlog]\nfile = "filtered.log"\n'
        "[filter]\nfilter-null-keys = true\nkeep-first-per-process = false\n"
        'filter-action = "log"\n'
    )
    path.chmod(0o600)
    (tmp_path / "filtered.log").write_bytes(b"before\n")

    assert convert("-w", workers, "-c", path, log).stdout == b""
    assert (tmp_path / "filtered.log").read_bytes() == b"before\n" + EXPECTED


def test_many_malformed_lines(log: Path) -> None:
    """Ten malformed lines are shown, the others counted."""
    log.write_bytes(b"bad\n" * 500 + DATA)
    *shown, summary = convert("-w", 0, log).stderr.decode().splitlines()

    assert len(shown) == 11
    assert shown[-1] == "laurel-mp: 490 more malformed lines"
    assert "500 malformed" in summary


def test_ledger_mismatch(log: Path) -> None:
    """Counters that do not add up are an error, not a warning."""
    script = (
        "import sys\n"
        "from laurel_mp.cli.main import main\n"
        "from laurel_mp.stages.router import Router\n"
        "route = Router.route\n"
        "def wrong(self, *arguments, **more):\n"
        "    self.counters.lines += 1\n"
        "    return route(self, *arguments, **more)\n"
        "Router.route = wrong\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "convert", "-w", "0", log], capture_output=True, check=False
    )

    assert done.returncode == 1
    assert b"lines were read, but 7 accounted for" in done.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_proc_is_not_read(tmp_path: Path, log: Path, workers: int) -> None:
    """Conversion looks at nothing of this machine: no process of it touches /proc."""
    strace = program("strace")
    require(strace, "strace (Debian: apt-get install strace)")
    assert strace
    trace = tmp_path / "trace"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    command = [*COMMAND, "convert", "-w", str(workers), str(log)]
    done = subprocess.run(
        [strace, "-f", "-e", "trace=%file", "-o", trace, *command],
        capture_output=True,
        check=True,
        env=environment,
        timeout=100,
    )

    assert done.stdout == EXPECTED
    assert str(log) in trace.read_text()
    assert [line for line in trace.read_text().splitlines() if '"/proc' in line] == []


def test_closed_standard_streams(log: Path) -> None:
    """Without stdin and stderr nothing gets into the output that does not belong there."""
    shell = 'exec "$@" <&- 2>&-'
    command = ["sh", "-c", shell, "sh", *COMMAND, "convert", "-w", "0"]
    with_file = subprocess.run([*command, log], stdout=subprocess.PIPE, check=True)
    without = subprocess.run(command, stdout=subprocess.PIPE, check=True)

    assert with_file.stdout == EXPECTED
    assert without.stdout == b""


def test_stdin_that_does_not_wait() -> None:
    """A pipe that another process made non-blocking is read to its end."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    with started("convert", "-w", "0", stdin=read, stdout=subprocess.PIPE) as process:
        os.close(read)
        os.write(write, DATA[:100])
        wait_until(lambda: process.poll() is None and _is_waiting(process.pid), "it waits for more")
        os.write(write, DATA[100:])
        os.close(write)
        assert process.stdout

        assert process.stdout.read() == EXPECTED


def _is_waiting(pid: int) -> bool:
    import psutil

    return psutil.Process(pid).status() == psutil.STATUS_SLEEPING
