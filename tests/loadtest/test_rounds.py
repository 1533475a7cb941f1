"""Long streams made from captures: new ids in each round, and nothing else new."""

from __future__ import annotations

import lzma
import re
from itertools import pairwise
from pathlib import Path

import pytest

from laurel_mp.loadtest.rounds import Rounds, repeat

CORPUS = sorted((Path(__file__).parents[1] / "corpus").glob("*.xz"))

EVENT = (
    b"type=SYSCALL msg=audit(100.500:7): arch=c000003e syscall=59 items=1 ppid=1 pid=400 auid=0"
    b' comm="sh" key=(null)\n'
    b"type=EOE msg=audit(100.500:7): \n"
)


def ids(stream: bytes) -> list[tuple[str, str, str]]:
    """Node, type and id of each header, read without the module's own expressions."""
    return [
        (node.decode(), kind.decode(), event.decode())
        for node, kind, event in re.findall(
            rb"(?m)^(?:node=(\S+) )?type=(\S+) msg=audit\(([0-9.:]+)\):", stream
        )
    ]


def test_first_round_is_the_capture() -> None:
    """Nothing moves in the first round."""
    assert list(repeat(EVENT, 1)) == [EVENT]


def test_ids_move_on() -> None:
    """Serials go on where they stopped, seconds move by the time that the capture took."""
    capture = EVENT + b"type=BPF msg=audit(102.004:8): op=LOAD\n"

    _, second, third = repeat(capture, 7)

    expected_second = [("SYSCALL", "103.500:9"), ("EOE", "103.500:9"), ("BPF", "105.004:10")]
    expected_third = [("SYSCALL", "106.500:11"), ("EOE", "106.500:11"), ("BPF", "108.004:12")]
    assert expected_second == [record[1:] for record in ids(second)]
    assert expected_third == [record[1:] for record in ids(third)]


@pytest.mark.parametrize(("at_least", "rounds"), [(0, 0), (1, 1), (2, 1), (3, 2), (20, 10)])
def test_whole_rounds(at_least: int, rounds: int) -> None:
    """There are as many whole rounds as it takes to have that many lines."""
    assert rounds == len(list(repeat(EVENT, at_least)))


def test_bodies_stay() -> None:
    """Text that looks like an id, a header or a format inside a body does not change."""
    body = b"pid=5 msg='op=x' type=SYSCALL msg=audit(1.000:1): %d %% 100% ppid=700 pid=701 \r\x0b'"
    capture = b"type=USER msg=audit(9.000:3): " + body + b"\n"

    first, second = repeat(capture, 2, move_pids=True)

    assert capture == first
    assert b"type=USER msg=audit(10.000:4): " + body + b"\n" == second


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage 100%",
        b"type=EOE msg=audit(1795331",
        b"type=EOE msg=audit(1.000:007): ",
        b" type=EOE msg=audit(1.000:7): ",
    ],
)
def test_lines_without_header_stay(line: bytes) -> None:
    """A line that has no valid header comes again as it was."""
    first, second = repeat(EVENT + line + b"\n", 6)

    assert first.endswith(b"): \n" + line + b"\n")
    assert second.endswith(b"): \n" + line + b"\n")


def test_missing_last_newline() -> None:
    """A capture that ends within a line does not run into the next round."""
    first, second = repeat(b"garbage", 2)

    assert first == second == b"garbage\n"


def test_empty_capture() -> None:
    """Nothing can be made out of nothing, and it is said at once."""
    with pytest.raises(ValueError, match="empty capture"):
        repeat(b"", 1)


def test_nodes_have_their_own_serials() -> None:
    """Each node's serials go on without a gap, its clock stays beside the other's."""
    capture = (
        b"node=a type=EOE msg=audit(50.100:1): \n"
        b"node=b type=EOE msg=audit(50.200:9000): \n"
        b"node=a type=EOE msg=audit(51.300:2): \n"
    )

    expected = [("a", "EOE", "52.100:3"), ("b", "EOE", "52.200:9001"), ("a", "EOE", "53.300:4")]

    _, second = repeat(capture, 4)

    assert expected == ids(second)


