"""The virtual environment of a checkout: made once, and again when what it depends on has changed.

Runs on a bare Python 3.11 before anything is installed, so it imports the standard library only.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
_STAMP = VENV / "installed-for"


def prepare() -> None:
    """Create .venv and install the project with its development tools, unless that is done already.

    Ends the program with a plain message when it cannot.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python gets to
        found = sys.version.split()[0]
        sys.exit(f"laurel-mp needs Python 3.11 or newer; {sys.executable} is {found}.")
    wanted = _fingerprint()
    with _alone():
        if _STAMP.is_file() and _STAMP.read_text() == wanted:
            return
        print("Setting up .venv (once; it takes about a minute) ...", flush=True)
        try:
            # Without `clear`: a venv that is in use elsewhere stays usable while pip updates it.
            venv.create(VENV, symlinks=True, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("Python's venv module is incomplete; Debian: apt-get install python3-venv")
        pip = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        status = run(*pip, "--editable", f"{ROOT}[dev]")
        if status:
            sys.exit(f"pip could not install laurel-mp and its tools (status {status}); see above.")
        _STAMP.write_text(wanted)


def run(*command: str | Path) -> int:
    """Run a program of .venv at the top of the checkout and return its exit status."""
    return start(*command).wait()


def start(*command: str | Path, stdout: int | None = None) -> "subprocess.Popen[bytes]":
    """Start a program of .venv, or of the system, at the top of the checkout."""
    search = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program = shutil.which(command[0], path=search) or command[0]
    sys.stdout.flush()
    return subprocess.Popen(
        [program, *command[1:]], cwd=ROOT, env=os.environ | {"PATH": search}, stdout=stdout
    )


def _fingerprint() -> str:
    """Everything that .venv depends on: the requirements, the interpreter, and its own place.

    An editable installation and the scripts in bin/ hold absolute paths, so a copied or
    moved checkout needs a new one.
    """
    parts = [(ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), os.fsencode(ROOT)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep a second run in the same checkout waiting until .venv is complete."""
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    prepare()
