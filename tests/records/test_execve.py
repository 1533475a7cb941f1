"""Argument lists: put together from records and pieces in any order, cut, and shown."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records import execve
from laurel_mp.records.execve import MAX_GAP, Skipped, cut, read
from laurel_mp.records.record_options import RecordOptions

Item = bytes | Skipped | None


def shown(*bodies: bytes, options: RecordOptions | None = None) -> Any:
    """The EXECVE object for these records."""
    return json.loads(execve.render(read(bodies), options or RecordOptions()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'argc=1 a0="ls"', ["ls"]),
        (b'argc=4 a0="T:empty" a1="" a2="x" a3=""', ["T:empty", "", "x", ""]),
        (b'argc=2 a0="T:newline" a1=6C696E65310A6C696E6532', ["T:newline", "line1%0aline2"]),
        (b'argc=2 a0="T:nonutf8" a1=FFFE80636166E9', ["T:nonutf8", "%ff%fe%80caf%e9"]),
        (b'argc=4 a0="T:quotes" a1=7361792022686922 a2="it\'s" a3="plain"',
         ["T:quotes", 'say "hi"', "it's", "plain"]),
        (b'argc=7 a0="T:backslash" a1="a\\b" a2="a=b" a3="{x}" a4="a,b" a5="\'" a6=22',
         ["T:backslash", "a\\b", "a=b", "{x}", "a,b", "'", '"']),
        (b'argc=7 a0="T:hexlook" a1="DEADBEEF" a2="(null)" a3="(none)" a4="?" a5="0041" a6=7F',
         ["T:hexlook", "DEADBEEF", "(null)", "(none)", "?", "0041", "%7f"]),
        (b'argc=2 a0="T:sep1d" a1=611D62', ["T:sep1d", "a%1db"]),
        (b'argc=1 a0=""', [""]),
    ],
)  # fmt: skip
def test_arguments_as_the_kernel_writes_them(body: bytes, expected: list[str]) -> None:
    """Quoted text is what it is, hex is decoded."""
    assert {"argc": len(expected), "ARGV": expected} == shown(body)
    assert not read([body]).missing


PIECES = [
    pytest.param([b'argc=2 a0="x" a1_len=4 a1[0]="ab" a1[1]="cd"'], b"abcd", id="quoted"),
    pytest.param([b'argc=2 a0="x" a1_len=4 a1[0]="ab"', b'a1[1]="cd"'], b"abcd", id="two records"),
    pytest.param([b'argc=2 a0="x" a1_len=4 a1[0]="abcd"'], b"abcd", id="a single piece"),
    pytest.param([b'argc=2 a0="x" a1_len=8 a1[0]=6162', b"a1[1]=6364"], b"abcd", id="hex"),
    pytest.param([b'argc=2 a0="x" a1_len=8 a1[0]=616', b"a1[1]=26364"], b"abcd", id="odd cut"),
    pytest.param([b'a1[1]="cd"', b'argc=2 a0="x" a1_len=4 a1[0]="ab"'], b"abcd", id="swapped"),
    pytest.param([b'argc=2 a1="abcd"', b'a0="x"'], b"abcd", id="arguments swapped"),
    pytest.param([b'argc=2 a0="x" a1_len=4 a1[0]="AB" a1[1]="CD"'], b"ABCD", id="hex look-alike"),
]


@pytest.mark.parametrize(("bodies", "expected"), PIECES)
def test_pieces(bodies: list[bytes], expected: bytes) -> None:
    """Pieces are joined by their numbers, in whatever order and records they come."""
    found = read(bodies)

    assert (2, [b"x", expected], False, []) == found


def test_hundreds_of_records_for_one_argument() -> None:
    """An argument of 120 kB comes in 33 records, and there is no limit to that."""
    text = b"QZ" * 60_000
    digits = text.hex().upper().encode()
    pieces = [digits[start : start + 7300] for start in range(0, len(digits), 7300)]
    bodies = [b"a1[%d]=%b" % (number, piece) for number, piece in enumerate(pieces)]
    bodies[0] = b'argc=3 a0="x" a1_len=%d ' % len(digits) + bodies[0]
    bodies[-1] += b' a2="tail"'

    assert (3, [b"x", text, b"tail"], False, []) == read(bodies)
    assert (3, [b"x", text, b"tail"], False, []) == read(bodies[::-1])


def test_a_million_arguments() -> None:
    """There is no limit to their number but that of an event's bytes."""
    body = b"argc=1000000" + b"".join([b' a%d="y"' % index for index in range(1_000_000)])

    assert read([body]).texts == [b"y"] * 1_000_000


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([b'argc=3 a0="x"'], ["x", None, None]),
        ([b'argc=3 a0="x" a2="z"'], ["x", None, "z"]),
        ([b'a2="z"'], [None, None, "z"]),
        ([b'argc=2 a0="x" a1_len=4 a1[0]="ab"'], ["x", "ab"]),
        ([b'argc=2 a0="x" a1[0]="ab" a1[2]="ef"'], ["x", "abef"]),
        ([b'argc=2 a0="x" a1_len=4'], ["x", None]),
        ([b"argc=100000 a0=41"], ["A"]),
        ([b"argc=2"], [None, None]),
        ([b""], []),
        ([b'a0="x"'], ["x"]),
    ],
)
def test_missing_arguments(bodies: Sequence[bytes], expected: list[str | None]) -> None:
    """They are `null`, if not too many, and it is known that they are missing."""
    assert expected == shown(*bodies)["ARGV"]
    assert read(bodies).missing


