"""Requirements of tests on the machine: without one a test is skipped, or fails in CI."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Programs of the administrator, which the PATH of other users often leaves out.
_PATH = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"


def program(name: str) -> Path | None:
    """Path of an installed program, or None."""
    found = shutil.which(name, path=_PATH)
    return Path(found) if found else None


def require(condition: object, what: str) -> None:
    """Skip the test unless `condition` holds; with CI=true that is a failure instead.

    CI installs everything, so a skip there would be a test that is never run.
    """
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"needs {what}, and CI must have it", pytrace=False)
    pytest.skip(f"needs {what}")


def is_root() -> bool:
    """True if this process has root's rights."""
    return os.geteuid() == 0


def root() -> None:
    """Need root's rights."""
    require(is_root(), "root")


def laurel() -> Path:
    """Need Debian's laurel, to compare with; return where it is."""
    found = program("laurel")
    require(found, "the program laurel (Debian: apt-get install laurel)")
    assert found
    return found


def newest_laurel() -> Path:
    """Need LAUREL 0.8.2, to compare with; return where it is.

    No distribution has it: `.ci/run` builds it. It stays outside of the source tree, so that the
    next clone finds it.
    """
    cache = Path(os.environ.get("LAUREL_MP_PEERS", "/var/cache/laurel-mp"))
    found = cache / "laurel-0.8.2" / "bin" / "laurel"
    require(os.access(found, os.X_OK), f"{found} (.ci/run builds it, with cargo)")
    return found


def auditd() -> None:
    """Need auditd, and a kernel that lets us use it, which it does in few containers."""
    root()
    auditctl = program("auditctl")
    require(program("auditd") and auditctl, "auditd (Debian: apt-get install auditd)")
    assert auditctl
    asked = subprocess.run([auditctl, "-s"], capture_output=True, text=True, check=False)
    require(asked.returncode == 0, f"the kernel's auditing (auditctl -s: {asked.stderr.strip()})")


def cgroups() -> Path:
    """Need control groups that may be made, by version 2; return where they are.

    Many containers, and kernels without them, have none to give: that is no fault of CI.
    """
    root()
    mounts = [line.split(" ") for line in Path("/proc/mounts").read_text().splitlines()]
    found = [
        path
        for _, path, kind, options, *_ in mounts
        if kind == "cgroup2" and "rw" in options.split(",")
    ]
    if not found:
        pytest.skip("needs control groups of version 2 that can be written")
    return Path(found[0])
