"""Target `records`: one record as an object, by the grammar alone and by all shortcuts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from laurel_mp.events.rendering import sequence_templates
from laurel_mp.events.rendering.event_renderer import EventRenderer
from laurel_mp.events.rendering.sequence_templates import split_auxiliary
from laurel_mp.events.rendering.syscall import SyscallRenderer
from laurel_mp.records import enriched, execve, record
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.header import TYPE
from laurel_mp.records.record import MARK, RecordRenderer, Rendered
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import decode, encode
from tests.fuzz import seeds
from tests.fuzz.mutation import AUDIT_TOKENS, AUDIT_VALUES, TEXT, LineMutator, Vocabulary, vary_line
from tests.fuzz.target import Target
from tests.support.decoding import parse as parse_json
from tests.support.records import group_name, typical_records, user_name

_is_type = re.compile(TYPE).fullmatch

_BRACKETS = {
    Form.BARE: b"%b=%b",
    Form.QUOTED: b'%b="%b"',
    Form.SINGLE_QUOTED: b"%b='%b'",
    Form.BRACED: b"%b=%b",
    Form.STRAY: b"%b%b",
}


def options_of(bits: int) -> RecordOptions:
    """One set of options for each byte."""
    names = bits & 2
    return RecordOptions(
        universal=bool(bits & 1),
        user_name=user_name if names else None,
        group_name=group_name if names else None,
        drop_raw=bool(bits & 4),
        prefix=(None, b"e", b"x_", b"@")[bits >> 3 & 3],
        look_up_pids=bool(bits & 32),
        big_endian=bool(bits & 64),
        argv_string=bool(bits & 128),
        argv_limit=7 if bits & 128 else None,
        interpret=bool(bits & 128),
        queries_name_rules=True,
    )


def check(data: bytes) -> None:
    """A byte of options, a type, and bodies: each is rendered twice, before and after learning."""
    options = options_of(data[0] if data else 0)
    name, *bodies = [line.strip(b" ") for line in data[1:].split(b"\n")]
    name = name if _is_type(name) else b"ODD"
    renderer, general = RecordRenderer(options), RecordRenderer(options)
    syscalls = SyscallRenderer(renderer, 1 << 12, 1 << 12)
    for body in bodies * 2:
        expected = general.render_generally(name, body)
        assert expected == renderer.render(name, body)
        check_json(expected)
        if name == b"SYSCALL":
            by_grammar = syscalls._render_irregular(body)
            assert by_grammar == syscalls.render(body)
            parse_json(b"{" + by_grammar.text + b"}")
    check_sequence_templates(name, bodies, options)
    for body in bodies:
        check_fields(body)
        parse_json(encode(body))
        assert body == decode(encode(body))
        assert encode(body) == encode_plainly(body)
    parse_json(execve.render(execve.read(bodies), options))


def check_sequence_templates(name: bytes, bodies: list[bytes], options: RecordOptions) -> None:
    """Records behind a SYSCALL record, one by one and all of them, by what was learned of others.

    A title behind them, as each event has one.
    """
    renderer = EventRenderer(options)
    lines = [b"type=%b msg=audit(\0): %b\n" % (name, body) for body in bodies]
    title = b"type=PROCTITLE msg=audit(\0): proctitle=6C73002D6C\n"
    for text in [*lines, *[line + title for line in lines], b"".join(lines) + title] * 2:
        expected = EventRenderer(options).fragment(split_auxiliary(text), behind_syscall=True)
        found = renderer.render_auxiliary(text)
        if found.records >= 0:
            assert expected.execution == found.execution
            assert expected._replace(executed=None) == found._replace(executed=None)


def encode_plainly(text: bytes) -> bytes:
    """Returns the expected JSON string of any bytes, character by character."""
    found = ""
    for character in text.decode("utf-8", "surrogateescape"):
        if character in '"\\':
            found += "\\" + character
        elif character in "%+\x7f\ufeff" or character < " " or "\udc80" <= character <= "\udcff":
            raw = character.encode("utf-8", "surrogateescape")
            found += "".join(f"%{byte:02x}" for byte in raw)
        else:
            found += character
    return f'"{found}"'.encode()


def check_json(rendered: Rendered) -> None:
    """Valid JSON on one line once the marks are filled in, and a mark for each look."""
    text = rendered.text
    assert len(rendered.look_ups) == text.count(MARK)
    assert b"\n" not in text
    for look in rendered.look_ups:
        assert look.pid.isdigit()
        text = text.replace(MARK, b',"%b":{}' % look.key, 1)
    parse_json(text)


def check_fields(body: bytes) -> None:
    """Nothing but blanks is lost between the fields, in the raw part and in translations."""
    written = b"".join(map(_written, parse(body)))
    assert body.replace(b" ", b"") == written.replace(b" ", b"")
    translations = b"".join(map(_written, enriched.parse_translations(body)))
    assert body.replace(b" ", b"") == translations.replace(b" ", b"")


def _written(field: Field) -> bytes:
    return _BRACKETS[field.form] % (field.key, field.text)


def _seeds() -> Iterator[bytes]:
    bits = itertools.cycle((0, 1, 3, 7, 0x2B, 0x33, 0xE7))
    for name, body in typical_records():
        yield bytes([next(bits)]) + name + b"\n" + body + b"\n" + body


def _prepare() -> None:
    record.LAYOUTS_PER_TYPE = 3  # so that layouts are replaced, too
    sequence_templates.LEARNED_AFTER = 1


_vocabulary = Vocabulary(seeds.lines(), AUDIT_VALUES, AUDIT_TOKENS)

_operations = (*TEXT, *[vary_line] * 6)

RECORDS = Target(
    "records",
    check,
    _seeds,
    LineMutator(_operations, _vocabulary, head=1),
    longest=3000,
    plain=(encode_plainly,),
    prepare=_prepare,
)
