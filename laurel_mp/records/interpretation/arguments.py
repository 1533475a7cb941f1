"""The meaning of system calls' arguments, as far as their manual pages say it.

SYSCALL records hold the first four arguments as the kernel got them, in hexadecimal. Positions
are those of the kernel's own calls, which differ from the C library's here and there: clone(2)
takes its flags first [syscall(2), "Architecture-specific requirements"].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from laurel_mp.records.interpretation import forms
from laurel_mp.records.interpretation.forms import Form, enumeration, flags

_SIGNAL = enumeration("signal")
_ACCESS = flags("access", b"F_OK")
_AT = flags("at_flag")
_PROT = flags("prot", b"PROT_NONE")
_MOUNT = flags("mount")
_MESSAGE = flags("message")
_CLOCK = enumeration("clock")
_LIMIT = enumeration("rlimit")
_FCNTL = enumeration("fcntl")
_POLICY = enumeration("scheduler")
_LEVEL = enumeration("socket_level")
_CAPABILITY = enumeration("capability")
_CLONE = flags("clone")


def _status(value: int, _arch: bytes) -> bytes:
    return b"%d" % (value - (value & 0x80000000) * 2 if value & 0x80000000 else value & forms.INT)


# By system call: position to form.
_FORMS: dict[str, dict[int, Form]] = {
    "access": {1: _ACCESS},
    "bpf": {0: enumeration("bpf")},
    "chmod": {1: forms.permissions},
    "clock_adjtime": {0: _CLOCK},
    "clock_getres": {0: _CLOCK},
    "clock_gettime": {0: _CLOCK},
    "clock_nanosleep": {0: _CLOCK},
    "clock_settime": {0: _CLOCK},
    "clone": {0: forms.clone_flags},
    "creat": {1: forms.permissions},
    "epoll_ctl": {1: enumeration("epoll")},
    "execveat": {0: forms.directory},
    "exit": {0: _status},
    "exit_group": {0: _status},
    "faccessat": {0: forms.directory, 2: _ACCESS},
    "faccessat2": {0: forms.directory, 2: _ACCESS, 3: _AT},
    "fchmod": {1: forms.permissions},
    "fchmodat": {0: forms.directory, 2: forms.permissions},
    "fchmodat2": {0: forms.directory, 2: forms.permissions, 3: _AT},
    "fchownat": {0: forms.directory},
    "fcntl": {1: _FCNTL},
    "fcntl64": {1: _FCNTL},
    "fsconfig": {1: enumeration("fsconfig")},
    "futimesat": {0: forms.directory},
    "getrlimit": {0: _LIMIT},
    "getsockopt": {1: _LEVEL},
    "ioctl": {1: enumeration("ioctl")},
    "ipc": {0: enumeration("ipc")},
    "kill": {1: _SIGNAL},
    "linkat": {0: forms.directory, 2: forms.directory},
    "lseek": {2: enumeration("seek")},
    "mkdir": {1: forms.permissions},
    "mkdirat": {0: forms.directory, 2: forms.permissions},
    "mknod": {1: forms.mode},
    "mknodat": {0: forms.directory, 2: forms.mode},
    "mmap": {2: _PROT, 3: forms.map_flags},
    "mmap2": {2: _PROT, 3: forms.map_flags},
    "mount": {3: _MOUNT},
    "move_mount": {0: forms.directory, 2: forms.directory},
    "mprotect": {2: _PROT},
    "mq_open": {1: forms.open_flags},
    "name_to_handle_at": {0: forms.directory},
    "newfstatat": {0: forms.directory, 3: _AT},
    "open": {1: forms.open_flags},
    "open_by_handle_at": {2: forms.open_flags},
    "open_tree": {0: forms.directory},
    "openat": {0: forms.directory, 2: forms.open_flags},
    "openat2": {0: forms.directory},
    "personality": {0: forms.personality},
    "pkey_mprotect": {2: _PROT},
    "prctl": {0: enumeration("prctl")},
    "prlimit64": {1: _LIMIT},
    "ptrace": {0: enumeration("ptrace")},
    "readlinkat": {0: forms.directory},
    "recvfrom": {3: _MESSAGE},
    "recvmmsg": {3: _MESSAGE},
    "recvmsg": {2: _MESSAGE},
    "renameat": {0: forms.directory, 2: forms.directory},
    "renameat2": {0: forms.directory, 2: forms.directory},
    "rt_sigaction": {0: _SIGNAL},
    "rt_sigqueueinfo": {1: _SIGNAL},
    "sched_setscheduler": {1: _POLICY},
    "sendmmsg": {3: _MESSAGE},
    "sendmsg": {2: _MESSAGE},
    "sendto": {3: _MESSAGE},
    "setns": {1: _CLONE},
    "setrlimit": {0: _LIMIT},
    "setsockopt": {1: _LEVEL},
    "shmget": {2: flags("shm")},
    "socket": {0: enumeration("address_family"), 1: forms.socket_type},
    "socketcall": {0: enumeration("socketcall")},
    "socketpair": {0: enumeration("address_family"), 1: forms.socket_type},
    "statx": {0: forms.directory},
    "symlinkat": {1: forms.directory},
    "tgkill": {2: _SIGNAL},
    "tkill": {1: _SIGNAL},
    "umount2": {1: flags("umount")},
    "unlinkat": {0: forms.directory},
    "unshare": {0: _CLONE},
    "utimensat": {0: forms.directory, 3: _AT},
}

# Arguments that are ids of users and groups: position to whether it is a user's.
_IDS: dict[str, dict[int, bool]] = {
    "chown": {1: True, 2: False},
    "fchown": {1: True, 2: False},
    "fchownat": {2: True, 3: False},
    "lchown": {1: True, 2: False},
    "setfsgid": {0: False},
    "setfsuid": {0: True},
    "setgid": {0: False},
    "setregid": {0: False, 1: False},
    "setresgid": {0: False, 1: False, 2: False},
    "setresuid": {0: True, 1: True, 2: True},
    "setreuid": {0: True, 1: True},
    "setuid": {0: True},
}

_OPTIONS = {0: "ip_option", 1: "socket_option", 6: "tcp_option", 17: "udp_option",
            41: "ipv6_option", 263: "packet_option"}  # fmt: skip
"""Of set- and getsockopt(2): the level to the group of its options."""

_O_CREAT = {b"mips": 0x100, b"mipsel": 0x100, b"mips64": 0x100, b"mipsel64": 0x100}

Name = Callable[[int], bytes]


def interpret(
    arch: bytes,
    call: bytes,
    arguments: Mapping[int, int],
    user_name: Name | None = None,
    group_name: Name | None = None,
) -> dict[int, bytes]:
    """Text by position, for those of the first four arguments that have any.

    `arch` and `call` are names; `arguments` are numbers by position. Ids are named by
    `user_name` and `group_name`; -1, which leaves an id as it is, is `unset`.
    """
    name = call.decode("ascii", "replace")
    chosen = dict(_FORMS.get(name, {}))
    chosen |= _dependent(arch, name, arguments)
    found = {}
    for position, form in sorted(chosen.items()):
        text = form(arguments[position], arch) if position in arguments else None
        if text is not None:
            found[position] = text
    for position, is_user in _IDS.get(name, {}).items():
        name_of = user_name if is_user else group_name
        if name_of is not None and position in arguments:
            found[position] = name_of(arguments[position] & forms.INT)
    return dict(sorted(found.items()))


def _dependent(arch: bytes, name: str, arguments: Mapping[int, int]) -> dict[int, Form]:
    """The forms of arguments whose meaning another argument decides."""
    first, second, third = (arguments.get(position, 0) & forms.INT for position in range(3))
    creates = _O_CREAT.get(arch, 0x40)
    if name in ("setsockopt", "getsockopt") and second in _OPTIONS:
        level = "socket_option" if second == 0xFFFF else _OPTIONS[second]
        return {2: enumeration(level)}
    if name == "socket" and first in (2, 10):  # AF_INET, AF_INET6
        return {2: enumeration("protocol")}
    if name in ("open", "mq_open") and second & creates:
        return {2: forms.permissions}
    if name == "openat" and third & creates:
        return {3: forms.permissions}
    if name == "prctl" and first in (23, 24):  # PR_CAPBSET_READ, PR_CAPBSET_DROP
        return {1: _CAPABILITY}
    if name == "prctl" and first == 1:  # PR_SET_PDEATHSIG
        return {1: _SIGNAL}
    if name in ("fcntl", "fcntl64"):
        if second == 2:  # F_SETFD
            return {2: lambda value, _arch: b"FD_CLOEXEC" if value & forms.INT == 1 else None}
        if second == 4:  # F_SETFL
            return {2: forms.open_flags}
    return {}
