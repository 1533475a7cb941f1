"""`laurel-mp flood`, run as users run it."""

import os
import re
import stat
import subprocess
from dataclasses import astuple
from pathlib import Path

import pytest

from laurel_mp.cli import flood as module
from laurel_mp.loadtest.flood import Flood, Options, Tree, mix, truth_configuration
from tests.support.commands import COMMAND, convert, started
from tests.support.floods import differences, read_truth

PAGE = Path(__file__).parents[2] / "docs" / "load-testing.md"


def flood(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    """Run `laurel-mp flood` to its end."""
    return subprocess.run(
        [*COMMAND, "flood", *map(str, arguments)], capture_output=True, check=False, timeout=60
    )


def test_options_arrive() -> None:
    """Each option does what the class says; the stream goes to standard output."""
    expected = Options(
        events=300,
        mix={"exec": 2.0, "argv": 1.0},
        tree=Tree(40, 3, 4),
        unique=0.5,
        interleave=3,
        enriched=True,
        node="web1",
        eoe=False,
        seed=9,
        start=1_600_000_000,
        rate=1e6,
    )
    words = (
        "--events 300 --mix exec=2,argv --processes 40,3,4 --unique 0.5 --interleave 3"
        " --format enriched --node web1 --no-eoe --seed 9 --start 1600000000 --rate 1e6"
    )

    done = flood(*words.split())

    assert b"".join(Flood(expected).chunks()) == done.stdout
    assert done.returncode == 0
    lines, size = done.stdout.count(b"\n"), len(done.stdout)
    assert f"laurel-mp: 300 events, {lines} lines, {size} bytes, " in done.stderr.decode()


@pytest.mark.parametrize("workers", [0, 2])
def test_convert_finds_the_truth(tmp_path: Path, workers: int) -> None:
    """Stream, truth and configuration go together."""
    stream, truth, config = (tmp_path / name for name in ("stream", "truth", "config.toml"))

    done = flood(
        *("--events", 3000, "--mix", "all", "--interleave", 4, "--unique", 0.3),
        *("-o", stream, "--truth", truth, "--config", config),
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    converted = convert("-w", workers, "-c", config, stream)

    assert converted.returncode == 0, converted.stderr
    assert b" 3000 events, 0 malformed, 0 duplicates" in converted.stderr
    _, events = read_truth(truth.read_bytes())
    assert differences(events, converted.stdout.splitlines()) == []


def test_configuration_can_be_used(tmp_path: Path) -> None:
    """The plugin, too, takes it as it is, without a word more."""
    config = tmp_path / "config.toml"
    assert flood("--events", 0, "--config", config).returncode == 0
    assert config.read_text() == truth_configuration.text()

    done = subprocess.run(
        [*COMMAND, "-d", "-c", config], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "not in force" in done.stdout + done.stderr) == (0, False)


def test_reader_that_closes() -> None:
    """It ends quietly, and says how far it came; the truth has what was handed out."""
    with started("flood", "--events", "1000000000", stdout=-1, stderr=-1) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(1000)
        process.stdout.close()
        message = process.stderr.read()
        assert process.wait(20) == 0

    assert message.startswith(b"laurel-mp: ")
    assert message.endswith(b"; the reader closed\n")
    assert message.count(b"\n") == 1


def test_pipes_as_files(tmp_path: Path) -> None:
    """The stream may go to a named pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with started("flood", "--events", "50", "-o", pipe, stderr=-1), pipe.open("rb") as stream:
        assert b"".join(Flood(Options(events=50)).chunks()) == stream.read()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--mix exek", "no kind of event: 'exek'"),
        ("--processes 5", "processes: from 18"),
        ("--processes x", "expected PROCESSES"),
        ("--interleave 200", "processes: from 416"),
        ("--unique 2", "expected a number from 0 to 1: '2'"),
        ("--unique x", "expected a number from 0 to 1: 'x'"),
        ("--rate 0", "expected a number above 0"),
        ("--events -1", "expected a number"),
        ("--format json", "invalid choice"),
        ("--node a/b", "node: letters"),
        ("--truth x -o x", "are to be different files"),
        ("surplus", "unrecognized arguments"),
    ],
)
def test_wrong_usage(words: str, message: str) -> None:
    """One message, and nothing is written."""
    done = flood(*words.split())

    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert done.stdout == b""
    assert b"Traceback" not in done.stderr


def test_unwritable_output(tmp_path: Path) -> None:
    """It is named."""
    done = flood("-o", tmp_path / "none" / "stream")

    assert done.returncode == 1
    assert f"laurel-mp: {tmp_path}/none/stream: cannot be written" in done.stderr.decode()


def test_laurel_takes_it(requires_laurel: Path, tmp_path: Path) -> None:
    """LAUREL finds no error in any kind of event, and as many events."""
    config = tmp_path / "config.toml"
    config.write_text(
        f'directory = "{tmp_path}"\n[auditlog]\nfile = "audit.log"\nsize = 1000000000\n'
        "[enrich]\nexecve-env = []\ncontainer = false\nscript = false\n"
    )
    for enriched in (False, True):
        options = Options(events=2000, mix=mix.ALL, unique=0.3, interleave=4, enriched=enriched)
        stream = b"".join(Flood(options).chunks())
        done = subprocess.run(
            [requires_laurel, "-c", config],
            input=stream,
            capture_output=True,
            check=True,
            timeout=60,
        )

        assert b"with 0 errors in total" in done.stderr
        log = tmp_path / "audit.log"
        assert log.read_bytes().count(b"\n") == 2000
        log.unlink()


def test_page_shows_all_options() -> None:
    """Each option stands in the table of the page, in the same order, with its default."""
    section = PAGE.read_text().partition("## laurel-mp flood")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(-[^`]*)` \|([^|]*)\|", section, re.MULTILINE)
    actions = module.parser()._actions[2:]  # behind help and version

    assert [row.split()[0] for row, _ in rows] == [action.option_strings[0] for action in actions]
    for (_, default), action in zip(rows, actions, strict=True):
        if action.default not in (None, "", False, mix.DEFAULT, Tree()):
            assert str(action.default) == default.strip(" `")
    assert rows[3][1] == f" `{','.join(map(str, astuple(Tree())))}` "


def test_page_shows_the_mix() -> None:
    """The figures are those of the module."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)

    expected = sorted(mix.CAPTURED.items(), key=lambda item: -item[1])
    assert [(kind, str(number)) for kind, number in expected] == rows[: len(mix.CAPTURED)]
    assert [(kind, "0") for kind in mix.OTHERS] == rows[len(mix.CAPTURED) :]


def test_page_shows_the_truth() -> None:
    """The example is what a flood writes."""
    written: list[bytes] = []
    for _ in Flood(Options(events=40, seed=3), written.append).chunks():
        pass
    (shown,) = re.findall(r"^```\n(\{.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)

    assert shown.replace("\n", "") in b"".join(written).decode().splitlines()
