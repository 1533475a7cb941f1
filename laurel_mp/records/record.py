"""Renders one record as a JSON object: by the general grammar, and by layouts it has learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from laurel_mp.records import enriched, proctitle, translation, types
from laurel_mp.records.fields import Field, Form, parse
from laurel_mp.records.interpretation import fields as interpretation
from laurel_mp.records.layouts import Layout, compile_layout
from laurel_mp.records.members import Member, join
from laurel_mp.records.message import (
    UNPARSED,
    field_members,
    message_object,
    modern,
    parse_message,
    split_message,
    split_preface,
)
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.records.strings import encode
from laurel_mp.records.values import is_decimal, text_of

MARK = b"\0"
"""Placeholder for an answer of the tracker. Rendered text has no other NUL byte."""

# To learn a layout costs as much as to render some hundred records by it. Made-up keys
# (NETFILTER_CFG does not encode names) and types (of other hosts) must not make us learn for ever.
LAYOUTS_PER_TYPE = 24
MOST_TYPES = 512
MOST_REPLACED = 1024
FIELDS_PER_LAYOUT = 96


class LookUp(NamedTuple):
    """Asks the tracker about the process that a field names."""

    key: bytes
    """Key of the answer."""
    pid: bytes


class Rendered(NamedTuple):
    """A record's object, with one mark for each look-up, in order."""

    text: bytes
    look_ups: tuple[LookUp, ...] = ()


class Parts(NamedTuple):
    """The inside of a record's object, for callers that add to it."""

    raw: bytes
    """Members for the fields of the record."""
    added: bytes
    """Translations, with a comma in front of each."""
    keys: frozenset[bytes]
    values: dict[bytes, bytes]
    """Values as written, without quotes, by key; without null values."""


