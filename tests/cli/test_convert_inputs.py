"""`laurel-mp convert`: forms of lines, order of inputs, ranges of time, jobs, summaries."""

import gzip
import json
import lzma
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import convert
from tests.support.streams import event

START = 1_490_239_800


def record(serial: int, seconds: int = START, text: str = "a=b") -> bytes:
    """A record that is an event of its own."""
    return f"type=USER_LOGIN msg=audit({seconds}.000:{serial}): pid=7 {text}\n".encode()


def ids(output: bytes) -> list[tuple[str | None, str]]:
    """Node and id of each event."""
    events = [json.loads(line) for line in output.splitlines()]
    return [(each.get("NODE"), each["ID"]) for each in events]


def serials(output: bytes) -> list[int]:
    """The serial of each event."""
    return [int(id_.rpartition(":")[2]) for _, id_ in ids(output)]


def messages(done: "subprocess.CompletedProcess[bytes]") -> list[str]:
    """Standard error, without the last line and what begins each."""
    return [line.removeprefix("laurel-mp: ") for line in done.stderr.decode().splitlines()[:-1]]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Rotated logs of a directory, oldest first, an hour after one another."""
    directory = tmp_path / "web1"
    directory.mkdir()
    names = ["audit.log-20261130", "audit.log.10.gz", "audit.log.9.xz", "audit.log.1", "audit.log"]
    paths = [directory / name for name in names]
    for number, path in enumerate(paths):
        data = record(number, START + 3600 * number)
        if path.suffix in (".gz", ".xz"):
            data = gzip.compress(data) if path.suffix == ".gz" else lzma.compress(data)
        path.write_bytes(data)
    (directory / "README").write_text("no log\n")
    (directory / "audit.log.lock").write_text("no log\n")
    return paths


# --- forms of lines

SYSLOG = b"Nov 30 12:00:01 web1 audispd: "


BOM = b"\xef\xbb\xbf"
PREFIXES = [
    (b"", None, None),
    (BOM, None, None),
    (SYSLOG, "syslog", "web1"),
    (BOM + SYSLOG, "syslog", "web1"),
    (b"2026-11-30T12:00:01.123456+01:00 web1 audisp-syslog[7]: ", "syslog", "web1"),
    (b"<13>1 2026-11-30T12:00:01.123Z web1 audispd 7 - - ", "rfc5424", "web1"),
    (b"Nov 30 12:00:01 we\x1bb1 audispd: ", "syslog", None),
    (b"host=web1 ", "host", "web1"),
    (b"audispd: ", "tag", None),
    (b"----\n", "ausearch", None),
]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_forms(tmp_path: Path, workers: int) -> None:
    """Prefixes are taken off, the form of each file is named, a header's host is the node."""
    logs, expected, forms = [], [], []
    for number, (prefix, form, node) in enumerate(PREFIXES * 2):
        end = b"\n" if number < len(PREFIXES) else b"\r\n"
        log = tmp_path / str(number)
        lines = prefix + record(2 * number) + prefix.removeprefix(BOM) + record(2 * number + 1)
        log.write_bytes(lines[:-1].replace(b"\n", end))
        logs.append(log)
        forms += [f"{log} {form}"] if form else []
        expected += [(node, f"{START}.000:{2 * number + each}") for each in range(2)]
    done = convert("-w", workers, *logs)

    assert ids(done.stdout) == expected
    assert done.stdout.count(b'"a":"b"') == len(expected)
    found = [re.sub(r": read as .* --input-format", "", text) for text in messages(done)]
    assert found == forms
    assert b" 0 malformed" in done.stderr
    assert done.returncode == 0


def test_kernel_log() -> None:
    """Records of the kernel log are converted."""
    line = b'[   12.345678] audit: type=1400 audit(1490239800.000:7): apparmor="DENIED" pid=7\n'
    done = convert("-w", 0, stdin=line)

    assert ids(done.stdout) == [(None, "1490239800.000:7")]


@pytest.mark.parametrize("workers", [0, 2])
def test_two_forms_in_one_file(workers: int) -> None:
    """A line of another form is malformed, a plain one is not; the neighbours stay."""
    data = SYSLOG + record(1) + b"audispd: " + record(2) + record(3) + SYSLOG + record(4)
    text = f"audispd: {record(2).decode()[:-1]}"
    done = convert("-w", workers, stdin=data)

    assert serials(done.stdout) == [1, 3, 4]
    assert messages(done)[1:] == [
        f"standard input:2: malformed line, another form: audit records behind a tag: {text!r}"
    ]
    assert done.returncode == 0
    assert convert("--strict", "-w", workers, stdin=data).returncode == 1


