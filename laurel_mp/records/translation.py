"""Translates numbers and structures into names, as auditd does with `log_format = ENRICHED`.

The large tables are loaded when they are first needed: each process counts its memory.
"""

from __future__ import annotations

from laurel_mp.records import enriched, members, sockaddr
from laurel_mp.records.fields import parse
from laurel_mp.records.strings import encode
from laurel_mp.records.tables import arches, uring_ops
from laurel_mp.records.values import text_of

_X32 = 0x40000000  # __X32_SYSCALL_BIT [arch/x86/include/uapi/asm/unistd.h]

# The numbers from 512 on are x32's own: its entries for calls whose structures hold pointers
# [arch/x86/entry/syscalls/syscall_64.tbl].
_X32_OWN = dict(
    enumerate(
        b"""
        rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace
        rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load
        waitid set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo
        recvmmsg sendmmsg process_vm_readv process_vm_writev setsockopt getsockopt io_setup
        io_submit execveat preadv2 pwritev2
        """.split(),
        start=512,
    )
)


def arch_name(arch: bytes) -> bytes | None:
    """Returns the name of an architecture, by its number in hexadecimal without 0x."""
    return arches.NAMES.get(arch.lower())


def system_call(arch: bytes, number: bytes | None) -> dict[bytes, bytes]:
    """Returns JSON for `arch` and `syscall`, as far as they have names."""
    name = arch_name(arch)
    if name is None:
        return {}
    found = {b"arch": encode(name)}
    call = syscall_name(name, number) if number is not None else None
    if call is not None:
        found[b"syscall"] = encode(call)
    return found


def syscall_name(arch: bytes, number: bytes) -> bytes | None:
    """Returns the name of a system call; `arch` is the name of the architecture."""
    from laurel_mp.records.tables import syscalls

    table = syscalls.NAMES.get(arch)
    if table is None:
        return None
    if arch == b"x86_64" and number.isdigit() and len(number) <= 10 and int(number) & _X32:
        own = int(number) & ~_X32
        return _X32_OWN.get(own) or table.get(b"%d" % own)
    return table.get(number)


def uring_operation(number: bytes) -> dict[bytes, bytes]:
    """Returns JSON for `uring_op`, if it has a name."""
    name = uring_ops.NAMES.get(number)
    return {} if name is None else {b"uring_op": encode(name)}


def socket_address(address: bytes, *, big_endian: bool) -> dict[bytes, bytes]:
    """Returns JSON for `saddr`, if its family has a name."""
    decoded = sockaddr.decode(address, big_endian=big_endian)
    if decoded is None:
        family = _family(address, big_endian=big_endian)
        return {} if family is None else {b"saddr": b'{"saddr_fam":%b}' % encode(family)}
    found = [(key.encode("ascii"), _value(value)) for key, value in decoded.items()]
    return {b"saddr": b"{" + members.join(found) + b"}"}


def is_family_only(address: bytes) -> bool:
    """True if the JSON of a socket address says no more than its family."""
    return b"," not in address


def _family(address: bytes, *, big_endian: bool) -> bytes | None:
    from laurel_mp.records.tables import constants

    if len(address) < 2:
        return None
    number = int.from_bytes(address[:2], "big" if big_endian else "little")
    return constants.NAMES["address_family"].get(number)


def internet_address(body: bytes, *, big_endian: bool) -> tuple[str, int] | None:
    """Returns address and port in the body of a SOCKADDR record; None unless inet or inet6."""
    for field in parse(enriched.split(body, kernel=True)[0]):
        if field.key == b"saddr":
            decoded = sockaddr.decode(text_of(field) or b"", big_endian=big_endian) or {}
            address, port = decoded.get("addr"), decoded.get("port")
            if decoded.get("saddr_fam") in ("inet", "inet6") and isinstance(address, str):
                return address, port if isinstance(port, int) else 0
    return None


def _value(value: str | int | bytes) -> bytes:
    if isinstance(value, int):
        return b"%d" % value
    return encode(value if isinstance(value, bytes) else value.encode("ascii"))