def test_an_argument_without_a_value() -> None:
    """It is `null` too, but nothing is missing."""
    assert read([b'argc=2 a0="x" a1=(null)']).texts == [b"x", None]
    assert not read([b'argc=2 a0="x" a1=(null)']).missing


@pytest.mark.parametrize("piece", [b"a0[0]=(null)", b"a0[0]=", b"a0_len=0 a0[0]="])
def test_a_piece_without_a_value(piece: bytes) -> None:
    """It counts as empty."""
    assert read([b"argc=1 " + piece]).texts == [b""]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'argc=1 a0="x" a4294967295="y"', {"argc": 1, "a4294967295": "y", "ARGV": ["x"]}),
        (b'argc=1 a0="x" a999999999="y"', {"argc": 1, "a999999999": "y", "ARGV": ["x"]}),
        (b'a0="x" a999999999="y"', {"a999999999": "y", "ARGV": ["x"]}),
        (b'argc=1 a0="x" a0="y"', {"argc": 1, "a0": "y", "ARGV": ["x"]}),
        (b'argc=1 a0="x" a0[0]="y"', {"argc": 1, "a0": "y", "ARGV": ["x"]}),
        (b'argc=1 argc=2 a0="x"', {"argc": [1, 2], "ARGV": ["x"]}),
        (b'argc=-1 a0="x"', {"argc": -1, "a0": "x", "ARGV": []}),
        (b'argc=one a0="x"', {"argc": "one", "ARGV": ["x"]}),
        (b'argc=1 a0="x" b="y" stray words', {"argc": 1, "b": "y", "UNPARSED": "stray words",
                                              "ARGV": ["x"]}),
        (b'argc=1 a0="x"\x1dUID="root"', {"argc": 1, "UID": "root", "ARGV": ["x"]}),
    ],
)  # fmt: skip
def test_what_is_no_argument_is_kept(body: bytes, expected: dict[str, Any]) -> None:
    """An index that cannot be true, and what is said twice, is not lost, nor makes a long list."""
    assert expected == shown(body)


def test_an_index_of_thousands_of_digits() -> None:
    """Python reads no such number; the argument is a field of that name."""
    key = b"a" + b"0" * 5000

    assert {"argc": 1, key.decode(): "x", "ARGV": [None]} == shown(b"argc=1 " + key + b'="x"')


def test_the_bound_on_gaps() -> None:
    """So many arguments may be missing, and no more."""
    index = MAX_GAP + 1

    assert len(read([b'a0="x" a%d="y"' % index]).texts) == MAX_GAP + 2
    assert read([b'a0="x" a%d="y"' % (index + 1)]).texts == [b"x"]


