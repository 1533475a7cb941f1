"""Arguments of system calls: a table of calls and what their arguments mean."""

import pytest

from laurel_mp.records.interpretation import arguments

UNSET = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("arch", "call", "written", "expected"),
    [
        ("x86_64", "openat", "ffffff9c 7f00 80000 0", {0: "AT_FDCWD", 2: "O_RDONLY|O_CLOEXEC"}),
        ("x86_64", "openat", "3 7f00 241 1b6", {2: "O_WRONLY|O_CREAT|O_TRUNC", 3: "0666"}),
        ("x86_64", "openat", "ffffffffffffff9c 1 10000 0",
         {0: "AT_FDCWD", 2: "O_RDONLY|O_DIRECTORY"}),
        ("aarch64", "openat", "3 1 4000 0", {2: "O_RDONLY|O_DIRECTORY"}),
        ("ppc64le", "openat", "3 1 4000 0", {2: "O_RDONLY|O_DIRECTORY"}),
        ("x86_64", "open", "1 c2 180 0", {1: "O_RDWR|O_CREAT|O_EXCL", 2: "0600"}),
        ("x86_64", "open", "1 410000 0 0", {1: "O_RDONLY|O_TMPFILE"}),
        ("x86_64", "open", "1 3 0 0", {}),
        ("x86_64", "kill", "1 9 0 0", {1: "SIGKILL"}),
        ("mips", "kill", "1 a 0 0", {1: "SIGBUS"}),
        ("x86_64", "kill", "1 0 0 0", {}),
        ("x86_64", "clone", "1200011 0 0 0",
         {0: "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD"}),
        ("x86_64", "unshare", "20000 0 0 0", {0: "CLONE_NEWNS"}),
        ("x86_64", "mmap", "0 1000 3 22",
         {2: "PROT_READ|PROT_WRITE", 3: "MAP_PRIVATE|MAP_ANONYMOUS"}),
        ("x86_64", "mprotect", "0 1000 0 0", {2: "PROT_NONE"}),
        ("x86_64", "mount", "1 2 3 6", {3: "MS_NOSUID|MS_NODEV"}),
        ("x86_64", "umount2", "1 2 0 0", {1: "MNT_DETACH"}),
        ("x86_64", "socket", "2 80801 6 0",
         {0: "inet", 1: "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC", 2: "tcp"}),
        ("x86_64", "socket", "10 3 9 0", {0: "netlink", 1: "SOCK_RAW"}),
        ("x86_64", "setsockopt", "3 1 2 0", {1: "SOL_SOCKET", 2: "SO_REUSEADDR"}),
        ("x86_64", "setsockopt", "3 6 1 0", {1: "SOL_TCP", 2: "TCP_NODELAY"}),
        ("x86_64", "ioctl", "3 5401 0 0", {1: "TCGETS"}),
        ("x86_64", "ptrace", "10 1 0 0", {0: "PTRACE_ATTACH"}),
        ("x86_64", "prctl", "f 1 0 0", {0: "PR_SET_NAME"}),
        ("x86_64", "prctl", "18 15 0 0", {0: "PR_CAPBSET_DROP", 1: "sys_admin"}),
        ("x86_64", "chmod", "1 9ed 0 0", {1: "04755"}),
        ("x86_64", "mknod", "1 21b6 103 0", {1: "character,666"}),
        ("x86_64", "faccessat", "ffffff9c 1 4 0", {0: "AT_FDCWD", 2: "R_OK"}),
        ("x86_64", "access", "1 0 0 0", {1: "F_OK"}),
        ("x86_64", "bpf", "5 1 0 0", {0: "BPF_PROG_LOAD"}),
        ("i386", "socketcall", "1 1 0 0", {0: "socket"}),
        ("x86_64", "exit_group", "7f 0 0 0", {0: "127"}),
        ("x86_64", "exit_group", "ffffffff 0 0 0", {0: "-1"}),
        ("x86_64", "setuid", "0 0 0 0", {0: "user 0"}),
        ("x86_64", "setresgid", f"ffffffffffffffff {UNSET:x} 5 0",
         {0: f"group {UNSET}", 1: f"group {UNSET}", 2: "group 5"}),
        ("x86_64", "chown", "1 3e8 64 0", {1: "user 1000", 2: "group 100"}),
        ("x86_64", "fcntl", "3 2 1 0", {1: "F_SETFD", 2: "FD_CLOEXEC"}),
        ("x86_64", "fcntl", "3 4 800 0", {1: "F_SETFL", 2: "O_RDONLY|O_NONBLOCK"}),
        ("sparc64", "open", "1 2 0 0", {}),
        ("x86_64", "no_such_call", "1 2 3 4", {}),
        ("x86_64", "caf\xe9", "1 2 3 4", {}),
    ],
)  # fmt: skip
def test_interpretation(arch: str, call: str, written: str, expected: dict[int, str]) -> None:
    """By call and architecture; bits beyond a C int do not count."""
    found = arguments.interpret(
        arch.encode(),
        call.encode("latin-1"),
        {position: int(text, 16) for position, text in enumerate(written.split())},
        lambda number: b"user %d" % number,
        lambda number: b"group %d" % number,
    )

    assert {position: text.encode() for position, text in expected.items()} == found


def test_arguments_may_be_missing() -> None:
    """A record that was cut has fewer."""
    assert not arguments.interpret(b"x86_64", b"openat", {})
    assert arguments.interpret(b"x86_64", b"openat", {2: 0}) == {2: b"O_RDONLY"}
