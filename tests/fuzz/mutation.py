"""Mutation that knows lines, words and `key=value`: what bytes alone would take ages to find."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_id = re.compile(rb"msg=audit\(([^)\n]*)\)")
_number = re.compile(rb"[0-9]+")
_type = re.compile(rb"type=([^ \n]*)")
_value = re.compile(rb"([\w.-]+ ?= ?)(\"[^\"]*\"|'[^']*'|[^ ,]*)")
_process = re.compile(rb"( p?pid=)([0-9]+)")
_call = re.compile(rb" syscall=[0-9]+")
_node = re.compile(rb"node=[^ ]* ")


@dataclass(frozen=True)
class Vocabulary:
    """Translations that make an input ENRICHED."""

    lines: Sequence[bytes]
    """Whole lines of real inputs."""
    values: Sequence[bytes]
    """For what stands behind a `=`."""
    tokens: Sequence[bytes]
    """For anywhere."""


Operation = Callable[[list[bytes], random.Random, Vocabulary], None]
"""Changes the lines of an input in place; there is at least one."""


@dataclass(frozen=True)
class LineMutator:
    """Changes an input by a few operations; its first `head` bytes are not lines but choices."""

    operations: Sequence[Operation]
    vocabulary: Vocabulary
    head: int = 0

    def __call__(self, data: bytes, chance: random.Random) -> bytes:
        """Another input that has much in common with `data`."""
        head = data[: self.head].ljust(self.head, b"\0")
        if self.head and chance.random() < 0.15:
            place = chance.randrange(self.head)
            head = head[:place] + bytes([chance.randrange(256)]) + head[place + 1 :]
        lines = data[self.head :].split(b"\n")
        for _ in range(chance.choice((1, 1, 2, 3, 5))):
            chance.choice(self.operations)(lines, chance, self.vocabulary)
            lines = lines or [b""]
        return head + b"\n".join(lines)


# --- lines


def insert_line(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Puts a line of another input anywhere."""
    lines.insert(chance.randint(0, len(lines)), chance.choice(vocabulary.lines))