def test_named_form() -> None:
    """With a form named, no other is recognised."""
    data = SYSLOG + record(1) + record(2)
    done = convert("--input-format", "audit", "-w", 0, stdin=data)

    assert serials(done.stdout) == [2]
    assert convert("--input-format", "syslog", "-w", 0, stdin=data).stderr.count(b"\n") == 1
    assert convert("--input-format", "bogus", stdin=data).returncode == 2


def test_node() -> None:
    """`--node` is the node of lines for which nothing else names one."""
    data = record(1) + b"node=own " + record(2)
    assert ids(convert("-w", 0, "--node", "mine", stdin=data).stdout) == [
        ("mine", f"{START}.000:1"),
        ("own", f"{START}.000:2"),
    ]
    data = SYSLOG + record(1) + SYSLOG.replace(b"web1", b"w\x1b") + record(2) + record(3)
    found = [node for node, _ in ids(convert("-w", 0, "--node", "mine", stdin=data).stdout)]
    assert found == ["web1", "mine", "mine"]
    for bad in ("", "a b", "a\nb", "x" * 256):
        assert convert("--node", bad, stdin=data).returncode == 2


def test_other_programs() -> None:
    """Lines of other programs are counted, and are not malformed."""
    data = b"Nov 30 12:00:01 web1 sshd[7]: hello\n" * 30 + SYSLOG + record(1)
    done = convert("-w", 0, stdin=data)

    assert serials(done.stdout) == [1]
    assert b"31 lines, 1 events, 0 malformed, 0 duplicates, 30 of other programs" in done.stderr


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_any_cut(workers: int) -> None:
    """Lines cut at any byte are malformed or records, harm no neighbour, and all are counted."""
    whole = SYSLOG + record(9999)[:-1]
    data = b"".join(whole[:end] + b"\n" + SYSLOG + record(end) for end in range(len(whole)))
    done = convert("-w", workers, stdin=data)

    assert set(serials(done.stdout)) >= set(range(len(whole)))
    assert b"Traceback" not in done.stderr
    assert done.stdout == convert("-w", 0, stdin=data).stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_long_lines(workers: int) -> None:
    """A prefix of 1 MiB and lines that are too long are malformed, and harm no neighbour."""
    prefix = b"Nov 30 12:00:01 " + b"x" * (1 << 20) + b": "
    long = record(3, text="x=" + "y" * (5 << 20))
    data = SYSLOG + record(1) + prefix + record(2) + SYSLOG + long + SYSLOG + record(4)
    done = convert("-w", workers, stdin=data)

    assert serials(done.stdout) == [1, 4]
    _, *malformed = messages(done)
    assert len(malformed) == 2
    assert malformed[0].startswith("standard input:2: malformed line, another form: syslog ")
    assert malformed[1].startswith("standard input:3: malformed line, longer than 4194304 bytes: ")


UNKNOWN = [
    (b'{"ID":"1.000:1","SYSCALL":{}}\n', "events in JSON"),
    (b'[{"a": 1}]\n', "JSON"),
    (b"\x7fELF\x02\x01\x01" + bytes(99), "binary data"),
    (b"hello\n" * 9, "text of another kind"),
    (record(1).decode().encode("utf-16"), "UTF-16 text"),
    (b"\x28\xb5\x2f\xfd" + bytes(99), "zstd data"),
    (b"LPKSHHRH" + bytes(99), "a journal file"),
    (b"type = SYSCALL\nmsg=audit(11/30/2026 12:00:00.123:4) : \n", "output of ausearch -i"),
    (b"Nov 30 12:00:01 w audit[7]: SYSCALL arch=c000003e\n", "audit messages of the journal"),
    (b"Nov 30 12:00:01 web1 sshd[7]: hello\n" * 9, "syslog messages (RFC 3164 or ISO time)"),
    (b"type=SYSCALL msg=audit(\n", "text of another kind"),
]


def test_nothing_recognised(tmp_path: Path) -> None:
    """Files of another kind are refused in one sentence, and other files are converted."""
    good = tmp_path / "good"
    good.write_bytes(record(1))
    files, expected = [], []
    for number, (content, looks_like) in enumerate(UNKNOWN):
        for name in (f"{number}", f"{number}.gz"):
            files.append(tmp_path / name)
            files[-1].write_bytes(content)
            expected.append(f"{files[-1]}: no audit records: this looks like {looks_like}")
    done = convert("-w", 0, *files, good)

    assert done.returncode == 1
    says = [message for message in messages(done) if "malformed line" not in message]
    for start, message in zip(expected, says, strict=True):
        assert message.startswith(start)
    assert serials(done.stdout) == [1]
    assert b"Traceback" not in done.stderr


