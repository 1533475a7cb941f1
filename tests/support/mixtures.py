"""Streams made of pieces of captures, each of which something was done to."""

import random

from tests.support.corpus import corpus_files, corpus_lines, corpus_name

ALL = {corpus_name(path): corpus_lines(path) for path in corpus_files()}

PIECES = (
    b"type=SYSCALL msg=audit(", b"type=EOE msg=audit(", b"node=a ", b"\0", b"\x1d", b"\n", b"'",
    b'"', b"=", b" ", b"a0=", b"a9999999[3]=", b"\xff", b"{", b"opid=5", b"items=3", b"argc=4",
)  # fmt: skip


def mixture(chance: random.Random) -> bytes:
    """Make a stream of runs of lines of captures, each of which something was done to."""
    parts = []
    for _ in range(chance.randint(1, 4)):
        lines = ALL[chance.choice(list(ALL))]
        size = chance.choice([5, 40, 150])
        start = chance.randrange(max(1, len(lines) - size))
        parts.append(altered(chance, lines[start : start + size]))
    lines = [line for part in parts for line in part]
    if chance.random() < 0.5:  # interleaved
        lines = []
        while left := [part for part in parts if part]:
            lines.append(chance.choice(left).pop(0))
    if chance.random() < 0.2:
        long = b"type=PATH msg=audit(1.000:1): " + b"x" * chance.choice([2000, 9000, 20000])
        lines.insert(chance.randrange(len(lines) + 1), long)
    return b"\n".join(lines) + (b"\n" if chance.random() < 0.7 else b"")


def altered(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    """Do one of several things to some lines."""
    match chance.randrange(8):
        case 0:
            return [line for line in lines if b"type=EOE" not in line]
        case 1:
            return chance.sample(lines, len(lines))
        case 2:
            nodes = [b"", *(b"node=n%d " % node for node in range(chance.choice([2, 6])))]
            return [chance.choice(nodes) + line for line in lines]
        case 3:
            return [damaged(chance, line) if chance.random() < 0.3 else line for line in lines]
        case 4:
            return lines + lines
        case 5:  # an architecture without a table of system calls
            return [line.replace(b"arch=c000003e", b"arch=c000113e") for line in lines]
        case 6:
            return [line for line in lines if chance.random() < 0.8]
    return list(lines)


def damaged(chance: random.Random, line: bytes) -> bytes:
    """Change some bytes of a line."""
    changed = bytearray(line)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[place:place] = chance.choice(PIECES)
            case 2:
                del changed[place : place + chance.randrange(30)]
            case 3:
                del changed[place:]
    return bytes(changed)
