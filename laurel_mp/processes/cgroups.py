"""Finds the container and the systemd services of a process, by the text of /proc/PID/cgroup.

A line of it is `number:controllers:path`, and the path may hold colons itself (cgroups(7)). With
cgroup v2 there is one line, `0::path`. With v1 there is a line for each hierarchy; one of them,
`name=systemd`, has systemd's own tree. Hybrid hosts have both, and the `0::` line may say less.
"""

from __future__ import annotations

import re

# One path element, or two if the name is in the second. Cgroups of containers are named by the
# programs that create them: by the 64 hex digits of the id, behind a prefix of the runtime
# (docker-, libpod-, libpod-payload-, crio-, cri-containerd-, nerdctl-, SLICE:cri-containerd:) and
# with .scope if systemd makes the cgroup. A `conmon` watches a container from outside, so does
# what is in `lxc.monitor.NAME` or in nspawn's `supervisor`; `…-libpod_pod_ID.slice` is a pod.
_CONTAINER = re.compile(
    rb"""(?<=/)(?:
      (?![^/]*conmon-)(?:[^/]*[-:])?(?P<id>[0-9a-f]{64})(?:\.scope)?
    | ecs/(?:[^/]+/)*(?P<task>[0-9a-f]{32}-[0-9]+)                    # Amazon ECS on Fargate
    | lxc(?:\.payload\.|\.payload/|/)(?P<lxc>[^/]+)                   # LXC, LXD, Incus, Proxmox VE
    | (?:systemd-nspawn@(?P<unit>[^/]+)\.service|machine-(?P<machine>[^/]+)\.scope)(?=/payload)
    )(?=/|$)""",
    re.VERBOSE,
)

# systemd writes bytes that mean something in the name of a unit as \xHH (systemd.unit(5)).
_UNIT_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def container_id(text: bytes) -> bytes | None:
    """Returns the id of the innermost container of the process; None if it is in none.

    Containers of LXC and systemd-nspawn have a name instead. Ids can be forged: root, and each
    user below their own service, may make cgroups of any name.
    """
    for path in _paths(text):
        matches = list(_CONTAINER.finditer(path))
        if matches:
            found = matches[-1]
            name: bytes = found[found.lastgroup or 0]
            if found.lastgroup in ("unit", "machine"):
                name = _UNIT_ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), name)
            return name
    return None


def services(text: bytes) -> list[bytes]:
    """Returns the systemd services of the process, outermost first.

    A program in a user's session has two: `user@1000.service` and its own.
    """
    for path in _paths(text):
        # A name that could be mistaken for one of the cgroup's files has a `_` in front
        # [systemd: cg_escape() in src/basic/cgroup-util.c].
        names = [name.removeprefix(b"_") for name in path.split(b"/") if name.endswith(b".service")]
        found = [name for name in names if name != b".service"]
        if found:
            return found
    return []


def _paths(text: bytes) -> list[bytes]:
    """Returns the paths of all lines, the most specific one first."""
    lines = [line.split(b":", 2) for line in text.split(b"\n")]
    whole = [line for line in lines if len(line) == 3]
    whole.sort(key=_rank)
    # A zombie's cgroup may be gone already [kernel: proc_cgroup_show()].
    return [line[2].removesuffix(b" (deleted)") for line in whole]


def _rank(line: list[bytes]) -> int:
    if line[0] == b"0":
        return 0
    return 1 if line[1] == b"name=systemd" else 2
