"""A /proc made of plain files, for processes that cannot be had otherwise."""

from pathlib import Path

BOOT_TIME = 1_700_000_000


class ProcfsTree:
    """A directory that looks like /proc, as far as we look."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "stat").write_text(f"cpu  1 2 3\nctxt 5\nbtime {BOOT_TIME}\nprocesses 7\n")
        (root / "uptime").write_text("1.00 1.00\n")

    def add(
        self,
        pid: int,
        ppid: int = 0,
        comm: bytes = b"x",
        start_ticks: int = 12345,
        exe: str | None = "/bin/x",
        cgroup: str = "0::/\n",
        ns_pids: str = "",
        root: str = "/",
    ) -> Path:
        """Add a process, or put it in place of the one that was there; return its directory."""
        directory = self.root / str(pid)
        directory.mkdir(exist_ok=True)
        (directory / "stat").write_bytes(
            b"%d (%b) S %d 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 %d 100 200 0 0 0\n"
            % (pid, comm, ppid, start_ticks)
        )
        (directory / "status").write_text(f"Name:\tx\nNSpid:\t{pid}{ns_pids}\nNSpgid:\t1\n")
        (directory / "cgroup").write_text(cgroup)
        for name, target in (("exe", exe), ("root", root)):
            (directory / name).unlink(missing_ok=True)
            if target is not None:
                (directory / name).symlink_to(target)
        return directory
