"""Forms of numbers: flags, enumerations, file modes, capability sets, terminal input.

Each function takes an unsigned number and the name of an architecture, as arches.csv has it, and
returns text, or None if the number has no name. Values that differ by architecture are looked up
by the architecture's family; a family that is not in the table gets no names for such a set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from laurel_mp.records.tables import constants

Form = Callable[[int, bytes], bytes | None]

INT = 0xFFFFFFFF
"""Arguments that are a C `int` in the kernel: the upper half of the register is not defined."""

_UNSET = INT

# Architectures by the headers that they share. Those that are not named here have the generic
# values [include/uapi/asm-generic] or, as in _UNKNOWN, values that the table lacks.
_FAMILIES = {
    b"arm": "arm", b"armeb": "arm", b"aarch64": "arm",
    b"mips": "mips", b"mipsel": "mips", b"mips64": "mips", b"mipsel64": "mips",
    b"mips64n32": "mips", b"mipsel64n32": "mips",
    b"ppc": "ppc", b"ppc64": "ppc", b"ppc64le": "ppc",
    b"s390": "s390", b"s390x": "s390",
}  # fmt: skip
_UNKNOWN = {
    b"alpha", b"cris", b"frv", b"ia64", b"m68k", b"parisc", b"parisc64", b"sparc", b"sparc64",
    b"xtensa",
}  # fmt: skip
_DIFFERING = {name.partition("@")[0] for name in constants.NAMES if "@" in name} | {"signal"}


def name_in(group: str, value: int, arch: bytes) -> bytes | None:
    """The name of a value in a group of constants."""
    if arch in _UNKNOWN and group in _DIFFERING:
        return None
    own = constants.NAMES.get(f"{group}@{_FAMILIES.get(arch, '')}", {})
    return own.get(value, constants.NAMES[group].get(value)) or None


def enumeration(group: str, *, mask: int = INT) -> Form:
    """The form of numbers that stand for one name each."""
    return lambda value, arch: name_in(group, value & mask, arch)


def flags(group: str, zero: bytes | None = None) -> Form:
    """The form of sets of bits: names joined by `|`, unknown bits in hexadecimal."""
    return partial(_flags, group, zero)


def _flags(group: str, zero: bytes | None, value: int, arch: bytes) -> bytes | None:
    if not value:
        return zero
    names = _names_of_bits(group, value, arch)
    return None if names[0].startswith(b"0x") else b"|".join(names)


def _names_of_bits(group: str, value: int, arch: bytes) -> list[bytes]:
    """Names of the bits of a value, and in hexadecimal those that have none."""
    names = []
    for bits in _bits(group, arch):
        name = name_in(group, bits, arch) if value & bits == bits else None
        if name is not None:
            names.append(name)
            value &= ~bits
    names.reverse()
    return names + ([b"0x%x" % value] if value else [])


def _bits(group: str, arch: bytes) -> list[int]:
    """The values of a group, largest first: what covers several bits comes before each of them."""
    own = constants.NAMES.get(f"{group}@{_FAMILIES.get(arch, '')}", {})
    return sorted((value for value in constants.NAMES[group] | own if value), reverse=True)


def open_flags(value: int, arch: bytes) -> bytes | None:
    """Flags of open(2): the two lowest bits are a number, the others are bits."""
    access = name_in("open", value & 3, arch)
    if access is None:
        return None
    return b"|".join([access, *_names_of_bits("open", value & INT & ~3, arch)])


def clone_flags(value: int, arch: bytes) -> bytes | None:
    """Flags of clone(2): the lowest byte is the signal that the parent gets when the child ends."""
    signal = value & 0xFF
    names = [_flags("clone", b"", value & ~0xFF, arch)]
    names.append(name_in("signal", signal, arch) if signal else b"")
    return b"|".join(name for name in names if name) or None


_SHARING = {1: b"MAP_SHARED", 2: b"MAP_PRIVATE", 3: b"MAP_SHARED_VALIDATE"}


def map_flags(value: int, arch: bytes) -> bytes | None:
    """Flags of mmap(2): the two lowest bits are a number [include/uapi/linux/mman.h]."""
    sharing = _SHARING.get(value & 3)
    if sharing is None:
        return None
    return b"|".join([sharing, *_names_of_bits("map", value & INT & ~3, arch)])


def socket_type(value: int, arch: bytes) -> bytes | None:
    """The type of socket(2), with SOCK_CLOEXEC and SOCK_NONBLOCK, which are bits of open(2)."""
    name = name_in("socket_type", value & 0xF, arch)
    if name is None:
        return None
    others = _names_of_bits("open", value & INT & ~0xF, arch)
    return b"|".join([name, *(each.replace(b"O_", b"SOCK_") for each in others)])


def error(value: int, arch: bytes) -> bytes | None:
    """The name of an error by its positive number [include/uapi/asm-generic/errno.h]."""
    return name_in("errno", value, arch) or _KERNEL_ERRORS.get(value)


# What the kernel returns to itself; auditing sees it when a signal interrupts a call
# [include/linux/errno.h].
_KERNEL_ERRORS = {
    512: b"ERESTARTSYS",
    513: b"ERESTARTNOINTR",
    514: b"ERESTARTNOHAND",
    515: b"ENOIOCTLCMD",
    516: b"ERESTART_RESTARTBLOCK",
}

_FILE_TYPES = {
    0o140000: b"socket",
    0o120000: b"link",
    0o100000: b"file",
    0o060000: b"block",
    0o040000: b"dir",
    0o020000: b"character",
    0o010000: b"fifo",
}


def mode(value: int, _arch: bytes = b"") -> bytes | None:
    """A file's type, special bits and permissions: `file,suid,755` [inode(7)]."""
    words = [_FILE_TYPES[value & 0o170000]] if value & 0o170000 in _FILE_TYPES else []
    for bit, word in ((0o4000, b"suid"), (0o2000, b"sgid"), (0o1000, b"sticky")):
        if value & bit:
            words.append(word)
    return b",".join([*words, b"%03o" % (value & 0o777)])


