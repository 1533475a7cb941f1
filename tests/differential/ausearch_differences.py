"""Every way in which our interpretation may differ from that of `ausearch -i`, and why.

This is the only place. An entry that explains nothing any more fails a test, and so does a
difference that no entry explains.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Interpretation(NamedTuple):
    """One value and what both programs say of it; None for nothing but the value."""

    record: str
    key: str
    call: str
    """The system call's name, in SYSCALL records."""
    raw: str
    theirs: str | None
    ours: str | None


@dataclass(frozen=True)
class Difference:
    """One allowed difference."""

    name: str
    reason: str
    applies: Callable[[Interpretation], bool]


_ARGUMENTS = ("a0", "a1", "a2", "a3")


def _error_text(found: Interpretation) -> bool:
    return found.key == "exit" and re.sub(r"\(.*\)$", "", found.theirs or "") == found.ours


def _arguments_that_it_does_not_know(found: Interpretation) -> bool:
    return found.theirs is None and (found.call, found.key) in {
        ("clone", "a0"),
        ("chown", "a2"),
        ("fchown", "a1"),
        ("fchown", "a2"),
        ("fchownat", "a2"),
        ("fchownat", "a3"),
        ("openat", "a3"),
        ("socketpair", "a0"),
        ("socketpair", "a1"),
    }


def _exit_status(found: Interpretation) -> bool:
    return found.call == "exit_group" and found.key == "a0" and found.ours is not None


def _flags_of_sockets(found: Interpretation) -> bool:
    return (found.call, found.key) == ("socket", "a1") and f"{found.ours}|".startswith(
        f"{found.theirs}|"
    )


def _protocols_of_other_families(found: Interpretation) -> bool:
    return (found.call, found.key) == ("socket", "a2") and found.ours is None


def _open_flags(found: Interpretation) -> bool:
    return found.record == "OPENAT2" and found.key == "oflag" and found.raw.startswith("0")


def _modes_without_a_type(found: Interpretation) -> bool:
    return found.key == "mode" and found.theirs in (None, f"000,{found.ours}")


def _no_mode(found: Interpretation) -> bool:
    return found.key == "mode" and not found.raw.isdigit() and found.ours is None


def _no_signal(found: Interpretation) -> bool:
    return found.raw == "0" and found.theirs == "SIG0" and found.ours is None


def _fields_that_it_does_not_know(found: Interpretation) -> bool:
    return found.theirs is None and found.key in ("obj_trust", "subj_trust", "old-ses")


def _actions_of_seccomp(found: Interpretation) -> bool:
    return found.record == "SECCOMP" and found.theirs == "kill" and found.ours == "kill-process"


def _names_of_this_host(found: Interpretation) -> bool:
    return found.key.endswith(("uid", "gid")) and found.ours == f"unknown({found.raw})"


def _forged(found: Interpretation) -> bool:
    return found.record == "TRUSTED_APP"


DIFFERENCES = (
    Difference(
        "errors by name alone",
        "ausearch adds the C library's text in parentheses; the name is what a rule matches.",
        _error_text,
    ),
    Difference(
        "arguments of more calls",
        "The manual pages say what these arguments are; ausearch 3.0.9 shows the number.",
        _arguments_that_it_does_not_know,
    ),
    Difference(
        "exit statuses",
        "An exit status is a number; EXIT_FAILURE for 1 and UNKNOWN for others say less.",
        _exit_status,
    ),
    Difference(
        "flags of socket types",
        "SOCK_CLOEXEC and SOCK_NONBLOCK are bits of the type; ausearch leaves them out.",
        _flags_of_sockets,
    ),
    Difference(
        "protocols of other families",
        "Protocol numbers are those of IP in inet and inet6 only; netlink's 9 is audit, not igp.",
        _protocols_of_other_families,
    ),
    Difference(
        "octal open flags",
        "OPENAT2 writes oflag in octal digits [kernel: audit_log_openat2]; ausearch reads others.",
        _open_flags,
    ),
    Difference(
        "modes without a file's type",
        "Of IPC objects and message queues; ausearch writes 000 for the type that there is none.",
        _modes_without_a_type,
    ),
    Difference(
        "words that are no modes",
        "Landlock's mode is a word; ausearch reads it as 0.",
        _no_mode,
    ),
    Difference("no signal", "Signal 0 is none.", _no_signal),
    Difference(
        "more fields",
        "What these numbers mean stands in the kernel's headers.",
        _fields_that_it_does_not_know,
    ),
    Difference(
        "actions of seccomp",
        "The kernel tells kill-process and kill-thread apart.",
        _actions_of_seccomp,
    ),
    Difference(
        "names of this host",
        "With user-db ids are named by this host; ausearch shows auditd's translation, if any.",
        _names_of_this_host,
    ),
    Difference(
        "forged fields",
        "What senders write inside msg='…' stays there; ausearch takes parts of it for fields.",
        _forged,
    ),
)


def explain(found: Interpretation) -> str | None:
    """The name of the first entry that allows a difference."""
    for difference in DIFFERENCES:
        if difference.applies(found):
            return difference.name
    return None
