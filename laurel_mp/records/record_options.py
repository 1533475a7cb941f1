"""Options for the rendering of records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Options for the rendering of records. The defaults are LAUREL's."""

    universal: bool = False
    """Translate architectures, system calls, socket addresses, io_uring operations."""
    user_name: Callable[[int], bytes] | None = None
    """Translates user ids, if they are to be translated."""
    group_name: Callable[[int], bytes] | None = None
    drop_raw: bool = False
    """Leave out the raw value where a translation was made."""
    prefix: bytes | None = None
    """Prefix of added keys; None for upper case instead."""
    argv_array: bool = True
    argv_string: bool = False
    argv_limit: int | None = None
    """Bytes of arguments in `EXECVE.ARGV` and `ARGV_STR`."""
    record_types: bool = False
    """List the types of an event's records."""
    groups_of: Callable[[int], tuple[bytes, ...] | None] | None = None
    """Names the groups of a user, if they are to be shown."""
    filter_address: Callable[[str, int], bool] | None = None
    """True for an internet address and port by which an event is filtered."""
    queries_name_rules: bool = False
    """Send users and rule keys with process queries. Without them, more answers are cached."""
    look_up_pids: bool = True
    """Ask the tracker about `…pid` fields outside of SYSCALL records."""
    big_endian: bool = False
    """Byte order of the audited host, for socket addresses."""
    interpret: bool = False
    """Name error numbers, signals, flags, modes, capabilities and other numbers."""

    def added(self, name: bytes) -> bytes:
        """Returns the key of a member that we add for field `name`.

        All added keys are made here. Many SIEMs ignore case; for them, a prefix keeps `uid` and its
        translation apart.
        """
        return name.upper() if self.prefix is None else self.prefix + name.lower()

    def for_host(self, local: bool, big_endian: bool) -> RecordOptions:
        """Returns the options for records of a host; without local names for a foreign one."""
        if local:
            return replace(self, big_endian=big_endian)
        return replace(self, user_name=None, group_name=None, groups_of=None, big_endian=big_endian)
