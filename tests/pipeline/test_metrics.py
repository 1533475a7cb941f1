"""Metrics of a daemon that runs: in a file, at an address, at a socket."""

import json
import re
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from laurel_mp.observe.groups import GROUPS, QUEUES
from laurel_mp.pipeline.status.metrics_file import MetricsFile
from tests.support.plugin import configure, plugin
from tests.support.streams import eoe, event
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "metrics" / "grafana-dashboard.json"


def families(text: str) -> dict[str, Metric]:
    """The samples that Prometheus reads in a text."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, name: str, **labels: str) -> float | None:
    """One sample in a text."""
    for family in families(text).values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def scraped(client: socket.socket, address: Any) -> str:
    """The body of a scrape; nothing if there is no listener."""
    with client:
        client.settimeout(10)
        try:
            client.connect(address)
        except OSError:
            return ""
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
        found = b""
        while data := client.recv(1 << 16):
            found += data
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return body.decode()


def read(path: Path) -> str:
    """Content of a file, if it exists."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize("how", ["file", "address", "socket"])
def test_numbers(tmp_path: Path, how: str) -> None:
    """A real parser reads the numbers, and they are those of the run."""
    file, path, port = tmp_path / "x.prom", tmp_path / "metrics.sock", free_port()
    wanted: dict[str, tuple[str, Callable[[], str]]] = {
        "file": ("file = 'x.prom'\nperiod = 1", lambda: read(file)),
        "address": (
            f"listen = '127.0.0.1:{port}'",
            lambda: scraped(socket.socket(), ("127.0.0.1", port)),
        ),
        "socket": (
            f"listen = 'unix:{path}'",
            lambda: scraped(socket.socket(socket.AF_UNIX), str(path)),
        ),
    }
    settings, look = wanted[how]
    config = configure(tmp_path, 2, sections=f"[metrics]\n{settings}\nfile-mode = '0640'")
    with plugin(config) as running:
        running.give(eoe(1) + event(7) + b"bad\n")
        wait_until(lambda: value(look(), "laurel_mp_written_events_total") == 1, "counted", 20)
        text = look()
        place = {"file": file, "socket": path}.get(how)
        mode = stat.S_IMODE(place.lstat().st_mode) if place else None
        assert running.end() == 0

    assert value(text, "laurel_mp_lines_total") == 5
    assert value(text, "laurel_mp_malformed_lines_total") == 1
    assert value(text, "laurel_mp_build_info", version="0.1.0") == 1
    assert value(text, "laurel_mp_process_events_total", process="writer") == 1
    assert {"file": 0o640, "socket": 0o660, "address": None}[how] == mode
    assert not file.exists()  # what it says would be taken for the present
    assert not path.exists()


def test_every_metric(tmp_path: Path) -> None:
    """All that are declared are there, with the declared type; and nothing else."""
    config = configure(tmp_path, 2, sections="[metrics]\nfile = 'x.prom'\nperiod = 1")
    with plugin(config) as running:
        running.give(eoe(1) + event(7))
        wait_until(lambda: "laurel_mp_table_limit" in read(tmp_path / "x.prom"), "tables", 20)
        found = families(read(tmp_path / "x.prom"))
        assert running.end() == 0

    for group in GROUPS:
        types = {
            group.metric(each).removesuffix("_total"): each.kind.value.replace("text", "gauge")
            for each in group.measures
            if group.metric(each)
        }
        there = {name: found.pop(name).type for name in types if name in found}
        # A group may have no rows as long as there is nothing to say; and the kernel's count is
        # only there if it may be asked.
        assert there == types or (not there and group.labels) or group is QUEUES
        assert there.items() <= types.items()
    assert not found


def test_another_configuration(tmp_path: Path) -> None:
    """After SIGHUP metrics are where the new configuration says, and there alone."""
    config = configure(tmp_path, 0, sections="[metrics]\nfile = 'x.prom'")
    with plugin(config) as running:
        wait_until(lambda: read(tmp_path / "x.prom"), "the first place", 20)
        configure(
            tmp_path,
            0,
            sections="[metrics]\nfile = 'y.prom'\n[status]\nsocket = 'other.sock'",
        )
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: read(tmp_path / "y.prom"), "the second place", 20)
        wait_until((tmp_path / "other.sock").is_socket, "the second socket", 20)
        places = {each.name for each in tmp_path.iterdir()}
        assert running.end() == 0

    assert not {"x.prom", "status.sock"} & places


def test_places_that_are_taken(tmp_path: Path) -> None:
    """An address that is taken is logged, and everything else continues."""
    (tmp_path / "status.sock").write_text("precious")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        metrics = f"[metrics]\nfile = 'none/x.prom'\nlisten = '127.0.0.1:{port}'"
        with plugin(configure(tmp_path, 0, sections=metrics)) as running:
            running.says("cannot serve status: ")
            running.says(f"cannot serve metrics: 127.0.0.1:{port}: Address already in use")
            running.says("none/x.prom: cannot be written: No such file or directory")
            running.give(eoe(1) + event(7))
            assert running.end() == 0
            assert "stopped: 4 lines, 1 events" in running.messages

    assert (tmp_path / "status.sock").read_text() == "precious"


def test_off(tmp_path: Path) -> None:
    """With all of it switched off nothing listens, and nothing is written."""
    with plugin(configure(tmp_path, 0, sections="[status]\nsocket = ''")) as running:
        running.give(eoe(1) + event(7))
        wait_until(lambda: read(tmp_path / "audit.log"), "it runs", 20)
        places = {each.name for each in tmp_path.iterdir()}
        assert running.end() == 0

    assert places <= {
        "audit.log", "config.toml", "messages", "malformed.log", ".laurel-mp.lock", "spool",
    }  # fmt: skip


def test_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk delays nothing; the next text is left out."""
    read_end, write_end = socket.socketpair()
    path = tmp_path / "x.prom"
    rename = Path.rename

    def slow(self: Path, target: Path) -> Path:
        read_end.recv(1)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", slow)
    with read_end, write_end:
        file = MetricsFile(path, 0o644)
        assert file.write_soon(b"a 1\n")
        assert not file.write_soon(b"a 2\n")
        assert not path.exists()
        write_end.send(b"x")
        wait_until(path.exists, "it is written")
        assert path.read_text() == "a 1\n"
        file.close()
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_a_directory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A failed rename leaves no file behind."""
    path = tmp_path / "x.prom"
    path.mkdir()
    file = MetricsFile(path, 0o644)
    file.write_soon(b"a 1\n")
    file.close()

    assert "x.prom: cannot be written: Is a directory" in caplog.text
    assert [each.name for each in tmp_path.iterdir()] == ["x.prom"]


def test_dashboard_uses_what_there_is() -> None:
    """Each metric and label that the dashboard asks for exists."""
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    names = {name for each in expressions for name in _names(each)}
    declared = {group.metric(measure) for group in GROUPS for measure in group.measures}

    assert len(expressions) > 10
    assert names - declared == set()
    labels = {label for each in expressions for label in _labels(each)}
    known = {label for group in GROUPS for label in group.labels}
    assert labels <= known | {"instance", "job", "version"}


def _names(expression: str) -> set[str]:
    return set(re.findall(r"\blaurel_mp_[a-z_]+", expression))


def _labels(expression: str) -> set[str]:
    selectors = re.findall(r"([a-z_]+) *(?:=~|!~|!=|=) *\"", expression)
    grouped = re.findall(r"\b(?:by|without|on|ignoring) *\(([^)]*)\)", expression)
    return set(selectors) | {name.strip() for each in grouped for name in each.split(",")}
