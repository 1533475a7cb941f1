"""Audit lines as the kernel and auditd would write them, for stories about processes."""

from __future__ import annotations

from dataclasses import dataclass, field

X32 = 1 << 30

CALLS = {
    "execve": 59,
    "openat": 257,
    "connect": 42,
    "exit": 60,
    "exit_group": 231,
    "kill": 62,
    "clone": 56,
    "x32 execve": X32 + 520,
    "execveat": 322,
    "ppc64 execve": 11,
    "mips64 execve": 5057,
}


def encoded(text: str | bytes | None) -> str:
    """An untrusted string as the kernel writes it: quoted, or hex if it must be."""
    if text is None:
        return "(null)"
    raw = text.encode() if isinstance(text, str) else text
    if all(0x21 <= byte <= 0x7E and byte != 0x22 for byte in raw):
        return f'"{raw.decode()}"'
    return raw.hex().upper()


@dataclass
class Stream:
    """Collects lines; each method is one event and returns its id."""

    node: str = ""
    serial: int = 100
    seconds: int = 1_700_000_000
    eoe: bool = True
    lines: list[str] = field(default_factory=list)

    def text(self) -> bytes:
        """All lines so far."""
        return "".join(line + "\n" for line in self.lines).encode()

    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.seconds += seconds

    def event(self, *records: tuple[str, str], end: bool | None = None) -> str:
        """An event of these records; each is a type and a body."""
        self.serial += 1
        id_ = f"{self.seconds}.000:{self.serial}"
        for kind, body in records:
            self.record(id_, kind, body)
        if self.eoe if end is None else end:
            self.record(id_, "EOE", "")
        return id_

    def record(self, id_: str, kind: str, body: str) -> None:
        """One line of the event `id_`."""
        node = f"node={self.node} " if self.node else ""
        self.lines.append(f"{node}type={kind} msg=audit({id_}): {body}")

    def syscall(
        self,
        call: str,
        pid: int,
        ppid: int,
        exe: str | None,
        *,
        comm: str | None = None,
        key: str | bytes | None = None,
        uid: int = 0,
        success: bool = True,
        items: int = 0,
        arch: str = "c000003e",
    ) -> tuple[str, str]:
        """A SYSCALL record."""
        name = comm if comm is not None else (exe or "kworker").rsplit("/", 1)[-1][:15]
        result = "success=yes exit=0" if success else "success=no exit=-2"
        if call == "exit_group":
            result = ""
        head = f"arch={arch} syscall={CALLS[call]} {result}".rstrip()
        ids = " ".join(
            f"{each}={uid}"
            for each in ("uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid")
        )
        return "SYSCALL", (
            f"{head} a0=1 a1=2 a2=3 a3=0 items={items} ppid={ppid} pid={pid} auid=1000 {ids} "
            f"tty=pts0 ses=1 comm={encoded(name)} exe={encoded(exe)} key={encoded(key)}"
        )

    def execute(
        self,
        pid: int,
        ppid: int,
        exe: str,
        *argv: str | bytes,
        key: str | bytes | None = None,
        uid: int = 0,
        success: bool = True,
        script: str | None = None,
        cwd: str = "/root",
        comm: str | None = None,
        inode: int | None = None,
        dev: str = "fe:00",
        arch: str = "c000003e",
        call: str = "execve",
    ) -> str:
        """An execve; of a script, if there is one, that `exe` interprets.

        The arguments of a script are those that its interpreter gets. `inode` is that of what
        was asked to be run.
        """
        paths = [script, exe] if script else [exe]
        records = [
            self.syscall(
                call,
                pid,
                ppid,
                exe,
                arch=arch,
                key=key,
                uid=uid,
                success=success,
                items=len(paths) + 1,
                comm=comm or (script.rsplit("/", 1)[-1][:15] if script else None),
            )
        ]
        if success:
            words = " ".join(f"a{i}={encoded(word)}" for i, word in enumerate(argv))
            records.append(("EXECVE", f"argc={len(argv)} {words}".rstrip()))
        records.append(("CWD", f"cwd={encoded(cwd)}"))
        for item, path in enumerate([*paths, "/lib64/ld-linux-x86-64.so.2"]):
            number = inode if item == 0 and inode is not None else 1000 + item
            records.append(
                (
                    "PATH",
                    (
                        f"item={item} name={encoded(path)} inode={number} dev={dev} "
                        "mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL"
                    ),
                )
            )
        title = b"\0".join(
            word.encode() if isinstance(word, str) else word for word in argv or (exe,)
        )
        records.append(("PROCTITLE", f"proctitle={title[:128].hex().upper()}"))
        return self.event(*records)

    def open(
        self,
        pid: int,
        ppid: int,
        exe: str,
        path: str = "/etc/passwd",
        *,
        key: str | bytes | None = None,
        uid: int = 0,
        comm: str | None = None,
    ) -> str:
        """A file that is opened."""
        return self.event(
            self.syscall("openat", pid, ppid, exe, key=key, uid=uid, items=1, comm=comm),
            ("CWD", 'cwd="/root"'),
            (
                "PATH",
                (
                    f"item=0 name={encoded(path)} inode=77 dev=fe:00 mode=0100644 ouid=0 ogid=0 "
                    "rdev=00:00 nametype=NORMAL"
                ),
            ),
            ("PROCTITLE", f"proctitle={encoded(exe.rsplit('/', 1)[-1])}"),
        )

    def connect(
        self, pid: int, ppid: int, exe: str, saddr: str, *, key: str | None = None, uid: int = 0
    ) -> str:
        """A connection to the address in `saddr`, hex digits of a struct sockaddr."""
        return self.event(
            self.syscall("connect", pid, ppid, exe, key=key, uid=uid),
            ("SOCKADDR", f"saddr={saddr}"),
            ("PROCTITLE", f"proctitle={encoded(exe.rsplit('/', 1)[-1])}"),
        )

    def kill(self, pid: int, ppid: int, exe: str, target: int, *, comm: str = "victim") -> str:
        """A signal to the process `target`."""
        return self.event(
            self.syscall("kill", pid, ppid, exe),
            ("OBJ_PID", f'opid={target} oauid=-1 ouid=0 oses=-1 ocomm="{comm}"'),
            ("PROCTITLE", f"proctitle={encoded(exe.rsplit('/', 1)[-1])}"),
        )

    def leave(self, pid: int, ppid: int, exe: str, *, thread_only: bool = False) -> str:
        """A process that ends, or one of its threads."""
        call = "exit" if thread_only else "exit_group"
        return self.event(
            self.syscall(call, pid, ppid, exe),
            ("PROCTITLE", f"proctitle={encoded(exe.rsplit('/', 1)[-1])}"),
        )

    def user(self, kind: str, pid: int, message: str, *, uid: int = 0) -> str:
        """A record from user space."""
        return self.event((kind, f"pid={pid} uid={uid} auid=1000 ses=1 msg='{message}'"), end=False)
