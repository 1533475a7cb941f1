"""The commands on the pages for administrators work, on a machine of their own."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.documentation import pages, place, plan
from tests.documentation.pages import ROOT
from tests.documentation.place import on_machine
from tests.support.machine import Machine, machine
from tests.support.waiting import wait_until

LOG = "/var/log/laurel-mp/audit.log"
LOCK = "/var/log/laurel-mp/.laurel-mp.lock"


@contextmanager
def _daemon(host: Machine) -> Iterator[psutil.Process]:
    """laurel-mp, which has read the sample, and waits for more."""
    program = ["/usr/local/bin/laurel-mp", "-c", "/etc/laurel-mp/config.toml"]
    process = subprocess.Popen(
        ["nsenter", "-t", str(host.pid), "-m", "-r", "-w", *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    assert process.stdin
    try:
        process.stdin.write((ROOT / "docs/sample/audit.log").read_bytes())
        process.stdin.flush()
        wait_until(lambda: host.read(LOG).count(b"\n") > 200, "events are in the log", 30)
        yield psutil.Process(int(host.read(LOCK)))
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdin.close()


def _titles(process: psutil.Process) -> list[str]:
    """Titles of a process's children, by ps(1)."""
    return [" ".join(child.cmdline()).strip() for child in process.children(recursive=True)]


def test_commands(requires_root: None, tmp_path: Path) -> None:
    """Installed without network, changed, and looked at: all commands end with status 0."""
    for name in ("place", "machine"):
        (tmp_path / name).mkdir()
    here = place.prepare("", tmp_path / "place")
    (here / "tests").unlink()
    place.run([plan.MAKE_WHEELS], here)
    with machine(tmp_path / "machine") as host:
        shutil.copytree(here, host.path(place.ON_MACHINE))
        _run_all(host, plan.INSTALLATION_PAGE)
        assert b'\nuser = "_laurel-mp"\n' in host.read("/etc/laurel-mp/config.toml")
        with _daemon(host) as process:
            for page in plan.host_pages():
                _run_all(host, page)
            wait_until(lambda: "laurel-mp: worker 2/2" in _titles(process), "it has workers", 30)


def _run_all(host: Machine, page: str) -> None:
    for block in pages.blocks(page):
        if block.is_shell:
            on_machine(host, plan.commands_to_run(block))
