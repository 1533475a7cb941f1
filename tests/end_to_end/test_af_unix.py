"""Input from the socket that a real auditd's af_unix plugin listens on."""

import signal
import subprocess
from pathlib import Path

import pytest

from laurel_mp.pipeline.intake.backlog import Backlog
from laurel_mp.pipeline.intake.inputs import SocketInput
from laurel_mp.pipeline.intake.reader import Reader
from tests.conftest import StartAuditd
from tests.support.auditd import PluginConf
from tests.support.hosted import Hosted, executions_of, logged
from tests.support.plugin import plugin
from tests.support.waiting import wait_until


class BuiltIn(PluginConf):
    """A plugin that is part of auditd."""

    def text(self) -> str:
        """See PluginConf."""
        return super().text().replace("type = always", "type = builtin")


def test_records_come_over_restarts(real_auditd: StartAuditd, tmp_path: Path) -> None:
    """Records of one auditd after the other are read, in whole lines, from the same path."""
    path = tmp_path / "events"
    conf = BuiltIn(Path("builtin_af_unix"), args=f"0600 {path}")
    backlog = Backlog(1 << 20)
    backlog.open()
    reader = Reader(SocketInput(str(path)), backlog)
    reader.start()
    received = b""

    def has(text: bytes) -> bool:
        nonlocal received
        while (piece := backlog.take(1 << 20)) is not None:
            received += piece.data
        return text in received

    for name in ("first", "second"):
        watched = tmp_path / name
        rules = f"-w {watched} -p w -k {name}\n"
        (tmp_path / f"{name}-auditd").mkdir()
        with real_auditd(tmp_path / f"{name}-auditd", rules, {"af_unix": conf}):

            def is_read(name: str = name, watched: Path = watched) -> bool:
                subprocess.run(["touch", watched], check=True)  # again, until we are connected
                return has(f'key="{name}"'.encode())

            wait_until(is_read, f"records of the {name} auditd are read", seconds=30)
    reader.stop()
    wait_until(lambda: backlog._ended, "the reader has ended")
    has(b"")

    lines = received.split(b"\n")
    assert lines.pop() == b""
    assert all(line.startswith(b"type=") for line in lines)
    reader.close()
    backlog.close()


@pytest.mark.parametrize("workers", [0, 2])
def test_program_outlives_auditd(real_auditd: StartAuditd, tmp_path: Path, workers: int) -> None:
    """From the moment it is connected, all that one auditd after the other has is in the output."""
    running = Hosted(tmp_path)
    path = tmp_path / "events"
    running.configure(workers, top=f'input = "unix:{path}"')
    conf = BuiltIn(Path("builtin_af_unix"), args=f"0600 {path}")
    expected: list[str] = []
    everything: list[str] = []
    with plugin(running.config) as program:
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            with real_auditd(tmp_path / name, running.rules, {"af_unix": conf}) as auditd:

                def is_connected(name: str = name) -> bool:
                    running.run("true", f"begin-{name}")
                    return f"begin-{name}".encode() in running.output()

                wait_until(is_connected, "it is connected", 30)
                begin = len(logged(auditd))
                running.work(20)
                running.finish(f"end-{name}")
                # Not what auditd has to say when it stops: that is on its way then.
                expected += logged(auditd)[begin:]
            everything += logged(auditd)
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(20) == 0

    written = [event["ID"] for event in running.events() if "DAEMON_END" not in event]
    assert len(expected) > 2 * executions_of(20)
    assert sorted(set(expected) - set(written)) == []
    assert set(written) <= set(everything)
    assert len(set(written)) == len(written)