def repeat_line(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Puts a line, or a run of lines, once more anywhere."""
    start = chance.randrange(len(lines))
    run = lines[start : start + chance.choice((1, 1, 3, 8))]
    place = chance.randint(0, len(lines))
    lines[place:place] = run


def drop_line(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Takes a line out."""
    del lines[chance.randrange(len(lines))]


def swap_lines(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Exchanges two lines."""
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def join_lines(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Makes one line of two."""
    place = chance.randrange(len(lines))
    lines[place : place + 2] = [b"".join(lines[place : place + 2])]


def cut_line(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Cuts a line off, or in two."""
    place = chance.randrange(len(lines))
    cut = chance.randint(0, len(lines[place]))
    ends = [lines[place][cut:]] if chance.random() < 0.3 else []
    lines[place : place + 1] = [lines[place][:cut], *ends]


# --- inside a line


def _change(lines: list[bytes], chance: random.Random, change: Callable[[bytes], bytes]) -> None:
    place = chance.randrange(len(lines))
    lines[place] = change(lines[place]).replace(b"\n", b" ")


def swap_words(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Exchanges two words of two lines, which may be the same."""
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    ours, theirs = lines[one].split(b" "), lines[other].split(b" ")
    if one == other:
        theirs = ours
    first, second = chance.randrange(len(ours)), chance.randrange(len(theirs))
    ours[first], theirs[second] = theirs[second], ours[first]
    lines[one], lines[other] = b" ".join(ours), b" ".join(theirs)


def copy_word(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Puts a word of one line into one."""
    word = chance.choice(chance.choice(lines).split(b" "))

    def insert(line: bytes) -> bytes:
        words = line.split(b" ")
        words.insert(chance.randint(0, len(words)), word)
        return b" ".join(words)

    _change(lines, chance, insert)


def drop_word(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Takes a word out."""

    def drop(line: bytes) -> bytes:
        words = line.split(b" ")
        del words[chance.randrange(len(words))]
        return b" ".join(words)

    _change(lines, chance, drop)


def change_value(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Puts an odd value behind one of the `=`."""

    def change(line: bytes) -> bytes:
        found = list(_value.finditer(line))
        if not found:
            return line
        match = chance.choice(found)
        return line[: match.end(1)] + chance.choice(vocabulary.values) + line[match.end() :]

    _change(lines, chance, change)


def change_setting(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Puts an odd value behind the first `=` of a line, for all that stood there."""

    def change(line: bytes) -> bytes:
        key, equals, _ = line.partition(b"=")
        return key + equals + b" " + chance.choice(vocabulary.values) if equals else line

    _change(lines, chance, change)


def insert_token(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Puts a piece of the grammar anywhere, sometimes over what is there."""

    def insert(line: bytes) -> bytes:
        place = chance.randint(0, len(line))
        token = chance.choice(vocabulary.tokens)
        return line[:place] + token + line[place + chance.choice((0, 0, 1, len(token))) :]

    _change(lines, chance, insert)


def change_number(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Makes a number another one, near it or far away."""

    def change(line: bytes) -> bytes:
        found = list(_number.finditer(line))
        if not found:
            return line
        match = chance.choice(found)
        number = max(0, int(match[0][:30]) + chance.choice((-1, 1, 10, 100, -100, 1 << 32)))
        return line[: match.start()] + b"%d" % number + line[match.end() :]

    _change(lines, chance, change)


def change_byte(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Makes a byte any other one."""

    def change(line: bytes) -> bytes:
        place = chance.randint(0, len(line))
        return line[:place] + bytes([chance.randrange(256)]) + line[place + 1 :]

    _change(lines, chance, change)


def vary_line(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Puts a line once more behind itself, with another value."""
    place = chance.randrange(len(lines))
    copy = [lines[place]]
    chance.choice((change_value, change_number))(copy, chance, vocabulary)
    lines[place + 1 : place + 1] = copy


TEXT = (
    repeat_line, drop_line, swap_lines, cut_line, swap_words, copy_word, drop_word, change_value,
    change_value, insert_token, insert_token, change_number, change_byte,
)  # fmt: skip
"""For any text of lines and words."""

# --- headers of audit records


def repeat_id(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Gives a run of lines the id of another one."""
    ids = _id.findall(b"\n".join(lines))
    if ids:
        new = b"msg=audit(" + chance.choice(ids) + b")"
        start = chance.randrange(len(lines))
        for place in range(start, min(len(lines), start + chance.choice((1, 1, 2, 4, 9)))):
            lines[place] = _id.sub(lambda _: new, lines[place], count=1)


def move_id(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Moves the time or the serial of all lines with one id, so that the event stays whole."""
    ids = _id.findall(b"\n".join(lines))
    if ids:
        old = chance.choice(ids)
        numbers = list(_number.finditer(old))
        if numbers:
            match = chance.choice(numbers)
            step = chance.choice((-200, -100, -61, -3, -1, 1, 3, 61, 100, 200, 10_000))
            number = b"%d" % max(0, int(match[0][:30]) + step)
            new = old[: match.start()] + number.zfill(len(match[0])) + old[match.end() :]
            for place, line in enumerate(lines):
                lines[place] = line.replace(b"audit(" + old + b")", b"audit(" + new + b")", 1)


def mix_nodes(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Puts some lines on another host."""
    node = chance.choice((b"", b"node=a ", b"node=b ", b"node=\xc3\xa4 ", b'node="\\ '))
    likely = chance.choice((0.1, 0.5, 1.0))
    for place, line in enumerate(lines):
        if chance.random() < likely:
            lines[place] = node + _node.sub(b"", line, count=1)


def change_type(lines: list[bytes], chance: random.Random, vocabulary: Vocabulary) -> None:
    """Gives a line the type of another one."""
    types = _type.findall(b"\n".join(lines)) + _type.findall(chance.choice(vocabulary.lines))
    if types:
        new = b"type=" + chance.choice(types)
        _change(lines, chance, lambda line: _type.sub(lambda _: new, line, count=1))


def share_process(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Gives a process of some lines, or its parent, the id of one that is there already."""
    ids = [match[2] for match in _process.finditer(b"\n".join(lines))]
    if ids:
        old, new = chance.choice(ids), chance.choice(ids)
        start = chance.randrange(len(lines))
        for place in range(start, min(len(lines), start + chance.choice((1, 1, 4, 99)))):
            lines[place] = _process.sub(
                lambda match: match[1] + (new if match[2] == old else match[2]), lines[place]
            )


def change_call(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Makes a system call one that matters for processes, or an other."""
    new = chance.choice((b"59", b"59", b"231", b"60", b"322", b"2"))
    _change(lines, chance, lambda line: _call.sub(b" syscall=" + new, line, count=1))


def drop_ends(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Takes out most or all lines that end events."""
    keep = chance.choice((0.0, 0.0, 0.3))
    lines[:] = [line for line in lines if b"type=EOE" not in line or chance.random() < keep]


def pick_lines(lines: list[bytes], chance: random.Random, _: Vocabulary) -> None:
    """Shuffles the lines of the input, but keeps those of each event in their order."""
    queues: dict[bytes, list[bytes]] = {}
    for line in lines:
        match = _id.search(line)
        queues.setdefault(match[0] if match else b"", []).append(line)
    lines.clear()
    left = [queue[::-1] for queue in queues.values()]
    while left:
        queue = chance.choice(left)
        lines.append(queue.pop())
        left = [queue for queue in left if queue]


STREAM = (
    *TEXT, insert_line, insert_line, join_lines, repeat_id, repeat_id, move_id, mix_nodes,
    change_type, share_process, share_process, change_call, drop_ends, pick_lines,
)  # fmt: skip
"""For streams of audit records."""

AUDIT_TOKENS = (
    b"type=", b"type=SYSCALL msg=audit(", b"type=EOE msg=audit(1.000:7):", b"type=PROCTITLE ",
    b"type=EXECVE ", b"type=USER_CMD ", b"node=a ", b"msg='", b"'", b'"', b"=", b" ", b"  ", b"\0",
    b"\x1d", b"'\x1d", b"\x1e", b"\x1f", b"\t", b"\r", b"\x01", b"\x7f", b"\xff", b"\xc3\xa4",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\\", b"%", b"%00", b"+", b"{", b"}", b"[",
    b"]", b"{ ", b" }", b"(null)", b"?", b"-", b"0x", b"a0=", b"a0[0]=", b"a0_len=", b"a9999999=",
    b"argc=", b"items=9", b"opid=7", b" pid=", b" ppid=", b" PID=", b" uid=", b" comm=", b" exe=",
    b" key=", b" subj=", b"saddr=", b"SADDR={", b"ARCH=", b"SYSCALL=", b"arch=c000003e",
    b"arch=80000016", b"syscall=59", b"syscall=231", b"success=yes", b"netlabel: ", b"avc:  denied",
    b"uring_op=18", b" ID=", b"proctitle=", b"nametype=CREATE",
)  # fmt: skip

AUDIT_VALUES = (
    *rb"""
    ? (null) "(null)" "" 0 -0 -1 1 7 59 231 007 00 0x0 0x1F 1234 0755 4294967295
    9223372036854775807 9223372036854775808 ffffffffffffffff 10000000000000000
    1777777777777777777777 DEADBEEF ABC abcd C3A4 FF00 410042 22 5C 0A 001D "a%b+c" "a a"b" { } \
    a=b =x c000003e c000113e 80000016 020014E97F000001 01002F746D7000 01000000 0A00 10000000 yes no
    """.split(),
    b"", b'"a b"', b"'a b'", b"{ a b }", b"a b", b"\0", b"\x7f", b"\xff", b"\xc3\xa4",
    b'"\xc3\xa4"', b'x\x1dUID="u"', b"SADDR={ x", b'"x SADDR={ y"', b"1" * 20, b"41" * 80,
)  # fmt: skip
