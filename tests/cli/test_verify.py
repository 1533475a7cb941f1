"""`laurel-mp verify`, on outputs of real runs over floods."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import COMMAND
from tests.support.plugin import plugin

EVENTS = 2000


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command of laurel-mp to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=100,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a flood, its truth, its configuration, and its conversion."""
    directory = tmp_path_factory.mktemp("flood")
    names = [directory / name for name in ("truth", "config.toml", "raw", "output")]
    truth, config, raw, output = names
    options = ("--events", EVENTS, "--interleave", 5, "--unique", 0.3, "--seed", 5)
    assert not run("flood", *options, "--truth", truth, "--config", config, "-o", raw).returncode
    assert not run("convert", "-w", 0, "-c", config, raw, "-o", output).returncode
    return directory


def test_a_right_output(made: Path) -> None:
    """All is as the flood knows it, and it is said in a line."""
    done = run("verify", "--truth", made / "truth", made / "output")

    assert done.stdout == f"{EVENTS} events expected, {EVENTS} found\nall right\n".encode()
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_wrong_output(made: Path) -> None:
    """Each fault is shown with its number and an example, from the configuration to the report."""
    lines = (made / "output").read_bytes().splitlines(keepends=True)
    # Which has a parent, and which has labels: what is swapped there is wrong for sure.
    parent = next(at for at in range(100, EVENTS) if b'"PARENT_INFO"' in lines[at])
    label = next(at for at in range(parent + 1, EVENTS) if b'"LABELS"' in lines[at])
    events = {at: json.loads(lines[at]) for at in (parent, label)}
    events[parent]["PARENT_INFO"]["ID"] = "0.000:1"
    events[label]["SYSCALL"]["LABELS"] = ["wrong"]
    for at, event in events.items():
        lines[at] = json.dumps(event).encode() + b"\n"
    lost = json.loads(lines.pop(50))["ID"]
    lines[30:30] = [lines[20]]
    lines[10], lines[11] = lines[11], lines[10]

    done = run("verify", "--truth", made / "truth", "--json", stdin=b"".join(lines))
    shown = run("verify", "--truth", made / "truth", stdin=b"".join(lines))

    report = json.loads(done.stdout)
    assert {kind: number for kind, number in report["counts"].items() if number} == {
        "lost": 1, "doubled": 1, "order": 1, "parent": 1, "label": 1
    }  # fmt: skip
    assert (done.returncode, shown.returncode, report["right"]) == (1, 1, False)
    assert [lost] == [example["id"] for example in report["examples"]["lost"]]
    text = shown.stdout.decode()
    assert text.endswith("NOT right\n")
    assert f"             {lost}\n" in text
    (wrong,) = report["examples"]["label"]
    assert f"{wrong['id']}: expected {json.dumps(wrong['expected'])}, found" in text


def test_what_is_not_looked_for(made: Path) -> None:
    """An output without labels and parents is right if they are not asked for."""
    output = made / "bare.log"
    assert not run("convert", "-w", 0, made / "raw", "-o", output).returncode

    asked = run("verify", "--truth", made / "truth", output)
    skipped = run("verify", "--truth", made / "truth", "--skip", "label", output)

    assert asked.returncode == 1
    assert b"\nlabel " in asked.stdout
    assert skipped.stdout.endswith(b"not looked for: label\nall right\n")
    assert skipped.returncode == 0


def test_usage(made: Path, tmp_path: Path) -> None:
    """A comparison that fails to run has another status than a difference."""
    truth, output = made / "truth", made / "output"
    wrong: list[tuple[object, ...]] = [
        (output,),
        ("--truth", truth, "--skip", "colour", output),
        ("--truth", truth, "--window", 0, output),
        ("--truth", truth, truth),
        ("--truth", output, made / "raw"),
        ("--truth", truth, tmp_path / "nothing"),
    ]
    for arguments in wrong:
        done = run("verify", *arguments)
        assert (done.returncode, done.stdout) == (2, b""), arguments
        assert b"Traceback" not in done.stderr


def test_a_live_plugin(made: Path, tmp_path: Path) -> None:
    """A plugin with two workers, fed by a flood through a socket as by auditd, makes no mistake."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'directory = "{tmp_path}"\n' + (made / "config.toml").read_text() + "[pipeline]\nworkers=2"
    )
    config.chmod(0o600)
    ours, theirs = socket.socketpair()
    truth, log = tmp_path / "truth", tmp_path / "audit.log"
    # The ids of processes of a flood are none of this host's: what runs here decides nothing.
    options = ("--events", str(EVENTS), "--rate", "4000", "--seed", "6", "--node", "elsewhere")
    command = [*COMMAND, "flood", *options, "--truth", str(truth)]

    with ours, plugin(config, stdin=theirs) as running:
        theirs.close()
        subprocess.run(
            command, stdout=ours.fileno(), stderr=subprocess.DEVNULL, check=True, timeout=60
        )
        ours.close()
        assert running.process.wait(60) == 0, running.messages

    done = run("verify", "--truth", truth, log)
    assert done.stdout == f"{EVENTS} events expected, {EVENTS} found\nall right\n".encode()


def test_without_end_markers(tmp_path: Path) -> None:
    """Events that nothing but time ends are awaited, too; output comes through a pipe."""
    truth, config, raw = (tmp_path / name for name in ("truth", "config.toml", "raw"))
    options = ("--events", 500, "--no-eoe", "--mix", "exec=5,uring=1,login=1", "--node", "web")
    assert not run("flood", *options, "--truth", truth, "--config", config, "-o", raw).returncode
    converted = run("convert", "-w", 0, "-c", config, raw).stdout

    done = run("verify", "--truth", truth, "-", stdin=converted)

    assert done.stdout.endswith(b"\nall right\n"), done.stdout.decode()
