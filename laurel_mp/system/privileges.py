"""Which rights each process has, and giving up all others for good.

Credentials and capabilities belong to threads (credentials(7), capabilities(7)): everything here is
for the main thread, before it has started others. What a process gives up here it cannot get
back, and neither can programs that it starts: no_new_privs is set first.
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
    """The capabilities that anything of ours can make use of; numbers as in the kernel."""

    DAC_READ_SEARCH = 2
    """To read files whose mode does not let us."""
    SYS_PTRACE = 19
    """To look into processes of other users."""
    AUDIT_CONTROL = 30
    """To ask the kernel for its count of lost records; the process that asks has no other."""


class Role(Enum):
    """What a process is for; the value is its title."""

    INGEST = "ingest"
    INLINE = "all stages"
    """Ingest, if there are no workers."""
    FORK_SERVER = "fork server"
    WORKER = "worker"
    TRACKER = "tracker"
    WRITER = "writer"
    NAMES = "names"
    """Both processes of a name service."""


Capabilities = frozenset[Capability]

NONE: Capabilities = frozenset()

_dropped = False
"""Whether `drop` was called; children inherit it."""


class User(NamedTuple):
    """Who to be."""

    name: str
    uid: int
    gid: int


class Held(NamedTuple):
    """Capabilities of a thread."""

    permitted: Capabilities
    effective: Capabilities


# --- who needs what


def needs(role: Role, config: Config) -> Capabilities:
    """What a process with this role makes use of, if configured like this.

    SYS_PTRACE: the kernel shows `exe`, `root`, `environ` and `ns/pid` in /proc/PID only to those
    who may trace the process [kernel: proc_pid_readlink(), proc_environ_read()]; where /proc is
    mounted with `hidepid`, all the rest as well. DAC_READ_SEARCH: `environ` has mode 0400, and many
    an executable cannot be read by everyone.
    """
    found = NONE
    if role in (Role.WORKER, Role.INLINE):
        enrich, labels = config.enrich, config.label_process
        reads_files = bool(enrich.exe_hash or enrich.execve_env)
        # A script is told from its interpreter by the inode of /proc/PID/exe.
        looks_at_exe = enrich.script or bool(labels.label_script or labels.unlabel_script)
        if reads_files:
            found |= {Capability.DAC_READ_SEARCH}
        if reads_files or looks_at_exe or _shows_processes(config):
            found |= {Capability.SYS_PTRACE}
    if role in (Role.TRACKER, Role.INLINE) and _shows_processes(config):
        found |= {Capability.SYS_PTRACE}
    return found


def _shows_processes(config: Config) -> bool:
    """Whether it matters what processes were before the stream has shown them."""
    enrich, labels, filters = config.enrich, config.label_process, config.filter
    return bool(
        enrich.pid
        or enrich.ppid_verbose
        or enrich.parent_info
        or enrich.spawned_by
        or enrich.container_info
        or labels.label_exe
        or labels.unlabel_exe
        or filters.filter_exe
        or filters.filter_systemd_services
    )


def needed(config: Config) -> Capabilities:
    """What ingest has to keep: what its children need, and to read the configuration again."""
    children = needs(Role.WORKER, config) | needs(Role.TRACKER, config)
    return children | {Capability.DAC_READ_SEARCH}


def beyond(start: Config, config: Config) -> Capabilities:
    """What a configuration that is read later would need, but was given up with the first one."""
    return needed(config) - needed(start)


# --- giving up


def find_user(name: str | None) -> User | None:
    """The user to run as, None for the one that we are. Raises ConfigError if there is none."""
    if name is None:
        return None
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # nobody has this name, or nobody can have it
        raise ConfigError(f"user: no such user: {name!r}") from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def check(user: User | None) -> None:
    """Raises ConfigError if only root could become this user, and we are somebody else."""
    if user is not None and os.geteuid() not in (0, user.uid):
        raise ConfigError(f"user: only root can run it as {user.name!r}")


def drop(user: User | None, keep: Capabilities) -> None:
    """Becomes `user` and gives up all capabilities but those of `keep`, of which none is in effect.

    To be called once, by the main thread, while it is the only one. Started by somebody else
    than root, what there is of `keep` is kept. Raises PipelineError if the system refuses.
    """
    global _dropped
    try:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _reduce_bounding_set(keep)
        # What is ambient is inheritable, and `_set` makes that empty. Kernels before 4.3 have none.
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
    """Keeps and puts into effect what the role needs; gives up all else, for good.

    Those that start other processes keep what these may need, but do not put it into effect; they
    can change between INGEST and INLINE. For them nothing happens unless `drop` was called: who
    runs a pipeline in a process of his own keeps his rights.
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
    """Puts what there is of `capabilities` into effect for a while, for this thread only."""
    permitted, effective = _get()
    _set(permitted, effective | (permitted & _bits(capabilities)))
    try:
        yield
    finally:
        _set(permitted, effective)


def held() -> Held:
    """The capabilities of this thread, as far as they are any of ours."""
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
    """Without CAP_SETPCAP, as if started by somebody else than root, it stays as it is."""
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