class RecordRenderer:
    """Renders records by one set of options. It has no state but learned layouts."""

    def __init__(self, options: RecordOptions) -> None:
        self.options = options
        self._argv = options.added(b"ARGV")
        self._layouts: dict[bytes, list[tuple[Layout, tuple[tuple[bytes, int], ...]]]] = {}
        self.layouts_replaced = 0

    # --- by layouts

    def render(self, name: bytes, body: bytes) -> Rendered:
        """Renders a record of type `name`, with the bytes of `render_generally`."""
        if name == b"PROCTITLE" and (quick := proctitle.render_regular(body, self._argv)):
            return Rendered(quick)
        rendered = self._render_by_layout(name, body)
        if rendered is not None:
            return rendered
        if types.is_kernel(name, body) and (usual := enriched.canonical(body)) != body:
            body = usual
            rendered = self._render_by_layout(name, body)
            if rendered is not None:
                return rendered
        rendered = self.render_generally(name, body)
        # The writer of a record of an unknown type is told by its body, not by its layout.
        if types.number_of(name) is not None:
            self._learn(name, body)
        return rendered

    def _render_by_layout(self, name: bytes, body: bytes) -> Rendered | None:
        """Renders a record by a layout that was learned; None if none fits."""
        for layout, looked_up in self._layouts.get(name, ()):
            groups = layout.match(body)
            if groups is not None:
                raw, added = layout.render(groups)
                if not looked_up:
                    return Rendered(b"{" + raw + added + b"}")
                look_ups = tuple(
                    [LookUp(key, groups[i]) for key, i in looked_up if groups[i].isdigit()]
                )
                return Rendered(b"{" + raw + added + MARK * len(look_ups) + b"}", look_ups)
        return None

    def plain_layout(self, name: bytes, body: bytes) -> tuple[bytes, bytes] | None:
        """Returns an expression for the layout of a record, and a template for its captures.

        None if no layout is known, or if a template alone cannot render it.
        """
        for layout, looked_up in self._layouts.get(name, ()):
            if layout.match(body) is not None:
                template = layout.template
                return None if template is None or looked_up else (layout.pattern, template)
        return None

    def render_parts(self, name: bytes, body: bytes) -> Parts | None:
        """Renders the inside of the object of a regular record; None for an irregular one."""
        for layout, _ in self._layouts.get(name, ()):
            groups = layout.match(body)
            if groups is not None:
                values = {key: groups[index] for key, index in layout.names.items()}
                return Parts(*layout.render(groups), layout.keys, values)
        body = enriched.canonical(body)
        raw, translations = enriched.split(body, kernel=True)
        fields = parse(raw)
        kept, added = self.members(name, fields, translations)
        keys = {key for key, _ in kept + added}
        if len(keys) < len(kept) + len(added) or not all(field.key for field in fields):
            return None
        self._learn(name, body)
        extra = b"".join([b',"%b":%b' % member for member in added])
        values = {field.key: field.text for field in fields}
        return Parts(join(kept), extra, frozenset(keys), values)

    def _learn(self, name: bytes, body: bytes) -> None:
        kernel = types.is_kernel(name, body)
        raw, translations = enriched.split(body, kernel)
        plain = modern(name, raw) == raw and split_preface(raw) == ([], raw)
        if not (kernel and plain and self._may_learn(name)):
            return
        fields = parse(raw)
        if len(fields) > FIELDS_PER_LAYOUT or self._is_special(name, fields):
            return
        layout = compile_layout(
            fields, enriched.parse_translations(translations), self.options, self._name_of, name
        )
        if layout is None or layout.match(body) is None:
            return
        known = self._layouts.setdefault(name, [])
        if len(known) >= LAYOUTS_PER_TYPE:
            self.layouts_replaced += 1
            known.pop()
        kept, added = self.members(name, fields, translations)
        taken = {key for key, _ in kept + added}
        looked_up = self._looked_up(name, fields, taken)
        known.insert(0, (layout, tuple([(key, layout.names[f.key]) for key, f in looked_up])))

    def _may_learn(self, name: bytes) -> bool:
        known = self._layouts.get(name)
        if known is None:
            return len(self._layouts) < MOST_TYPES
        return len(known) < LAYOUTS_PER_TYPE or self.layouts_replaced < MOST_REPLACED

    def _is_special(self, name: bytes, fields: list[Field]) -> bool:
        """True if records of this kind have a shape or a translation of their own."""
        if name == b"PROCTITLE":
            return True
        if self.options.interpret and any(interpretation.is_known(each.key) for each in fields):
            return True
        return self.options.universal and (
            name in (b"SOCKADDR", b"URINGOP") or any(field.key == b"arch" for field in fields)
        )

    # --- by the general grammar

    def render_generally(self, name: bytes, body: bytes) -> Rendered:
        """Renders a record of type `name` by the grammar alone."""
        kernel = types.is_kernel(name, body)
        raw, translations = enriched.split(body, kernel)
        message = None
        if not kernel:
            raw, message = split_message(raw)
        found, rest = split_preface(modern(name, raw))
        fields = parse(rest)
        if not kernel and message is None:
            fields, message = _take_message(fields)
        preface, said = parse_message(message or b"")
        kept, added = self.members(name, fields, translations, said)
        kept = found + kept
        if message is not None:
            kept.append((b"msg", message_object(preface, said, self.options.added(UNPARSED))))
        taken = {key for key, _ in kept + added}
        looked_up = self._looked_up(name, fields, taken)
        look_ups = tuple([LookUp(key, f.text) for key, f in looked_up if f.text.isdigit()])
        text = join(kept + added)
        return Rendered(b"{" + text + MARK * len(look_ups) + b"}", look_ups)

    def members(
        self, name: bytes, fields: list[Field], translations: bytes, said: Sequence[Field] = ()
    ) -> tuple[list[Member], list[Member]]:
        """Returns the members of a record, and translations of some of them.

        `said` are the fields of its message.
        """
        ours = self._translate(name, fields)
        added = [(self.options.added(fields[index].key), json) for index, json in ours.items()]
        added += self._names_in_message(said, {key for key, _ in added})
        our_keys = {key for key, _ in added}
        for field in enriched.parse_translations(translations):
            key = field.key if self.options.prefix is None else self.options.added(field.key)
            if not field.key:
                added.append((self.options.added(UNPARSED), encode(field.text)))
            elif key not in our_keys:
                added.append((key, enriched.render(field)))
        if name == b"PROCTITLE":
            return proctitle.members(fields, self._argv, self.options.added(UNPARSED)), added
        replaced = self._replaced(name, fields, ours)
        fields = [field for index, field in enumerate(fields) if index not in replaced]
        return field_members(fields, self.options.added(UNPARSED), name), added

    def _names_in_message(self, said: Sequence[Field], taken: set[bytes]) -> list[Member]:
        """Returns names for the users and groups of a message, but not for those of the kernel.

        They stand beside the message, as those of auditd do.
        """
        found: dict[bytes, bytes] = {}
        for field in said:
            name_of = self.options.user_name if field.key == b"id" else self._name_of(field.key)
            key = self.options.added(field.key)
            if name_of is not None and field.form is Form.BARE and is_decimal(field.text):
                found.setdefault(key, encode(name_of(int(field.text))))
        return [(key, name) for key, name in found.items() if key not in taken]

    def _replaced(self, name: bytes, fields: list[Field], ours: dict[int, bytes]) -> set[int]:
        """Returns indices of raw values that a translation replaces: that of a decoded address.

        Addresses of a record with several, which the kernel does not write, are not replaced: one
        object would stand for all of them. Nor are those of which only the family is known.
        """
        addresses = {index for index, field in enumerate(fields) if field.key == b"saddr"}
        replaced = set(ours) if self.options.drop_raw else addresses & ours.keys()
        if name != b"SOCKADDR" or not self.options.universal:
            return replaced if self.options.drop_raw else set()
        if len(addresses) > 1 and not self.options.drop_raw:
            return set()
        return {
            index
            for index in replaced
            if index not in addresses or not translation.is_family_only(ours[index])
        }

    def _translate(self, name: bytes, fields: list[Field]) -> dict[int, bytes]:
        """Returns our own translations: JSON by the index of the translated field, in order."""
        found: dict[int, bytes] = {}
        if self.options.interpret:
            found |= self._interpret(name, fields)
        if self.options.user_name is not None:
            for index, field in enumerate(fields):
                name_of = self._name_of(field.key)
                if name_of is not None and is_decimal(field.text):
                    found[index] = encode(name_of(int(field.text)))
        if not self.options.universal:
            return found
        ours: dict[bytes, bytes] = {}
        first = {field.key: index for index, field in reversed(list(enumerate(fields)))}
        if b"arch" in first:
            number = fields[first[b"syscall"]].text if b"syscall" in first else None
            ours |= translation.system_call(fields[first[b"arch"]].text, number)
        if name == b"URINGOP" and b"uring_op" in first:
            ours |= translation.uring_operation(fields[first[b"uring_op"]].text)
        if name == b"SOCKADDR" and b"saddr" in first:
            address = text_of(fields[first[b"saddr"]]) or b""
            ours |= translation.socket_address(address, big_endian=self.options.big_endian)
        return dict(sorted((found | {first[key]: json for key, json in ours.items()}).items()))

    @staticmethod
    def _interpret(name: bytes, fields: list[Field]) -> dict[int, bytes]:
        """Names for numbers: JSON by the index of the field."""
        written = next((field.text for field in fields if field.key == b"arch"), b"")
        arch = translation.arch_name(written) or b""
        found = {}
        for index, field in enumerate(fields):
            if field.form is Form.BARE:
                text = interpretation.interpret(name, field.key, field.text, arch)
                if text is not None:
                    found[index] = encode(text)
        return found

    def _name_of(self, key: bytes) -> Callable[[int], bytes] | None:
        """Returns the function that translates the numbers of field `key` into names."""
        if key.endswith(b"uid"):
            return self.options.user_name
        return self.options.group_name if key.endswith(b"gid") else None

    def _looked_up(
        self, name: bytes, fields: list[Field], taken: set[bytes]
    ) -> list[tuple[bytes, Field]]:
        """Returns the fields that name a process, each with the key for the tracker's answer.

        A SYSCALL record has a query of its own; inside `msg='…'` a process id is a claim of the
        sender.
        """
        if not self.options.look_up_pids or name.startswith(b"SYSCALL"):
            return []
        found: dict[bytes, Field] = {}
        for field in fields:
            added = self.options.added(field.key)
            regular = field.key.endswith(b"pid") and field.form is Form.BARE
            if regular and field.text and added not in taken:
                found.setdefault(added, field)
        return list(found.items())


def _take_message(fields: list[Field]) -> tuple[list[Field], bytes | None]:
    """Takes a message that is not in single quotes out of the fields of a user-space record."""
    found = [field for field in fields if field.key == b"msg" and field.text]
    if len(found) != 1:
        return fields, None
    return [field for field in fields if field is not found[0]], found[0].text
