"""Programs, files and addresses that repeat in a flood."""

from __future__ import annotations

from typing import NamedTuple

from laurel_mp.loadtest.flood import record_text


class Program(NamedTuple):
    """A program with its command line."""

    exe: str
    comm: str
    """Name of the process, cut as the kernel does."""
    arguments: list[str]
    inode: int
    script: str = ""
    """The executed file, if the program is its interpreter."""
    key: str = "exec"


class File(NamedTuple):
    """Values of PATH records of a file."""

    parent: str
    """`name=… inode=… …` of its directory, up to `mode`."""
    name: str
    inode: int


def program(exe: str, *arguments: str, script: str = "", key: str = "exec") -> Program:
    """Returns a program with its command line."""
    name = (script or exe).rpartition("/")[2]
    inode = 260_000 + sum(map(ord, exe))
    return Program(exe, name[:15], list(arguments), inode, script, key)


# How often each was executed in tests/corpus/builds.raw.txt.xz; those executed once or twice are
# left out. `+` and `%` are avoided, so that the lengths of arguments stay the same in the output.
_EXECUTED = (
    (252, program("/usr/bin/true", "/bin/true")),
    (252, program("/usr/bin/id", "id")),
    (250, program("/usr/bin/ls", "ls", "/usr")),
    (250, program("/usr/bin/dash", "sh", "-c", "id | cat")),
    (250, program("/usr/bin/cat", "cat")),
    (250, program("/usr/bin/date", "date", "-Is")),
    (40, program("/usr/bin/dash", "/bin/sh", "./maint.sh", script="./maint.sh")),
    (40, program("/usr/bin/whoami", "whoami")),
    (40, program("/usr/bin/uname", "uname", "-a")),
    (40, program("/usr/bin/wc", "wc", "-l")),
    (40, program("/usr/bin/ps", "ps", "ax")),
    (9, program("/usr/bin/git", "git", "-c", "user.name=x", "-c", "user.email=x@y", "commit",
                "-qm", "one two")),
    (9, program("/usr/lib/git-core/git", "/usr/lib/git-core/git", "maintenance", "run", "--auto",
                "--quiet")),
    (6, program("/usr/bin/dpkg", "/usr/bin/dpkg", "--print-foreign-architectures",
                key="software_mgmt")),
    (4, program("/usr/bin/apt-get", "apt-get", "install", "-y", "--reinstall", "tree", "hello",
                key="software_mgmt")),
    (4, program("/usr/bin/rm", "rm", "-rf", "r")),
    (3, program("/usr/bin/dpkg-split", "dpkg-split", "-Qao", "/var/lib/dpkg/reassemble.deb",
                "/var/cache/apt/archives/tree_2.1.0-1_amd64.deb")),
    (3, program("/usr/bin/tar", "tar", "-x", "-f", "-", "--warning=no-timestamp")),
    (3, program("/usr/lib/git-core/git", "/usr/lib/git-core/git", "repack", "-d", "-l", "-q",
                "-A", "--unpack-unreachable=2.weeks.ago")),
    (3, program("/usr/lib/git-core/git", "/usr/lib/git-core/git", "pack-refs", "--all", "--prune")),
    (3, program("/usr/bin/git", "git", "log", "--stat")),
    (2, program("/usr/bin/sleep", "sleep", "1")),
    (2, program("/usr/bin/perl", "/usr/bin/perl", "-w", "/usr/sbin/dpkg-preconfigure", "--apt",
                script="/usr/sbin/dpkg-preconfigure")),
    (2, program("/usr/bin/curl", "curl", "-s", "http://mirror.example/status",
                key="net_tool\x01recon")),
)  # fmt: skip

EXECUTED = [entry for _, entry in _EXECUTED]
EXECUTED_WEIGHTS = [weight for weight, _ in _EXECUTED]

FIRST = program("/usr/lib/systemd/systemd", "/sbin/init")

MISSING = (
    "/usr/local/sbin/ldconfig",
    "/usr/local/bin/git",
    "/usr/sbin/dpkg-split",
    "/usr/local/sbin/sh",
    "/root/bin/my tool",
)
"""Files that a search along PATH does not find."""