def test_no_content(tmp_path: Path) -> None:
    """Logs without any line are no error."""
    (tmp_path / "log").write_bytes(b"\n")
    assert convert("-w", 0, tmp_path / "log").returncode == 0
    assert convert("-w", 0, stdin=b"").returncode == 0


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
@pytest.mark.parametrize("name", ["log", "log.gz"])
def test_truncated_archive(tmp_path: Path, compress: Any, name: str) -> None:
    """The readable part of a truncated archive is converted, and the truncation is an error."""
    data = b"".join(record(number, text=os.urandom(99).hex()) for number in range(1000))
    log = tmp_path / name
    log.write_bytes(compress(data)[:-5000])
    done = convert("-w", 0, log)

    assert done.returncode == 1
    assert len(serials(done.stdout)) > 800
    assert messages(done)[0].startswith(f"{log}: cannot read the rest: ")


REASONS = [
    (b"garbage", "no audit record header"),
    (b"type=SYSCALL", "no event id"),
    (b"type=SYSCALL msg=audit(1.000:x): a=b", "bad event id"),
    (b"type=SYSCALL msg=audit(1.000:1", "bad event id"),
    (b"type=SYSCALL msg=audit(11/30/2026 12:00:00.123:4) : a=b", "event id interpreted by"),
    (b"type=" + b"X" * 65 + b" msg=audit(1.000:1): a=b", "bad record type"),
    (b"node=" + b"x" * 256 + b" type=X msg=audit(1.000:1): a=b", "bad node name"),
    (SYSLOG + record(1)[:-1], "another form: syslog messages"),
]


