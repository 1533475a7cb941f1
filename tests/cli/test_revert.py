"""`laurel-mp revert`, run as users run it; and what auditd's own tools make of its lines."""

import gzip
import lzma
import re
import subprocess
from pathlib import Path

import pytest

from laurel_mp.records.types import canonical, written
from tests.support import requirements
from tests.support.commands import COMMAND
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.pipelines import run
from tests.support.streams import eoe, event

LINES = eoe(1) + event(7) + event(8)
JSON = run([LINES]).text

_ids = re.compile(rb"audit\([^)]*\)").findall


def revert(*arguments: object, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, "revert", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=100,
    )


def test_stdin_to_stdout() -> None:
    """Lines come out that give the same JSON; a summary says how many."""
    done = revert(stdin=JSON)

    assert run([done.stdout]).text == JSON
    audit_lines = done.stdout.count(b"\n")
    expected = b"laurel-mp: 2 lines, 2 events, %d audit lines, 0 damaged\n" % audit_lines
    assert (0, expected) == (done.returncode, done.stderr)


def test_lines_about_losses() -> None:
    """Loss lines are no audit records: they are left out, and counted."""
    note = b'{"ID":"1.000:7","LAUREL_MP":{"op":"loss","kind":"serial-gap","count":1}}\n'
    done = revert(stdin=note + JSON)

    assert done.stdout == revert(stdin=JSON).stdout
    assert b"1 lines of laurel-mp about itself left out" in done.stderr


def test_files(tmp_path: Path) -> None:
    """Plain and compressed files are read in their order, and the output goes where it is told."""
    first, second = JSON.splitlines(keepends=True)
    (tmp_path / "a.gz").write_bytes(gzip.compress(first))
    (tmp_path / "b.xz").write_bytes(lzma.compress(second))
    (tmp_path / "c").write_bytes(first.removesuffix(b"\n"))
    out = tmp_path / "out"

    done = revert(tmp_path / "a.gz", tmp_path / "b.xz", tmp_path / "c", "-o", out)

    assert (done.returncode, done.stdout) == (0, b"")
    assert revert(stdin=first + second + first).stdout == out.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600


def test_an_input_is_no_output(tmp_path: Path) -> None:
    """A file is not overwritten by what is made of it."""
    path = tmp_path / "a"
    path.write_bytes(JSON)

    assert revert(path, "-o", path).returncode == 2
    assert path.read_bytes() == JSON


def test_missing_input(tmp_path: Path) -> None:
    """It is named; the others are read."""
    path = tmp_path / "a"
    path.write_bytes(JSON)

    done = revert(tmp_path / "none", path)

    assert done.returncode == 1
    assert b"none: cannot be read" in done.stderr
    assert run([done.stdout]).text == JSON