LASTING = (
    program("/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"),
    program("/usr/bin/bash", "-bash"),
    program("/usr/sbin/cron", "/usr/sbin/cron", "-f"),
    program("/usr/bin/bash", "bash", "/srv/ci/build.sh"),
    program("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"),
    program("/usr/bin/python3.11", "/usr/bin/python3", "/srv/app/worker.py"),
    program("/usr/sbin/nginx", "nginx: worker process"),
    program("/usr/bin/containerd-shim", "/usr/bin/containerd-shim", "-namespace", "moby"),
    program("/usr/lib/postgresql/15/bin/postgres", "postgres: 15/main: background writer"),
    program("/usr/bin/make", "make", "-j4"),
    program("/usr/bin/dbus-daemon", "/usr/bin/dbus-daemon", "--system", "--nofork"),
)
"""Programs of lasting processes; users log in at the first."""

DIRECTORIES = ("/srv/build", "/srv/build/r", "/", "/var/lib/dpkg", "/var/cache/man", "/root")

_FOLDERS = (
    "/var/lib/dpkg", "/var/lib/dpkg/tmp.ci", "/var/lib/dpkg/info", "/var/lib/dpkg/updates",
    "/var/cache/apt/archives/partial", "/var/cache/man/de", "/var/cache/man/cs",
    "/var/log/apt", "/usr/share/doc/tree", "/usr/share/man/man1", "/etc", "/srv/build/r",
    ".git/objects", ".git/objects/03", ".git/refs/heads",
)  # fmt: skip
_NAMES = (
    "control", "md5sums", "status-new", "status-old", "lock", "0007", "extended_states", "eipp.log",
    "passwd", "group", "shadow-", "index.db", "HEAD", "tmp_obj_Q", "COMMIT_EDITMSG.lock",
    "copyright", "README", "changelog.gz", "tree.1.gz", "list-new", "two words.txt",
)  # fmt: skip


def _file(number: int, folder: str, name: str) -> File:
    inode = 399_000 + number * 37
    directory = f'name="{folder}/" inode={390_000 + sum(map(ord, folder))} dev=fe:00 mode=040755'
    return File(directory, record_text.encoded(f"{folder}/{name}"), inode)


FILES = [
    _file(number, folder, name)
    for number, (folder, name) in enumerate(
        (folder, f"{name}{suffix}" if suffix else name)
        for suffix in ("", ".dpkg-new", ".dpkg-tmp")
        for folder in _FOLDERS
        for name in _NAMES
    )
]
"""945; in the capture PATH records have 854 names."""


class Address(NamedTuple):
    """Destination of a connect call."""

    saddr: str
    """In hexadecimal digits, without the bytes that the kernel copied from behind it."""
    shown: str
    """Translation by auditd."""
    length: str
    """Of the structure, in hexadecimal digits."""
    path: str
    """Of a local socket."""
    success: bool


def local(path: str, *, success: bool) -> Address:
    """Returns a local socket; callers pass the whole structure, with any bytes behind the name."""
    saddr = "0100" + record_text.hexed(path) + "0000"
    return Address(saddr, f"saddr_fam=local path={path}", "6e", path, success)


def inet(address: tuple[int, int, int, int], port: int, *, success: bool) -> Address:
    """Returns an IPv4 address."""
    saddr = f"0200{port:04X}" + "".join(f"{byte:02X}" for byte in address) + "0" * 16
    shown = f"saddr_fam=inet laddr={'.'.join(map(str, address))} lport={port}"
    return Address(saddr, shown, "10", "", success)


_ADDRESSES = (
    (1140, local("/var/run/nscd/socket", success=False)),
    (4, local("/run/systemd/userdb/io.systemd.DynamicUser", success=False)),
    (2, inet((10, 0, 0, 53), 53, success=True)),
    (2, inet((127, 0, 0, 1), 9, success=False)),
    (1, inet((198, 51, 100, 7), 443, success=True)),
)
ADDRESSES = [entry for _, entry in _ADDRESSES]
ADDRESS_WEIGHTS = [weight for weight, _ in _ADDRESSES]


