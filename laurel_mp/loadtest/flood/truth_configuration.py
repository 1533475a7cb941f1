"""Labels of a flood, and the configuration that its truth presumes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

KEYS = ("net_tool", "software_mgmt")
"""Rule keys that are labels."""

EXECUTABLES = {
    "^/usr/sbin/sshd$": "remote",
    "^/usr/bin/(apt-get|dpkg)": "packages",
    "^/usr/bin/make$": "build",
    "^/srv/rel/[0-9]*0/": "tenth",
}
"""Labels by executable; the last is for programs that appear only once."""

PROPAGATED = ("packages", "remote", "tenth")
"""Labels that children inherit."""

_expressions = [(re.compile(expression), label) for expression, label in EXECUTABLES.items()]
_propagated = frozenset(PROPAGATED)

Labels = frozenset[str]


def by_executable(exe: str) -> Labels:
    """Returns the labels of a program."""
    return frozenset(label for expression, label in _expressions if expression.search(exe))


def by_keys(keys: Iterable[str]) -> Labels:
    """Returns the labels of an event with these rule keys."""
    return frozenset(keys) & frozenset(KEYS)


def inherited(labels: Labels) -> Labels:
    """Returns the labels that children inherit, and that remain after an exec."""
    return labels & _propagated


def shown() -> dict[str, Any]:
    """Returns the configuration as the header of the truth has it."""
    return {
        "label-keys": list(KEYS),
        "label-exe": EXECUTABLES,
        "propagate-labels": list(PROPAGATED),
    }


def text() -> str:
    """Returns a configuration file. Nothing comes from `/proc`: no pid is of this machine.

    With `node=` in the lines, a plugin does not read `/proc` for them at all.
    """
    executables = "".join(f"'{each}' = \"{label}\"\n" for each, label in EXECUTABLES.items())
    return _CONFIG.format(
        keys=", ".join(f'"{key}"' for key in KEYS),
        propagated=", ".join(f'"{label}"' for label in PROPAGATED),
        executables=executables,
    )


_CONFIG = """\
# Written by `laurel-mp flood --config`: what its truth presumes.
[transform]
execve-argv = ["array"]

[enrich]
parent-info = true
pid = true
spawned-by = true
execve-env = []
container = false
script = false
systemd = false
user-groups = false

[label-process]
label-keys = [{keys}]
propagate-labels = [{propagated}]

[label-process.label-exe]
{executables}"""
