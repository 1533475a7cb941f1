"""The part of the configuration that decides how records are rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """How records are rendered. The defaults are LAUREL's."""

    universal: bool = False
    """Translate architectures, system calls, socket addresses, io_uring operations."""
    user_name: Callable[[int], bytes] | None = None
    """Translates user ids, if they are to be translated."""
    group_name: Callable[[int], bytes] | None = None
    drop_raw: bool = False
    """Leave out the raw value where a translation was made."""
    prefix: bytes | None = None
    """Put before each key that we add, instead of writing it in upper case."""
    argv_array: bool = True
    argv_string: bool = False
    argv_limit: int | None = None
    """Bytes of arguments in `EXECVE.ARGV` and `ARGV_STR`."""
    record_types: bool = False
    """List the types of an event's records."""
    groups_of: Callable[[int], tuple[bytes, ...] | None] | None = None
    """Names the groups of a user, if they are to be shown."""
    filter_address: Callable[[str, int], bool] | None = None
    """Whether an internet address and port say that an event is filtered."""
    queries_name_rules: bool = False
    """Whether the tracker wants to know users and rule keys: it remembers more answers without."""
    look_up_pids: bool = True
    """Ask the tracker about `…pid` fields outside of SYSCALL records."""
    big_endian: bool = False
    """Byte order of the audited host, for socket addresses."""

    def added(self, name: bytes) -> bytes:
        """The key under which we add what we know about field `name`.

        The one place where added keys get their names: many SIEMs ignore case, for them a
        prefix keeps `uid` and its translation apart.
        """
        return name.upper() if self.prefix is None else self.prefix + name.lower()

    def for_host(self, local: bool, big_endian: bool) -> RecordOptions:
        """The options for records of a host; nothing local is said about a foreign one."""
        if local:
            return replace(self, big_endian=big_endian)
        return replace(self, user_name=None, group_name=None, groups_of=None, big_endian=big_endian)