class FileCall(NamedTuple):
    """A system call on files."""

    number: int
    name: str
    success: bool
    exit: int
    arguments: str
    """Behind the first pointer, which the first `%s` of it is."""
    paths: str
    """A letter for each PATH record: Parent, Delete, Create, Normal, Unknown, O for one whose name
    is not known."""
    key: str = "fs"


# How often each was called in tests/corpus/builds.raw.txt.xz.
_FILE_CALLS = (
    (342, FileCall(84, "rmdir", False, -2, "a0=%s a1=55aaf73bf5c1 a2=55aaf73bf670 a3=0", "P")),
    (297, FileCall(87, "unlink", True, 0, "a0=%s a1=7ff3d97005f4 a2=9 a3=0", "PD")),
    (173, FileCall(82, "rename", True, 0, "a0=%s a1=5615ea5290a0 a2=56108b07d387 a3=ab", "PPDDC")),
    (152, FileCall(91, "fchmod", True, 0, "a0=c a1=1a4 a2=%s a3=abcb4a1734ea6e8a", "O")),
    (144, FileCall(263, "unlinkat", True, 0, "a0=4 a1=%s a2=0 a3=7fcf7682cf80", "PD")),
    (119, FileCall(84, "rmdir", False, -39, "a0=%s a1=55aaf73bf5c1 a2=55aaf73bf670 a3=0", "PD")),
    (82, FileCall(90, "chmod", True, 0, "a0=%s a1=1c0 a2=0 a3=abcb4a1734ea6e8a", "N")),
    (73, FileCall(83, "mkdir", True, 0, "a0=%s a1=1ff a2=b a3=7fd1905de0c8", "PC")),
    (70, FileCall(87, "unlink", False, -2, "a0=%s a1=1 a2=0 a3=27de999ef82e121f", "P")),
    (69, FileCall(82, "rename", True, 0, "a0=%s a1=55ab0f0bb4a0 a2=0 a3=1b6", "PPDC")),
    (27, FileCall(84, "rmdir", True, 0, "a0=%s a1=55aaf73bf5c1 a2=55aaf73bf670 a3=0", "PD")),
    (26, FileCall(93, "fchown", True, 0, "a0=c a1=0 a2=0 a3=%s", "O")),
    (14, FileCall(86, "link", True, 0, "a0=%s a1=55ab0f0bb4c0 a2=0 a3=1b6", "NPC")),
    (5, FileCall(92, "chown", True, 0, "a0=%s a1=2a a2=0 a3=abcb4a1734ea6e8a", "N")),
    (3, FileCall(83, "mkdir", False, -17, "a0=%s a1=1ff a2=b a3=7fd1905de0c8", "P")),
    (3, FileCall(260, "fchownat", True, 0, "a0=ffffff9c a1=%s a2=0 a3=0", "N")),
    (1, FileCall(268, "fchmodat", True, 0, "a0=ffffff9c a1=%s a2=1ed a3=7f37ea67ffb8", "N")),
    (1, FileCall(316, "renameat2", True, 0, "a0=ffffff9c a1=%s a2=ffffff9c a3=7ffd87f2", "PPDC")),
)
_OPEN_CALLS = (
    (29, FileCall(257, "openat", True, 4, "a0=ffffff9c a1=%s a2=80041 a3=180", "PN", "etc")),
    (24, FileCall(257, "openat", True, 4, "a0=ffffff9c a1=%s a2=80041 a3=180", "N", "etc")),
    (4, FileCall(257, "openat", False, -13, "a0=ffffff9c a1=%s a2=0 a3=0", "N", "denied")),
)
FILE_CALLS = [entry for _, entry in _FILE_CALLS]
FILE_CALL_WEIGHTS = [weight for weight, _ in _FILE_CALLS]
OPEN_CALLS = [entry for _, entry in _OPEN_CALLS]
OPEN_CALL_WEIGHTS = [weight for weight, _ in _OPEN_CALLS]