@pytest.mark.parametrize("workers", [0, 2])
def test_reasons(tmp_path: Path, workers: int) -> None:
    """A malformed line is named with file, line number and reason."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(record(1) * 3 + record(2)[:-1])
    second.write_bytes(b"".join(record(9) + line + b"\n" for line, _ in REASONS) + record(5))
    found = messages(convert("-w", workers, first, second))
    for number, (message, (_, reason)) in enumerate(zip(found, REASONS, strict=True)):
        assert message.startswith(f"{second}:{2 * number + 2}: malformed line, {reason}")


# --- order of inputs


def test_directory(logs: list[Path]) -> None:
    """A directory stands for its logs, oldest first."""
    done = convert("-w", 0, logs[0].parent)

    assert serials(done.stdout) == [0, 1, 2, 3, 4]
    assert messages(done) == []
    assert done.returncode == 0


def test_wrong_order(logs: list[Path]) -> None:
    """Files in the wrong order are named, once for each step back; other hosts do not matter."""
    first, second = logs[4], logs[3]
    done = convert("-w", 0, first, second)

    (message,) = messages(done)
    assert message == (
        f"{second}: begins at 2017-03-23 06:30:00 UTC, before the end of {first} at "
        "2017-03-23 07:30:00 UTC; give the oldest log first, or use --sort"
    )
    assert messages(convert("-w", 0, second, first)) == []
    first.write_bytes(b"node=other " + record(4, START + 4 * 3600))
    assert messages(convert("-w", 0, first, second)) == []


def test_overlap_within_the_duplicate_window(tmp_path: Path) -> None:
    """A small step back is usual, and not worth a message."""
    one, other = tmp_path / "1", tmp_path / "2"
    one.write_bytes(record(1, START + 100))
    other.write_bytes(record(2, START))
    assert messages(convert("-w", 0, one, other)) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_sort(logs: list[Path], workers: int) -> None:
    """`--sort` reads files in the order of their first time stamps."""
    done = convert("-w", workers, "--sort", logs[2], logs[4], logs[0], logs[3], logs[1])

    assert serials(done.stdout) == [0, 1, 2, 3, 4]
    assert messages(done) == []
    assert convert("--sort").returncode == 2


# --- ranges of time


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [0, 1, 2, 3, 4]),
        (["--since", f"@{START}"], [0, 1, 2, 3, 4]),
        (["--since", f"@{START + 1}"], [1, 2, 3, 4]),
        (["--until", f"@{START + 3600}"], [0, 1]),
        (["--until", f"@{START + 3599}"], [0]),
        (["--since", "03/23/2017", "04:30:00", "--until", "03/23/2017", "06:30:00"], [1, 2, 3]),
        (["--since", "2017-03-23T05:00:00Z", "--until", "2017-03-23"], [2, 3, 4]),
        (["--since", "today"], []),
        (["--since", "now"], []),
        (["--until", "recent"], [0, 1, 2, 3, 4]),
    ],
)
def test_time_range(
    logs: list[Path], monkeypatch: pytest.MonkeyPatch, workers: int, arguments: Any, expected: Any
) -> None:
    """Events are kept by their own time, and the others are counted as filtered."""
    monkeypatch.setenv("TZ", "UTC")
    done = convert("-w", workers, *arguments, "--", *logs)

    assert serials(done.stdout) == expected
    filtered = f", {5 - len(expected)} filtered, " if arguments else " events, 0 malformed"
    assert filtered in done.stderr.decode()
    assert done.returncode == 0


def test_parents_from_before_the_range(tmp_path: Path) -> None:
    """Records before the range still tell what runs."""
    log = tmp_path / "log"
    log.write_bytes(event(1) + event(2))
    everything = convert("-w", 0, log).stdout.splitlines()
    (seconds,) = set(re.findall(rb"audit\((\d+)", event(2)))
    since = convert("-w", 0, "--since", f"@{int(seconds)}", log).stdout.splitlines()
    assert since == everything[-len(since) :]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "boot"],
        ["--since", "whenever"],
        ["--since", "13/13/2017"],
        ["--since", "2017-02-30"],
        ["--until", "@x"],
        ["--until", "@1234567890123"],
        ["--since", "0001-01-01"],
        ["--since", "@9", "--until", "@8"],
    ],
)
def test_bad_times(arguments: list[str]) -> None:
    """A text that is not a time is wrong usage."""
    done = convert("-w", 0, *arguments, "-")

    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


# --- jobs


def test_jobs(logs: list[Path], tmp_path: Path) -> None:
    """Each argument is a conversion of its own, and the number of jobs changes no byte."""
    other = tmp_path / "db1.log"
    other.write_bytes(record(7) + b"bad\n")
    arguments = [logs[0].parent, other, tmp_path / "missing", logs[4]]
    outputs = [convert("--jobs", jobs, *arguments) for jobs in (1, 2, 4)]

    alone = [convert("-w", 0, argument) for argument in arguments]
    for done in outputs:
        assert done.stdout == b"".join(each.stdout for each in alone)
        assert messages(done) == [text for each in alone for text in messages(each)]
        assert (
            done.stderr.decode()
            .splitlines()[-1]
            .startswith("laurel-mp: 8 lines, 7 events, 1 malformed, 0 duplicates")
        )
        assert done.returncode == 1
    output = tmp_path / "out.json"
    assert convert("--jobs", 2, "--sort", "-o", output, logs[4], logs[0]).returncode == 0
    assert serials(output.read_bytes()) == [0, 4]
    assert convert("--jobs", 2, "--since", "now", logs[4]).stdout == b""


def test_jobs_usage(logs: list[Path], tmp_path: Path) -> None:
    """Jobs need files, and outputs that one of them may own."""
    config = tmp_path / "config.toml"
    config.write_text('[filter]\nfilter-action = "log"\n[filterlog]\nfile = "/tmp/x"\n')
    config.chmod(0o600)
    assert convert("--jobs", 2).returncode == 2
    assert convert("--jobs", 0, logs[0]).returncode == 2
    assert convert("--jobs", 2, "-c", config, logs[0]).returncode == 2
    assert convert("--jobs", 2, "-o", logs[0], logs[0]).returncode == 2


# --- summaries


@pytest.mark.parametrize("jobs", [[], ["--jobs", 2]])
def test_summaries(logs: list[Path], tmp_path: Path, jobs: list[Any]) -> None:
    """Records are counted by type; the same as JSON."""
    other, file = tmp_path / "db1.log", tmp_path / "counts.json"
    lines = [b"bad\n", b"x: y\n", SYSLOG + record(8), b"Nov 30 12:00:01 web1 sshd: hi\n"]
    other.write_bytes(b"node=a " + event(7) + b"bad\n" if not jobs else b"".join(lines))
    done = convert("-w", 0, *jobs, "--summary", "--summary-json", file, logs[4].parent, other)

    counts = json.loads(file.read_text())
    assert counts["complete"] is True
    assert counts["record_types"]["USER_LOGIN"] == (5 if not jobs else 6)
    assert counts["malformed"] == (1 if not jobs else 2)
    assert counts["other"] == (0 if not jobs else 1)
    assert [each["form"] for each in counts["inputs"]][:5] == ["audit"] * 5
    assert counts["inputs"][-1]["name"] == str(other)
    shown = done.stderr.decode()
    for name, number in counts["record_types"].items():
        assert f"{number:>9} {name}\n" in shown
    if jobs:
        assert counts["first"] == "2017-03-23T03:30:00.000+00:00"
        assert counts["last"] == "2017-03-23T07:30:00.000+00:00"
    bad = convert("-w", 0, "--summary-json", "/nowhere/x", logs[4])
    assert bad.returncode == 1
    assert b"laurel-mp: /nowhere/x: cannot be written: " in bad.stderr
