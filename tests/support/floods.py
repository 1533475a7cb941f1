"""Floods with all kinds of options, and whether an output is what their truth says."""

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from laurel_mp.loadtest.flood import Options, Tree, mix

Json = dict[str, Any]

FEW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""Each example is hundreds of events."""

_weights = st.dictionaries(st.sampled_from(mix.KINDS), st.sampled_from([0.1, 1.0, 5.0]), min_size=1)


@st.composite
def options_of_floods(draw: st.DrawFn, events: int = 400) -> Options:
    """Options of small floods: any mix, any shape of tree, any form."""
    interleave = draw(st.sampled_from([1, 2, 5, 17]))
    processes = draw(st.integers(2 * interleave + 16, 120))
    return Options(
        events=draw(st.integers(0, events)),
        mix=draw(st.sampled_from([mix.DEFAULT, mix.ALL]) | _weights),
        tree=Tree(processes, draw(st.integers(1, 50)), draw(st.integers(1, 20))),
        unique=draw(st.sampled_from([0.0, 0.1, 1.0])),
        interleave=interleave,
        enriched=draw(st.booleans()),
        node=draw(st.sampled_from(["", "web-1.example"])),
        eoe=draw(st.booleans()),
        seed=draw(st.integers(0, 1 << 32)),
        rate=draw(st.none() | st.sampled_from([0.5, 100.0, 1e6])),
    )


def read_truth(text: bytes) -> tuple[Json, list[Json]]:
    """Its header, and what it says of each event."""
    header, *events = map(json.loads, text.splitlines())
    return header, events


def differences(truth: list[Json], output: Iterable[bytes]) -> list[str]:
    """Differences between an output and the truth; empty if there are none."""
    found = {event["ID"]: event for event in map(json.loads, output)}
    expected = {event["id"]: event for event in truth}
    if found.keys() != expected.keys():
        return [f"other events: {sorted(found.keys() ^ expected.keys())[:5]}"]
    timed_out = {id_ for id_, event in expected.items() if event["end"] == "timeout"}
    if [id_ for id_ in found if id_ not in timed_out] != [
        id_ for id_ in expected if id_ not in timed_out
    ]:
        return ["another order"]
    problems = []
    for id_, event in expected.items():
        said = _said(found[id_], event)
        problems += [
            f"{id_} {event['kind']}: {key} {value!r}, not {event[key]!r}"
            for key, value in said.items()
            if event[key] != value
        ]
        missing = found[id_].get("INCOMPLETE")
        if missing and not (missing == ["no-eoe"] and id_ in timed_out):
            problems.append(f"{id_}: {missing}")
    return problems


def _said(found: Json, event: Json) -> Json:
    """An event of the output in the form of the truth."""
    said: Json = {"node": found.get("NODE")} if "node" in event else {}
    if "syscall" not in event:
        return said
    syscall = found["SYSCALL"]
    said |= {key: syscall[key] for key in ("pid", "ppid", "comm", "exe")}
    said["self"] = syscall["PID"]["EVENT_ID"]
    said["parent"] = found.get("PARENT_INFO")
    said["spawned_by"] = syscall.get("SPAWNED_BY")
    said["labels"] = syscall.get("LABELS", [])
    if "argc" in event:
        argv = found["EXECVE"]["ARGV"]
        said["argc"] = len(argv)
        said["argv_bytes"] = sum(map(len, argv))
    return said
