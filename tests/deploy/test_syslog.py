"""RFC 5424 messages arrive at rsyslog and syslog-ng: complete, in order, over restarts."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.commands import convert
from tests.support.plugin import configure, plugin
from tests.support.requirements import program, require
from tests.support.shippers import UNPACKED
from tests.support.stream import Stream
from tests.support.waiting import wait_until

RSYSLOG = r"""
global(workDirectory="{0}" maxMessageSize="4m" parser.escapeControlCharactersOnReceive="off")
template(name="bare" type="string" string="%hostname% %msg%\n")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
input(type="imtcp" address="127.0.0.1" port="{1}")
input(type="imuxsock" Socket="{0}/log" UseSpecialParser="off" RateLimit.Interval="0")
action(type="omfile" file="{0}/received" template="bare")
"""

SYSLOG_NG = r"""
@version: 3.38
options {{ log-msg-size(4194304); keep-hostname(yes); flush-lines(1); }};
source s {{
    syslog(ip("127.0.0.1") port({1}) transport("tcp"));
    unix-dgram("{0}/log" flags(syslog-protocol));
}};
destination d {{ file("{0}/received" template("${{HOST}} ${{MESSAGE}}\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""


def _command(name: str, directory: Path, port: int) -> tuple[list[str], dict[str, str]]:
    environment = dict(os.environ)
    path = directory / f"{name}.conf"
    if name == "rsyslogd":
        path.write_text(RSYSLOG.format(directory, port))
        found = program(name)
        require(found, "rsyslog (Debian: apt-get install rsyslog)")
        return [str(found), "-n", "-f", str(path), "-i", f"{directory}/pid"], environment
    path.write_text(SYSLOG_NG.format(directory, port))
    found = program(name)
    options = ["-F", f"--cfgfile={path}"]
    options += [f"--{each}={directory}/{each}" for each in ("persist-file", "pidfile", "control")]
    if found is None and (UNPACKED / "usr/sbin/syslog-ng").exists():
        found = UNPACKED / "usr/sbin/syslog-ng"
        (version,) = UNPACKED.glob("usr/lib/syslog-ng/[0-9]*")
        environment["LD_LIBRARY_PATH"] = str(version.parent)
        options.append(f"--module-path={version}")
    require(found, "syslog-ng (Debian: apt-get install syslog-ng-core)")
    return [str(found), *options], environment


@contextmanager
def _server(name: str, directory: Path, port: int) -> Iterator[None]:
    """One that runs, and is stopped as systemd does it."""
    command, environment = _command(name, directory, port)
    with (directory / "messages").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
    try:
        wait_until(lambda: _answers(port), "it listens", 20)
        wait_until((directory / "log").exists, "it listens", 20)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("transport", ["unix", "tcp"])
@pytest.mark.parametrize("name", ["rsyslogd", "syslog-ng"])
def test_restarts_of_the_server(
    tmp_path: Path, requires_root: None, name: str, transport: str
) -> None:
    """All events arrive whole and in order; those around a restart perhaps twice."""
    port = _free_port()
    address = (
        f"unix:{tmp_path}/log?max-bytes=65536" if transport == "unix" else f"tcp:127.0.0.1:{port}"
    )
    config = configure(tmp_path, sections=f'[auditlog]\nfile = "syslog:{address}"')
    stream = Stream(seconds=2_000_000_000)
    pieces: list[bytes] = []
    for piece in range(3):
        for number in range(500):
            words = ["A" * 20_000 if number == 250 else 'a\tb"\\ü', str(500 * piece + number)]
            stream.execute(stream.serial, 1, "/usr/bin/printf", "printf", *words)
        text = stream.text()
        pieces.append(text[len(b"".join(pieces)) :])
    expected = convert("-c", config, "-w", "0", stdin=b"".join(pieces)).stdout.splitlines()
    received = tmp_path / "received"

    def found() -> list[bytes]:
        lines = received.read_bytes().splitlines() if received.exists() else []
        return [line.partition(b" ")[2] for line in lines]

    with plugin(config) as running:
        with _server(name, tmp_path, port):
            running.give(pieces[0])
            wait_until(lambda: len(found()) > 100, "events arrive", 30)
        running.give(pieces[1])
        with _server(name, tmp_path, port):
            running.give(pieces[2])
            assert running.end() == 0
            wait_until(lambda: found()[-1:] == expected[-1:], "the last one arrives", 30)

    assert expected == list(dict.fromkeys(found()))