@pytest.mark.parametrize(
    "line",
    [
        b"no object",
        b'{"ID":"1.000:1","CWD":{"cwd":"/"}',
        b"[]",
        b"{}",
        b'{"ID":5}',
        b'{"ID":"5"}',
        b'{"ID":"1.000:1","NODE":"a b"}',
        b'{"ID":"1.000:1","CWD":5}',
        b'{"ID":"1.000:1","PATH":["x"]}',
        b'{"ID":"1.000:1","a b":{}}',
        b'{"ID":"1.000:1","EXECVE":{"argc":-1,"ARGV":5}}\n\xff{',
        b'{"ID":"1.000:1","REPEATED":["x"]}',
        b'{"ID":"1.000:1","REPEATED":5}',
        b'{"ID":"1.000:1","INCOMPLETE":5,"CWD":5}',
        b'{"ID":"1.000:1","SYSCALL":"x","PROCTITLE":"y"}',
        b'{"ID":"1.000:1","EXECVE":{"argc":1,"ARGV":[{"skipped_args":"x"}]},"CWD":5}',
        b'{"ID":"1.000:1","\\ud800":{}}',
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_damaged_lines(line: bytes) -> None:
    """They are named by number and left out; the status says so; there is no traceback."""
    done = revert(stdin=JSON + line + b"\n" + JSON)

    assert done.returncode == 1
    assert re.search(rb"^laurel-mp: line [34] left out: ", done.stderr, re.MULTILINE), done.stderr
    assert b"Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    assert all(lines.count(each) == 2 for each in revert(stdin=JSON).stdout.splitlines())


def test_many_damaged_lines() -> None:
    """Ten of them are named."""
    done = revert(stdin=b"x\n" * 50)

    assert done.stderr.count(b" left out: ") == 10
    assert b"50 damaged" in done.stderr


def test_prefixes_of_lines() -> None:
    """The prefix of a log daemon before an object is skipped."""
    lines = b"".join(b"Nov 22 vm laurel: " + line for line in JSON.splitlines(keepends=True))

    assert revert(stdin=JSON).stdout == revert(stdin=lines).stdout


def test_without_eoe() -> None:
    """As auditd writes its log files."""
    assert b"type=EOE" in revert(stdin=JSON).stdout
    assert b"type=EOE" not in revert("--no-eoe", stdin=JSON).stdout


def test_prefix_of_a_configuration(tmp_path: Path) -> None:
    """Keys that have it are added ones."""
    config = tmp_path / "config.toml"
    config.write_text('[enrich]\nprefix = "x_"\n')
    config.chmod(0o600)

    done = revert("-c", config, stdin=JSON.replace(b'"ARGV"', b'"x_argv"'))

    assert b" a0=" in done.stdout


def test_losses_are_counted() -> None:
    """Values that do not come back are reported, and are no failure."""
    line = (
        b'{"ID":"1.000:1","PATH":[{"OUID":"alice"}],'
        b'"EXECVE":{"argc":9,"ARGV":["a",{"skipped_args":8,"skipped_bytes":80}]}}\n'
    )

    done = revert(stdin=line + b'{"ID":"1.000:2","LAUREL_MP":{"op":"loss"}}\n')

    assert done.returncode == 0
    assert b"laurel-mp: 1 raw values missing" in done.stderr
    assert b"laurel-mp: 1 argument lists incomplete" in done.stderr
    assert b"laurel-mp: 1 lines of laurel-mp about itself left out" in done.stderr


# --- auditd's tools


SEARCHES = {
    "builds.raw": ["-m EXECVE", "-k exec", "-k net", "-x /usr/bin/bash", "-ui 1001", "-p 20739",
                   "-sc connect", "-sv no", "-f /etc/passwd", "-m ADD_USER"],
    "kinds.enriched": ["-m SECCOMP", "-m LOGIN", "-m SOCKADDR", "-k t5", "-ui 0", "-sv no"],
    "two-nodes.enriched": ["-n web01", "-m EXECVE", "-ui 0", "-sv no"],
    "users.raw": ["-m USER_AUTH", "-tm pts/0", "-hn 10.0.0.1", "-sv no", "-ua root"],
    "argv.raw": ["-m EXECVE", "-sc execve"],
}  # fmt: skip

REPORTS = ["--summary", "-x --summary", "-s --summary", "-k --summary", "-u --summary",
           "-f --summary", "-e --summary", "-h --summary", "-au", "-m"]  # fmt: skip


MOST = 2 << 20
"""Bytes of a capture: the tools read them all for each question."""


@pytest.fixture
def tools() -> tuple[Path, Path]:
    """Paths of ausearch and aureport."""
    found = requirements.program("ausearch"), requirements.program("aureport")
    requirements.require(all(found), "ausearch and aureport (Debian: apt-get install auditd)")
    ausearch, aureport = found
    assert ausearch
    assert aureport
    return ausearch, aureport


_unknown_type = re.compile(rb"UNKNOWN\[[0-9]+\](?= msg=audit\()").sub


def ask(tool: Path, path: Path, words: str) -> bytes:
    """Answer of a tool about a file, without the file's name and the time of the question."""
    done = subprocess.run(
        [tool, "-if", path, *words.split()], capture_output=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", SEARCHES)
def test_tools_of_auditd(name: str, tools: tuple[Path, Path], tmp_path: Path) -> None:
    """They find the same events as in the capture, and count the same."""
    ausearch, aureport = tools
    (path,) = (path for path in corpus_files() if corpus_name(path) == name)
    capture = corpus_bytes(path)[:MOST]
    capture = capture[: capture.rfind(b"\n") + 1]
    before, after = tmp_path / "before.log", tmp_path / "after.log"
    # The tools of auditd 3.0 know some types by number only; those come again by their names.
    before.write_bytes(_unknown_type(lambda match: written(canonical(match[0])), capture))
    after.write_bytes(revert(stdin=run([capture]).text).stdout)

    found = 0
    for words in SEARCHES[name]:
        expected = set(_ids(ask(ausearch, before, words)))
        found += bool(expected)
        assert expected == set(_ids(ask(ausearch, after, words))), words
    for words in REPORTS:
        assert ask(aureport, before, words) == ask(aureport, after, words), words
    assert found > len(SEARCHES[name]) // 2  # they were worth asking