def permissions(value: int, _arch: bytes) -> bytes:
    """A mode that says nothing of a file's type, in octal, as chmod(2) takes it."""
    return b"0%03o" % (value & 0o7777)


def yes_or_no(value: int, _arch: bytes) -> bytes | None:
    """A result that the kernel writes as 1 or 0."""
    return {0: b"no", 1: b"yes"}.get(value)


def capability_set(value: int, arch: bytes) -> bytes:
    """The names of a set of capabilities, `none` for the empty one [capabilities(7)]."""
    bits = [bit for bit in range(value.bit_length()) if value >> bit & 1]
    names = [name_in("capability", bit, arch) or b"cap_%d" % bit for bit in bits]
    return b",".join(names) or b"none"


def personality(value: int, arch: bytes) -> bytes | None:
    """An execution domain and its flags [personality(2)]."""
    domain = name_in("personality", value & 0xFF, arch)
    if domain is None:
        return None
    return b"|".join([domain, *_names_of_bits("personality_flag", value & INT & ~0xFF, arch)])


def directory(value: int, _arch: bytes) -> bytes | None:
    """A directory's descriptor, if it is the one that stands for the working directory."""
    return b"AT_FDCWD" if value & INT == INT - 99 else None


def session(value: int, _arch: bytes) -> bytes | None:
    """`unset` for what is no session."""
    return b"unset" if value == _UNSET else None


def seccomp_action(value: int, arch: bytes) -> bytes | None:
    """The decision of a seccomp filter; the lower half is data [seccomp(2)]."""
    return name_in("seccomp", value & 0xFFFF0000, arch)


def promiscuous(value: int, _arch: bytes) -> bytes:
    """The bit IFF_PROMISC of a network interface's flags [netdevice(7)]."""
    return b"yes" if value & 0x100 else b"no"


def trust(value: int, _arch: bytes) -> bytes | None:
    """Trust in a subject or object, as fanotify got it [include/uapi/linux/fanotify.h]."""
    return {0: b"no", 1: b"yes", 2: b"unknown"}.get(value)


_KEYS = {
    b"\x1b[A": b"up", b"\x1b[B": b"down", b"\x1b[C": b"right", b"\x1b[D": b"left",
    b"\x1bOA": b"up", b"\x1bOB": b"down", b"\x1bOC": b"right", b"\x1bOD": b"left",
    b"\x1b[1~": b"home", b"\x1b[2~": b"insert", b"\x1b[3~": b"delete", b"\x1b[4~": b"end",
    b"\x1b[5~": b"page up", b"\x1b[6~": b"page down", b"\x1b[H": b"home", b"\x1b[F": b"end",
    b"\x1bOH": b"home", b"\x1bOF": b"end",
    b"\x1b": b"esc", b"\t": b"tab", b"\n": b"nl", b"\r": b"ret", b"\x7f": b"backspace",
}  # fmt: skip
_LONGEST_KEY = max(map(len, _KEYS))


def terminal_input(data: bytes) -> bytes:
    """Keyboard input: text in quotes, keys in angle brackets, other controls as `<^X>`."""
    pieces: list[bytes] = []
    text = bytearray()
    at = 0
    while at < len(data):
        key, size = _key(data, at)
        if key:
            if text:
                pieces.append(b'"' + bytes(text) + b'"')
                text.clear()
            pieces.append(b"<" + key + b">")
        else:
            character = data[at : at + 1]
            text += b"\\" + character if character in b'"\\' else character
        at += size
    if text:
        pieces.append(b'"' + bytes(text) + b'"')
    return b",".join(pieces)


def _key(data: bytes, at: int) -> tuple[bytes, int]:
    """The key whose bytes stand at a position, and how many these are; no name for a character."""
    for size in range(_LONGEST_KEY, 0, -1):
        name = _KEYS.get(data[at : at + size])
        if name is not None and at + size <= len(data):
            return name, size
    if data[at] < 0x20:
        return b"^%c" % (data[at] + 0x40), 1
    return b"", 1
