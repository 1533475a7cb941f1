"""A directory in which commands of a page can be run: like a checkout, and with its files."""

import gzip
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.documentation.pages import ROOT
from tests.support.machine import Machine

_COPIED = ("deploy", "docs", "laurel_mp", "LICENSE", "README.md", "pyproject.toml")

ON_MACHINE = "/root/laurel-mp"
"""Directory of a writable checkout on a machine."""

_SAMPLE = ROOT / "docs" / "sample" / "audit.log"


def prepare(page: str, directory: Path) -> Path:
    """Make a place for a page in an empty directory."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, directory / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, directory)
    # Not copied: what runs in there finds the .venv of this checkout.
    (directory / "tests").symlink_to(ROOT / "tests")
    for path in directory.glob("**/*.toml"):
        path.chmod(0o600)  # whatever the umask was at the time of the checkout
    for name in ("config.toml", "test.toml"):
        (directory / name).write_text('[auditlog]\nfile = "out.log"\n[state]\nfile = ""\n')
        (directory / name).chmod(0o600)
    (directory / "log").mkdir()
    for name in ("audit.log", "audit.log.1"):
        short = lzma.decompress((ROOT / "tests/corpus/users.raw.txt.xz").read_bytes())
        (directory / "log" / name).write_bytes(short)
    _files.get(page, _nothing)(directory)
    return directory


def run(commands: Sequence[str], directory: Path) -> str:
    """Have one shell run commands; what they print, both ways."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=directory,
        env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, f"{commands}: status {done.returncode}:\n{done.stdout}"
    return done.stdout


def checkout(host: Machine) -> None:
    """Put one on a machine, which can be written."""
    for name in _COPIED:
        host.run(f"mkdir -p {ON_MACHINE} && cp -r {name} {ON_MACHINE}")


def on_machine(host: Machine, commands: Sequence[str]) -> str:
    """Have one shell on a machine run commands, in the checkout there."""
    host.path(f"{ON_MACHINE}/commands").write_text("\n".join(commands))
    return host.run(f"cd {ON_MACHINE} && PIP_NO_COMPILE=1 bash -euo pipefail ./commands")


def _nothing(_directory: Path) -> None:
    pass


def _logs(directory: Path) -> None:
    """Makes the logs that docs/converting.md converts."""
    shutil.copy(_SAMPLE, directory / "audit.log")
    shutil.copy(_SAMPLE, directory / "big.log")
    (directory / "audit.log.1.gz").write_bytes(gzip.compress(_SAMPLE.read_bytes()))
    for host in ("web1", "web2", "db1"):
        (directory / host).mkdir()
        shutil.copy(_SAMPLE, directory / host / "audit.log")


def _json(directory: Path) -> None:
    """Makes the JSON lines that docs/log-format.md reverts."""
    program = Path(sys.executable).parent / "laurel-mp"
    for name in ("audit.log", "audit.log.1"):
        command: list[str | Path] = [program, "convert", "-o", directory / name, _SAMPLE]
        subprocess.run(command, check=True, capture_output=True)


def _capture(directory: Path) -> None:
    """Makes the capture that docs/load-testing.md uses."""
    shutil.copy(_SAMPLE, directory / "capture.txt")


_files: dict[str, Callable[[Path], None]] = {
    "docs/converting.md": _logs,
    "docs/log-format.md": _json,
    "docs/load-testing.md": _capture,
}
