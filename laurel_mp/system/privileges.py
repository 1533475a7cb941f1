"""Users and capabilities of the processes.

Credentials and capabilities belong to threads (credentials(7), capabilities(7)): call all of this
in the main thread, before it starts others. A process cannot regain what it gives up here, nor can
programs that it starts: no_new_privs is set first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum, IntEnum
from typing import NamedTuple

from laurel_mp.config import Config
from laurel_mp.config.settings import filters_on
from laurel_mp.errors import ConfigError, PipelineError

# <linux/prctl.h>
_PR_SET_KEEPCAPS = 8
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4

_CAPABILITY_VERSION_3 = 0x20080522  # <linux/capability.h>: two words of 32 bits


class Capability(IntEnum):
    """The capabilities that laurel-mp can use; numbers as in the kernel."""

    DAC_READ_SEARCH = 2
    """To read files regardless of their mode."""
    SYS_PTRACE = 19
    """To read /proc of other users' processes."""
    AUDIT_CONTROL = 30
    """To ask the kernel for its count of lost records, in a process with no other capability."""


class Role(Enum):
    """Roles of processes; the value is the title."""

    INGEST = "ingest"
    INLINE = "all stages"
    """Ingest without workers."""
    FORK_SERVER = "fork server"
    WORKER = "worker"
    TRACKER = "tracker"
    WRITER = "writer"
    NAMES = "names"
    """Keeper and resolver of a name service."""


Capabilities = frozenset[Capability]

NONE: Capabilities = frozenset()

_dropped = False
"""True if `drop` was called; children inherit it."""


class User(NamedTuple):
    """A user to run as."""

    name: str
    uid: int
    gid: int


class Held(NamedTuple):
    """Capabilities of a thread."""

    permitted: Capabilities
    effective: Capabilities


# --- needs of roles


def needs(role: Role, config: Config) -> Capabilities:
    """Returns the capabilities that a process with this role uses with this configuration.

    SYS_PTRACE: the kernel shows `exe`, `root`, `environ` and `ns/pid` in /proc/PID only to
    processes that may trace it [kernel: proc_pid_readlink(), proc_environ_read()], and with
    `hidepid` everything else, too. DAC_READ_SEARCH: `environ` has mode 0400, and not everyone can
    read all executables.
    """
    found = NONE
    if role in (Role.WORKER, Role.INLINE):
        enrich, labels = config.enrich, config.label_process
        reads_files = bool(enrich.exe_hash or enrich.execve_env)
        # The inode of /proc/PID/exe distinguishes a script from its interpreter.
        looks_at_exe = enrich.script or bool(labels.label_script or labels.unlabel_script)
        if reads_files:
            found |= {Capability.DAC_READ_SEARCH}
        if reads_files or looks_at_exe or _shows_processes(config):
            found |= {Capability.SYS_PTRACE}
    if role in (Role.TRACKER, Role.INLINE) and _shows_processes(config):
        found |= {Capability.SYS_PTRACE}
    return found


def _shows_processes(config: Config) -> bool:
    """Returns True if an option needs processes that began before the stream."""
    enrich, labels = config.enrich, config.label_process
    return bool(
        enrich.pid
        or enrich.ppid_verbose
        or enrich.parent_info
        or enrich.spawned_by
        or enrich.container_info
        or labels.label_exe
        or labels.unlabel_exe
        or {"programs", "services"} & set(filters_on(config.filter).values())
    )


def needed(config: Config) -> Capabilities:
    """Returns the capabilities that ingest keeps: for its children, and to reload its files."""
    children = needs(Role.WORKER, config) | needs(Role.TRACKER, config)
    return children | {Capability.DAC_READ_SEARCH}


def beyond(start: Config, config: Config) -> Capabilities:
    """Returns what a reloaded configuration needs, and `start` did not, so that it is given up."""
    return needed(config) - needed(start)


# --- changes


