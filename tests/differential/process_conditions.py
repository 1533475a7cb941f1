"""Conditions of differences about processes: ids, parents, what started them."""

from typing import Any

from tests.differential.comparing import MISSING, Change
from tests.differential.programs import Event

_CONTEXT = (("SYSCALL", "PID"), ("SYSCALL", "PPID"), ("PARENT_INFO",))
_TWIN = {"EVENT_ID", "comm", "exe", "ppid"}


def keys(change: Change) -> bool:
    """True if several keys of a rule are listed as KEYS."""
    joined = change.our_event.get("SYSCALL", {}).get("key") or ""
    return (
        change.path == ("SYSCALL", "KEYS")
        and change.theirs is MISSING
        and len(change.ours) > 1
        and "%01".join(change.ours) == joined
    )


def _instance(change: Change) -> str | None:
    """The id of the process instance that our side names where laurel names none."""
    if change.theirs is not MISSING or change.path not in _CONTEXT:
        return None
    found: str = change.ours["ID" if change.path == ("PARENT_INFO",) else "EVENT_ID"]
    return found


def _is_exec(syscall: Event) -> bool:
    return syscall.get("syscall") in (59, 322)  # execve and execveat: all captures are of x86_64


def first_event_starts_an_instance(change: Change) -> bool:
    """True if a process is known from an event that is no exec."""
    found = _instance(change)
    syscall = change.our_syscall(found)
    return found is not None and bool(syscall) and not (_is_exec(syscall) and _succeeded(syscall))


def _succeeded(syscall: Event) -> bool:
    return bool(syscall["success"] == "yes")


def failed_exec(change: Change) -> bool:
    """True if LAUREL takes an exec that failed for a new program."""
    if change.path != ("SYSCALL", "PID", "EVENT_ID") or change.theirs is MISSING:
        return False
    theirs = change.our_syscall(change.theirs)
    ours = change.our_syscall(change.ours)
    same_process = ours.get("pid") == theirs.get("pid") == change.our_event["SYSCALL"]["pid"]
    return same_process and _is_exec(theirs) and not _succeeded(theirs)


def failed_exec_spawned(change: Change) -> bool:
    """True if SPAWNED_BY differs because LAUREL takes an exec that failed for a new program."""
    if change.path[:2] != ("SYSCALL", "SPAWNED_BY"):
        return False
    syscall = change.their_event["SYSCALL"]
    programs = (syscall[key]["EVENT_ID"] for key in ("PID", "SPAWNED_BY") if key in syscall)
    found = map(change.our_syscall, programs)
    return any(_is_exec(each) and not _succeeded(each) for each in found)


def deleted_program(change: Change) -> bool:
    """True if LAUREL takes a process whose program file was deleted for a new process."""
    path = change.path[:2]
    exe = change.our_event.get("SYSCALL", {}).get("exe") or ""
    return (
        (path == ("SYSCALL", "SPAWNED_BY") or change.path == ("SYSCALL", "PID", "EVENT_ID"))
        and exe.endswith(" (deleted)")
        and change.their_event["SYSCALL"]["PID"]["EVENT_ID"] == change.key[1]
        and change.our_syscall(change.our_event["SYSCALL"]["PID"]["EVENT_ID"])["exe"] in exe
    )


def spawner_twice(change: Change) -> bool:
    """True if LAUREL writes the process id of SPAWNED_BY twice."""
    return (
        change.path[:2] == ("SYSCALL", "SPAWNED_BY")
        and change.path[2:] == ("pid",)
        and change.theirs == [change.ours] * 2
    )


def bare_process_of_another_record(change: Change) -> bool:
    """True if LAUREL adds no more than the event id to `pid` and `ppid` outside of SYSCALL."""
    if change.theirs is not MISSING or change.path[0] == "SYSCALL" or len(change.path) < 3:
        return False
    *path, name, key = change.path
    if name not in ("PID", "PPID") or key not in ("comm", "exe", "ppid"):
        return False
    process: Any = change.our_event
    for step in (*path, name):
        process = process[step]
    return set(process) == _TWIN and bool(change.our_syscall(process["EVENT_ID"]))


def _is_instance(change: Change, context: Event) -> bool:
    """True if a process has the facts of the event that started its instance."""
    syscall = change.our_syscall(context.get("EVENT_ID", context.get("ID")))
    return all(context[key] == syscall.get(key) for key in ("pid", "comm", "exe") if key in context)


def spawned_by(change: Change) -> bool:
    """True if LAUREL has no SPAWNED_BY."""
    return (
        change.path == ("SYSCALL", "SPAWNED_BY")
        and change.theirs is MISSING
        and set(change.ours) == {"EVENT_ID", "pid", "comm", "exe"}
        and _is_instance(change, change.ours)
    )


def terse_ppid(change: Change) -> bool:
    """True if LAUREL shows more of the parent in PPID."""
    return (
        change.comparison.config != "verbose"
        and change.path[:2] == ("SYSCALL", "PPID")
        and change.path[2:] in (("comm",), ("exe",), ("ppid",))
        and change.ours is MISSING
    )


def parent_info(change: Change) -> bool:
    """True if PARENT_INFO has the facts that PPID leaves out."""
    comparison = change.comparison
    return (
        (comparison.version, comparison.config) != ("0.5.1", "verbose")
        and change.path == ("PARENT_INFO",)
        and change.theirs is MISSING
        and set(change.ours) == {"ID", "comm", "exe", "ppid"}
        and change.ours["ID"] == change.our_event["SYSCALL"]["PPID"]["EVENT_ID"]
        and _is_instance(change, change.ours)
    )


def process_of_another_record(change: Change) -> bool:
    """True if LAUREL adds nothing to a process id outside of SYSCALL."""
    key = str(change.path[-1])
    if change.theirs is not MISSING or not key.endswith("PID") or change.path[0] == "SYSCALL":
        return False
    record: Any = change.our_event
    for step in change.path[:-1]:
        record = record[step]
    pid = record.get(key.lower())
    return (
        set(change.ours) == _TWIN
        and pid == change.our_syscall(change.ours["EVENT_ID"]).get("pid")
        and _is_instance(change, change.ours)
    )
