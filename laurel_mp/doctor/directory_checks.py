"""Checks of directories and files of the outputs: existence, rights and trust."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from laurel_mp.config.trust import distrust, foreign_link
from laurel_mp.doctor.configured_outputs import directories, outputs
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Check, Result, problem
from laurel_mp.doctor.host_user import (
    READ,
    SEARCH,
    WRITE,
    User,
    has_list,
    mode,
    unsearchable,
)


def _user_of(facts: Facts) -> User:
    return facts.user or User("root", 0, frozenset({0}))


def _reachable(facts: Facts) -> Iterator[Result]:
    user = _user_of(facts)
    for name, purpose in _places(facts).items():
        closed = unsearchable(facts.host, user, f"{name}/x")
        if closed is not None:
            yield problem(
                str(closed),
                f"{user.name} cannot enter it (mode {_mode(facts, closed)}); it leads to {purpose}",
                "laurel-mp cannot open files there: permission denied.",
                f"chmod o+x {closed}   # or another place for {purpose}",
            )


def _mode(facts: Facts, name: str | Path) -> str:
    status = facts.host.status(name)
    return mode(status) if status is not None else "?"


def _present(facts: Facts) -> Iterator[Result]:
    base = facts.directory
    user = _user_of(facts)
    for name, purpose in _places(facts).items():
        # `directory` is made at the start, but nothing above it, and no other.
        wanted = str(Path(name).parent) if name == base else name
        if facts.host.status(name) is None and (name != base or facts.host.status(wanted) is None):
            yield problem(
                facts.config_file.name or name,
                f"{name} is not there ({purpose})",
                "laurel-mp creates only `directory` itself.",
                f"install -d -o {user.name} -m 0700 {name}",
            )


def _writable(facts: Facts) -> Iterator[Result]:
    user = _user_of(facts)
    for name, purpose in _places(facts).items():
        status = facts.host.status(name)
        if status is None or has_list(facts.host, name) or user.may(status, WRITE | SEARCH):
            continue
        yield problem(
            name,
            f"{user.name} cannot write there (mode {mode(status)}, user {status.st_uid}): "
            f"{purpose}",
            "laurel-mp cannot create files there: the output stalls.",
            f"chown {user.name} {name}",
        )


def _trusted(facts: Facts) -> Iterator[Result]:
    user = _user_of(facts)
    name = facts.directory
    path = facts.host.path(name)
    status = facts.host.status(name)
    if status is None:
        return
    root = facts.host.root_uid
    if status.st_uid == root and root:
        status = _owned_by(status, user.uid)  # the user that counts as root here
    wrong = distrust(status, user.uid)
    if wrong:
        yield problem(
            name,
            wrong,
            "Other users could put links there and redirect writes to any file; laurel-mp "
            "refuses to "
            "start.",
            f"chown {user.name} {name}",
            f"chmod go-w {name}",
        )
    if facts.host.root == Path("/") and (link := foreign_link(path, user.uid)):
        yield problem(
            str(link),
            f"link of another user, on the way to {name}",
            "Its owner can redirect it; laurel-mp refuses to start.",
            f"chown -h root {link}",
        )


def _owned_by(status: os.stat_result, uid: int) -> os.stat_result:
    return os.stat_result((*status[:4], uid, *status[5:10]))


def _files(facts: Facts) -> Iterator[Result]:
    user = _user_of(facts)
    names = {
        facts.below_directory(output.name): f"[{output.section}] file"
        for output in outputs(facts.config)
        if output.is_file
    }
    if facts.config.state.file:
        names[facts.below_directory(facts.config.state.file)] = "[state] file"
    for name, purpose in names.items():
        status = facts.host.status(name)
        if status is None or has_list(facts.host, name):
            continue
        if not user.may(status, READ | WRITE):
            yield problem(
                name,
                f"{user.name} cannot write it (mode {mode(status)}, user {status.st_uid}): "
                f"{purpose}",
                "It belongs to another user, perhaps from a test run as root; laurel-mp cannot "
                "append "
                "to it.",
                f"chown {user.name} {name}",
            )


def _places(facts: Facts) -> dict[str, str]:
    return directories(facts.config, facts.directory)


CHECKS = (
    Check(
        "places-reachable", "the user can enter all directories on the way to its files", _reachable
    ),
    Check("places-present", "directories for logs, state and spool are there", _present),
    Check("places-writable", "the user can make files in them", _writable),
    Check("places-trusted", "no other user can put files or links into `directory`", _trusted),
    Check("places-files", "the user can write the files that are there already", _files),
)