def find_user(name: str | None) -> User | None:
    """Returns the user of this name; None for None. Raises ConfigError if there is none."""
    if name is None:
        return None
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: no user can have this name
        raise ConfigError(f"user: no such user: {name!r}") from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def check(user: User | None) -> None:
    """Raises ConfigError if this process cannot become `user`: only root can become another."""
    if user is not None and os.geteuid() not in (0, user.uid):
        raise ConfigError(f"user: only root can run it as {user.name!r}")


def drop(user: User | None, keep: Capabilities) -> None:
    """Becomes `user`, and gives up all capabilities but `keep`, which are permitted, not effective.

    Call it once, in the main thread, before there are others. If not started by root, it keeps
    those of `keep` that the process has. Raises PipelineError if the system refuses.
    """
    global _dropped
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _reduce_bounding_set(keep)
        # Ambient capabilities are inheritable, and `_set` empties these. Before Linux 4.3 there
        # are none.
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        if user is not None and os.geteuid() == 0:
            _prctl(_PR_SET_KEEPCAPS, 1)
            os.initgroups(user.name, user.gid)
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
            _prctl(_PR_SET_KEEPCAPS, 0)
        _set(_get().permitted & _bits(keep), 0)
    except OSError as error:
        raise PipelineError(f"privileges cannot be dropped: {error.strerror}") from error
    _dropped = True


def become(role: Role, config: Config) -> None:
    """Makes the capabilities of the role effective, and gives up all others.

    INGEST, INLINE and FORK_SERVER keep those that their children need permitted, so that INGEST and
    INLINE can change into each other. For these three nothing happens unless `drop` was called: an
    offline command keeps the capabilities of its caller.
    """
    permitted = _get().permitted
    wanted = _bits(needs(role, config)) & permitted
    if role not in (Role.INGEST, Role.INLINE, Role.FORK_SERVER):
        _set(wanted, wanted)
    elif _dropped:
        _set(permitted, wanted)


def give_up() -> None:
    """Gives up all capabilities."""
    _set(0, 0)


@contextmanager
def raised(*capabilities: Capability) -> Iterator[None]:
    """Makes permitted `capabilities` effective in the block, for this thread only."""
    permitted, effective = _get()
    _set(permitted, effective | (permitted & _bits(capabilities)))
    try:
        yield
    finally:
        _set(permitted, effective)


def held() -> Held:
    """Returns the capabilities of this thread that are members of Capability."""
    permitted, effective = _get()
    return Held(_members(permitted), _members(effective))


# --- the kernel's interface


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Word(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


_WORD = 32
_MASK = (1 << _WORD) - 1
_Data = _Word * 2
_libc = ctypes.CDLL(None, use_errno=True)


def _header() -> _Header:
    return _Header(_CAPABILITY_VERSION_3, 0)


class _Bits(NamedTuple):
    permitted: int
    effective: int


def _get() -> _Bits:
    low, high = data = _Data()
    _check(_libc.capget(ctypes.byref(_header()), data), "capget")
    return _Bits(low.permitted | high.permitted << _WORD, low.effective | high.effective << _WORD)


def _set(permitted: int, effective: int) -> None:
    words = [
        _Word(effective >> shift & _MASK, permitted >> shift & _MASK, 0) for shift in (0, _WORD)
    ]
    _check(_libc.capset(ctypes.byref(_header()), _Data(*words)), "capset")


def _reduce_bounding_set(keep: Capabilities) -> None:
    """Drops all but `keep` from the bounding set; does nothing without CAP_SETPCAP."""
    capability = 0
    while (present := _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0:
        if present and capability not in keep:
            try:
                _prctl(_PR_CAPBSET_DROP, capability)
            except OSError as error:
                if error.errno != errno.EPERM:
                    raise
                return
        capability += 1


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), "prctl")


def _check(result: int, call: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def _bits(capabilities: Iterable[Capability]) -> int:
    return sum(1 << each for each in capabilities)


def _members(bits: int) -> Capabilities:
    return frozenset(each for each in Capability if bits >> each & 1)
