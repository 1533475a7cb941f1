"""`laurel-mp convert` with files that a real rsyslog wrote."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.commands import convert
from tests.support.corpus import corpus_bytes, corpus_files
from tests.support.requirements import program, require
from tests.support.waiting import wait_until

LINES = 300
TEMPLATES = {
    "RSYSLOG_TraditionalFileFormat": "syslog",
    "RSYSLOG_FileFormat": "syslog",
    "RSYSLOG_SyslogProtocol23Format": "rfc5424",
}


def test_rsyslog(tmp_path: Path) -> None:
    """Each of rsyslog's usual file formats gives the events of the log that it has read."""
    rsyslogd = program("rsyslogd")
    require(rsyslogd, "rsyslog (Debian: apt-get install rsyslog)")
    (path,) = [path for path in corpus_files() if "builds.audit" in path.name]
    lines = corpus_bytes(path).splitlines(keepends=True)[:LINES]
    log = tmp_path / "audit.log"
    log.write_bytes(b"".join(lines))
    config = tmp_path / "rsyslog.conf"
    actions = [
        f'action(type="omfile" file="{tmp_path}/{name}" template="{name}")' for name in TEMPLATES
    ]
    config.write_text(
        f'global(workDirectory="{tmp_path}")\nmodule(load="imfile")\n'
        f'input(type="imfile" File="{log}" Tag="tag_audit_log:")\n' + "\n".join(actions) + "\n"
    )
    command: list[Any] = [rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid"]
    with (tmp_path / "messages").open("wb") as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages
        )
    try:
        wait_until(lambda: all(_count(tmp_path / name) == LINES for name in TEMPLATES), "all read")
    finally:
        process.terminate()
        process.wait(20)

    expected = _events(convert("-w", 0, log).stdout)
    for name, form in TEMPLATES.items():
        done = convert("-w", 0, tmp_path / name)
        assert f"--input-format {form}\n" in done.stderr.decode()
        assert b" 0 malformed" in done.stderr
        events = _events(done.stdout)
        assert len({event.pop("NODE") for event in events}) == 1
        assert events == expected


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _events(output: bytes) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]