@given(st.lists(st.binary(max_size=12), min_size=1, max_size=6), st.data())
def test_any_arguments_in_any_pieces_and_order(arguments: list[bytes], data: st.DataObject) -> None:
    """However the kernel may spread a list over fields and records, it is put together again."""
    fields = []
    for index, text in enumerate(arguments):
        plain = text and all(0x20 < byte < 0x7F and byte != 0x22 for byte in text)
        written = text if plain else text.hex().upper().encode()
        quote = b'"' if plain or not text else b""
        if data.draw(st.booleans()):
            middle = data.draw(st.integers(0, len(written) // 2)) * 2
            pieces = [piece for piece in (written[:middle], written[middle:]) if piece] or [b""]
            fields.append(b"a%d_len=%d" % (index, len(written)))
            fields += [
                b"a%d[%d]=%b%b%b" % (index, number, quote, piece, quote)
                for number, piece in enumerate(pieces)
            ]
        else:
            fields.append(b"a%d=%b%b%b" % (index, quote, written, quote))
    fields = data.draw(st.permutations([b"argc=%d" % len(arguments), *fields]))
    split = data.draw(st.integers(0, len(fields)))
    bodies = [b" ".join(fields[:split]), b" ".join(fields[split:])]

    assert (len(arguments), arguments, False, []) == read([body for body in bodies if body])


@given(st.lists(st.from_regex(rb"(argc|a\d{1,3}(\[\d\]|_len)?|x)=.?.?", fullmatch=True)))
def test_any_fields(fields: list[bytes]) -> None:
    """Nothing that may be written there makes reading or showing it fail."""
    shown(b" ".join(fields).replace(b"\n", b" "))


@pytest.mark.parametrize(
    ("texts", "limit", "expected"),
    [
        ([b"ab", b"cd"], 4, [b"ab", b"cd"]),
        ([b"ab", b"cd", b"ef"], 4, [b"ab", Skipped(1, 2), b"ef"]),
        ([b"ab", b"cd", b"ef", b"gh"], 4, [b"ab", Skipped(2, 4), b"gh"]),
        ([b"ab", b"cd", b"efg"], 4, [b"ab", Skipped(2, 5)]),
        ([b"0123456789"], 4, [b"01", Skipped(0, 6), b"89"]),
        ([b"0123456789"], 5, [b"012", Skipped(0, 5), b"89"]),
        ([b"0123456789"], 1, [b"0", Skipped(0, 9)]),
        ([b"0123456789"], 0, [Skipped(1, 10)]),
        ([b"a", b"0123456789", b"z"], 6, [b"a", b"01", Skipped(0, 6), b"89", b"z"]),
        ([b"0123456789", b"abcdefghij"], 4, [b"01", Skipped(0, 16), b"ij"]),
        ([b"0123456789", b"x", b"abcdefghij"], 4, [b"01", Skipped(1, 17), b"ij"]),
        ([b"ab", None, b"cd"], 3, [b"ab", None, Skipped(1, 2)]),
        ([b"", b"", b"abc"], 2, [b"", b"", b"a", Skipped(0, 1), b"c"]),
        ([], 0, []),
        ([b"", b""], 0, [b"", b""]),
    ],
)  # fmt: skip
def test_cut(texts: list[bytes | None], limit: int, expected: list[Item]) -> None:
    """The middle is cut out; an argument that alone exceeds the limit is cut inside."""
    assert expected == cut(texts, limit)


@given(st.lists(st.binary(max_size=8) | st.none(), max_size=8), st.integers(0, 40))
def test_a_cut_says_what_it_took(texts: list[bytes | None], limit: int) -> None:
    """Within the limit, and what was skipped and what is shown are the whole."""
    items = cut(texts, limit)
    kept = [item for item in items if not isinstance(item, Skipped)]
    skipped = [item for item in items if isinstance(item, Skipped)]

    size = sum(len(text or b"") for text in texts)
    assert size == sum(len(item or b"") for item in kept) + sum(item.bytes for item in skipped)
    assert sum(len(item or b"") for item in kept) <= max(limit, 0) or not skipped
    assert (size > limit) == bool(skipped)
    assert len(skipped) <= 1


LIMITED = RecordOptions(argv_string=True, argv_limit=4)


def test_a_cut_is_shown_in_its_place() -> None:
    """As an object among the arguments, and as words in the string."""
    expected = {
        "argc": 3,
        "ARGV": ["ab", {"skipped_args": 1, "skipped_bytes": 2}, "ef"],
        "ARGV_STR": "ab <<< Skipped: args=1, bytes=2 >>> ef",
    }

    assert expected == shown(b'argc=3 a0="ab" a1="cd" a2="ef"', options=LIMITED)


def test_the_last_arguments_are_cut() -> None:
    """A record that was cut at its end is shown, too."""
    expected = ["ab", {"skipped_args": 2, "skipped_bytes": 5}]

    assert expected == shown(b'argc=3 a0="ab" a1="cd" a2="efg"', options=LIMITED)["ARGV"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RecordOptions(), {"argc": 2, "ARGV": ["a b", None]}),
        (RecordOptions(argv_array=False, argv_string=True), {"argc": 2, "ARGV_STR": "a b "}),
        (RecordOptions(argv_array=False), {"argc": 2}),
        (RecordOptions(argv_string=True, prefix=b"x_"),
         {"argc": 2, "x_argv": ["a b", None], "x_argv_str": "a b "}),
    ],
)  # fmt: skip
def test_what_is_shown(options: RecordOptions, expected: dict[str, Any]) -> None:
    """The list, the string, or both; under their keys of the configuration."""
    assert expected == shown(b"argc=2 a0=612062", options=options)
