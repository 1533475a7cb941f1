"""The meaning of records' fields, by their names and the types of the records."""

from __future__ import annotations

import re
from binascii import a2b_hex

from laurel_mp.records.interpretation import forms
from laurel_mp.records.interpretation.forms import Form, enumeration, flags

_SIGNAL = enumeration("signal")

_HEXADECIMAL: dict[bytes, Form] = {
    **dict.fromkeys(
        (
            b"cap_pi", b"cap_pe", b"cap_pp", b"cap_pa", b"cap_fi", b"cap_fp",
            b"fp", b"fi", b"old_pp", b"old_pi", b"old_pe", b"old_pa", b"new_pp", b"new_pi",
            b"new_pe", b"pp", b"pi", b"pe", b"pa",
        ),
        forms.capability_set,
    ),
    b"code": forms.seccomp_action,
    b"ioctlcmd": enumeration("ioctl"),
    b"per": forms.personality,
    b"resolve": flags("resolve"),
}  # fmt: skip

_OCTAL: dict[bytes, Form] = {b"mode": forms.mode}

_DECIMAL: dict[bytes, Form] = {
    b"capability": enumeration("capability"),
    b"family": enumeration("nf_family"),
    b"hook": enumeration("nf_hook"),
    b"list": enumeration("filter_list"),
    b"obj_trust": forms.trust,
    b"old-ses": forms.session,
    b"old_prom": forms.promiscuous,
    b"oses": forms.session,
    b"prom": forms.promiscuous,
    b"proto": enumeration("protocol"),
    b"res": forms.yes_or_no,
    b"resp": enumeration("fanotify"),
    b"ses": forms.session,
    b"sig": _SIGNAL,
    b"sigev_signo": _SIGNAL,
    b"subj_trust": forms.trust,
}

# Fields whose names mean something else, or nothing that is known, in other records.
_ONLY_IN: dict[bytes, tuple[bytes, ...]] = {
    b"code": (b"SECCOMP",),
    b"family": (b"NETFILTER_CFG", b"NETFILTER_PKT"),
    b"hook": (b"NETFILTER_PKT",),
    b"fi": (b"BPRM_FCAPS",),
    b"fp": (b"BPRM_FCAPS",),
    b"list": (b"CONFIG_CHANGE",),
    b"proto": (b"NETFILTER_PKT",),
    b"resp": (b"FANOTIFY",),
}

_decimal = re.compile(rb"[0-9]{1,20}").fullmatch
_hexadecimal = re.compile(rb"(?:0x)?[0-9a-fA-F]{1,16}").fullmatch
_octal = re.compile(rb"[0-7]{1,12}").fullmatch
_hex_text = re.compile(rb"(?:[0-9A-Fa-f]{2})+").fullmatch
_negative = re.compile(rb"-([1-9][0-9]{0,4})").fullmatch


def interpret(name: bytes, key: bytes, text: bytes, arch: bytes) -> bytes | None:
    """The text for the unquoted value of a field in a record of type `name`; None for none.

    `arch` is the name of the record's architecture, empty for the audited host's own.
    """
    if key in _ONLY_IN and name not in _ONLY_IN[key]:
        return None
    if key == b"exit" and name.startswith(b"SYSCALL"):
        match = _negative(text)
        return forms.error(int(match[1]), arch) if match else None
    if key == b"data" and name in (b"TTY", b"USER_TTY"):
        return forms.terminal_input(a2b_hex(text)) if _hex_text(text) else None
    if key == b"oflag":  # MQ_OPEN writes 0x…, OPENAT2 octal digits [kernel/auditsc.c]
        base = 16 if text.startswith(b"0x") else 8
        is_number = _hexadecimal(text) if base == 16 else _octal(text)
        return forms.open_flags(int(text, base), arch) if is_number else None
    if key == b"flags" and name == b"MMAP":
        return forms.map_flags(int(text, 16), arch) if _hexadecimal(text) else None
    form = _HEXADECIMAL.get(key)
    if form is not None:
        return form(int(text, 16), arch) if _hexadecimal(text) else None
    form = _OCTAL.get(key)
    if form is not None:
        return form(int(text, 8), arch) if _octal(text) else None
    form = _DECIMAL.get(key)
    return form(int(text), arch) if form is not None and _decimal(text) else None


def is_known(key: bytes) -> bool:
    """True if there are records in which a field of this name is interpreted."""
    return key in _KNOWN


_KNOWN = {b"exit", b"data", b"flags", b"oflag", *_HEXADECIMAL, *_OCTAL, *_DECIMAL}
