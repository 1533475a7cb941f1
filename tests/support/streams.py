"""Lines of audit streams, made up."""


def syscall(serial: int, *, second: int = 1000, node: bytes = b"", pid: int = 2, ppid: int = 1,
            items: int = 0, arch: bytes = b"c000003e", number: int = 2,
            exe: bytes = b"/x") -> bytes:  # fmt: skip
    """A SYSCALL record; number 59 is an exec, on the architecture that has it by default."""
    body = (
        b"arch=%b syscall=%d success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=%d ppid=%d pid=%d "
        b"auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 "
        b'comm="x" exe="%b" key=(null)' % (arch, number, items, ppid, pid, exe)
    )
    return record(b"SYSCALL", serial, body, second=second, node=node)


def record(
    name: bytes, serial: int, body: bytes = b"item=0", *, second: int = 1000, node: bytes = b""
) -> bytes:
    """Any record, as a line."""
    prefix = b"node=%b " % node if node else b""
    return b"%btype=%b msg=audit(%d.000:%d): %b\n" % (prefix, name, second, serial, body)


def eoe(serial: int, *, second: int = 1000, node: bytes = b"") -> bytes:
    """The end of an event."""
    return record(b"EOE", serial, b"", second=second, node=node)


def event(serial: int, *, second: int = 1000, node: bytes = b"", pid: int = 2) -> bytes:
    """A small whole event of three lines."""
    return (
        syscall(serial, second=second, node=node, pid=pid)
        + record(b"PROCTITLE", serial, b"proctitle=41", second=second, node=node)
        + eoe(serial, second=second, node=node)
    )


def user(serial: int, body: bytes = b"op=x", *, second: int = 1000, node: bytes = b"") -> bytes:
    """A record from user space: an event of its own."""
    return record(b"USER_CMD", serial, b"pid=1 uid=0 msg='%b'" % body, second=second, node=node)