def test_auditd_counts_apart() -> None:
    """The random serials of DAEMON_* records move, but tear no gap into the kernel's."""
    capture = b"type=DAEMON_START msg=audit(99.000:3846): op=start\n" + EVENT
    expected = [("DAEMON_START", "101.000:3847"), ("SYSCALL", "102.500:8"), ("EOE", "102.500:8")]

    _, second = repeat(capture, 4)

    assert expected == [record[1:] for record in ids(second)]


def test_pids_stay_by_default() -> None:
    """Without being asked to, a round has the processes of the capture."""
    assert all(b" ppid=1 pid=400 " in chunk for chunk in repeat(EVENT, 6))


def test_pids_move() -> None:
    """Processes move with their children, those of the boot stay."""
    capture = EVENT + EVENT.replace(b"ppid=1 pid=400", b"ppid=400 pid=410").replace(b":7)", b":8)")

    _, second, third = repeat(capture, 10, move_pids=True)

    expected_second = [(b"1", b"411"), (b"411", b"421")]
    expected_third = [(b"1", b"422"), (b"422", b"432")]
    assert expected_second == re.findall(rb" ppid=(\d+) pid=(\d+) ", second)
    assert expected_third == re.findall(rb" ppid=(\d+) pid=(\d+) ", third)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_corpus(path: Path) -> None:
    """On each real capture: no id of one round in another, no gap, the same records in order."""
    capture = lzma.decompress(path.read_bytes())
    lines = capture.count(b"\n")

    chunks = list(repeat(capture, 3 * lines, move_pids=True))

    rounds = [ids(chunk) for chunk in chunks]
    assert capture == chunks[0]
    assert [lines] * 3 == [chunk.count(b"\n") for chunk in chunks]
    for one, other in pairwise(rounds):
        assert [record[:2] for record in one] == [record[:2] for record in other]
        assert not {*one} & {*other}
    kernel = [
        {(node, int(event.rpartition(":")[2])) for node, kind, event in r if "DAEMON" not in kind}
        for r in rounds
    ]
    for node in {node for node, _ in kernel[0]}:
        serials = [[serial for name, serial in r if name == node] for r in kernel]
        assert [max(r) + 1 for r in serials[:-1]] == [min(r) for r in serials[1:]]


def test_pieces_move_as_one() -> None:
    """However a capture is divided, its rounds are the same."""
    capture = lzma.decompress(CORPUS[0].read_bytes())
    lines = capture.splitlines(keepends=True)
    pieces = [b"".join(lines[start : start + 7]) for start in range(0, len(lines), 7)]
    rounds = Rounds(pieces, move_pids=True)

    expected = list(repeat(capture, 3 * len(lines), move_pids=True))

    assert expected == [b"".join(rounds.round()) for _ in range(3)]
    assert rounds.lines == len(lines)


def test_times_move_to_a_second() -> None:
    """The first time stamp is in that second, others keep their distance, in each round."""
    capture = EVENT + b"type=BPF msg=audit(102.004:8): op=LOAD\n"
    rounds = Rounds([capture], second=5000)

    first, second = [b"".join(rounds.round()) for _ in range(2)]

    expected = [("SYSCALL", "5000.500:7"), ("EOE", "5000.500:7"), ("BPF", "5002.004:8")]
    assert expected == [record[1:] for record in ids(first)]
    expected = [("SYSCALL", "5003.500:9"), ("EOE", "5003.500:9"), ("BPF", "5005.004:10")]
    assert expected == [record[1:] for record in ids(second)]


def test_a_pid_before_the_first_header() -> None:
    """A line whose header is none has a process all the same; times move all the same."""
    odd = b"type=SYSCALL msg=audit(0100.500:7): arch=c000003e ppid=1 pid=400 auid=0\n"
    rounds = Rounds([odd + EVENT], second=5000, move_pids=True)

    assert b"".join(rounds.round()) == odd + EVENT.replace(b"(100.", b"(5000.")


def test_one_round_needs_no_memory() -> None:
    """A capture that is not kept goes through as it is."""
    rounds = Rounds([EVENT, EVENT], keep=False)

    assert list(rounds.round()) == [EVENT, EVENT]
    assert rounds.lines == 4
