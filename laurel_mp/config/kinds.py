"""The kinds of values that settings have: what is accepted, and how that is said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, NoReturn

from laurel_mp.config import sink_kinds

_SHOWN_CHARACTERS = 60
_TOML_LARGEST = 2**63 - 1  # Python's TOML parser knows no limit, but other programs do
_PREFIX_PUNCTUATION = frozenset("_.:@#$/-")


class MismatchError(Exception):
    """A value is not of the expected kind; the text says what was there instead."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    ``expected`` completes the sentence "expected …". ``accept`` takes a value as TOML or msgpack
    deliver it and returns the one that is stored, or raises `MismatchError`. ``patterns`` lists the
    regular expressions in an accepted value.
    """

    expected: str
    accept: Callable[[object], Any]
    patterns: Callable[[Any], Iterable[str]] = lambda _: ()


def show(value: object) -> str:
    """Give the TOML type of a value and, shortened and on one line, the value itself."""
    names = {bool: "boolean", int: "integer", float: "float", str: "string"}
    names |= {list: "array", tuple: "array", dict: "table"}
    name = names.get(type(value), "date or time")
    text = str(value) if name == "date or time" else repr(value)
    if name == "boolean":
        text = text.lower()
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    return f"{name} ({text})"


def _refuse(value: object, because: str = "") -> NoReturn:
    raise MismatchError(show(value) + (f": {because}" if because else ""))


# ---------------------------------------------------------------------- scalars


def _accept_flag(value: object) -> bool:
    if not isinstance(value, bool):
        _refuse(value)
    return value


FLAG = Kind("true or false", _accept_flag)


def whole(low: int, high: int = _TOML_LARGEST) -> Kind:
    """Whole numbers from ``low`` to ``high``, both included."""

    def accept(value: object) -> int:
        # A TOML boolean arrives as a Python bool, which is an int, too.
        if not isinstance(value, int) or isinstance(value, bool):
            _refuse(value)
        if not low <= value <= high:
            _refuse(value)
        return value

    return Kind(f"a whole number {_span(low, high)}", accept)


def seconds(low: float, high: float) -> Kind:
    """Numbers from ``low`` to ``high``, both included, with or without a fraction."""

    def accept(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            _refuse(value)
        # Written so that a NaN, for which every comparison is false, is refused.
        if not low <= value <= high:
            _refuse(value)
        return float(value)

    return Kind(f"a number {_span(low, high)}", accept)


def _span(low: float, high: float) -> str:
    return f"from {low} up" if high == _TOML_LARGEST else f"from {low} to {high}"


def text(expected: str, problem: Callable[[str], str] = lambda _: "") -> Kind:
    """Strings about which ``problem`` has nothing to say."""

    def accept(value: object) -> str:
        if not isinstance(value, str):
            _refuse(value)
        if because := problem(value):
            _refuse(value, because)
        return value

    return Kind(expected, accept)


def _empty(value: str) -> str:
    return "" if value else "it is empty"


def _unprintable(value: str) -> str:
    # An output line is one event: a line break inside a prefix would cut it in two.
    return "" if value.isprintable() else "it has control characters"


def path_problem(value: str) -> str:
    """Says in words why a value is no path, or returns ""."""
    if not value:
        return "it is empty"
    return "it has a NUL byte" if "\0" in value else ""


def file_problem(value: str) -> str:
    """Says in words why a value is no path of a file, or returns ""."""
    if value.rsplit("/", 1)[-1] in ("", ".", ".."):
        return "it names a directory" if value else "it is empty"
    return path_problem(value)


def socket_problem(path: str) -> str:
    """Says in words why a value is no path of a socket, or returns ""."""
    # Relative paths would depend on the directory that auditd starts its plugins in.
    if not path.startswith("/"):
        return "the path of the socket must start with /"
    return file_problem(path)


def _unix_problem(value: str) -> str:
    return socket_problem(value.removeprefix("unix:"))


def _no_input(value: str) -> str:
    if value == "stdin":
        return ""
    return _unix_problem(value) if value.startswith("unix:") else "there is no such input"


def split_address(value: str) -> tuple[str, int]:
    """The IP address and the port of ``127.0.0.1:9100`` or ``[::1]:9100``; raises ValueError."""
    address, port = _split_port(value)
    if port is None or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65535):
        raise ValueError("the port is no number from 1 to 65535")
    try:
        found = IPv6Address(address) if value.startswith("[") else IPv4Address(address)
    except ValueError:
        raise ValueError("expected the number of an address, not a name") from None
    return str(found), int(port)


def is_loopback(value: str) -> bool:
    """True if only this host reaches an accepted ``ENDPOINT``."""
    if not value or value.startswith("unix:"):
        return True
    return ip_address(split_address(value)[0]).is_loopback


def _no_endpoint(value: str) -> str:
    if value.startswith("unix:"):
        return _unix_problem(value)
    try:
        if value:
            split_address(value)
    except ValueError as error:
        return str(error)
    return ""


def _no_mode(value: str) -> str:
    is_octal = len(value) in (3, 4) and all(each in "01234567" for each in value)
    if not is_octal:
        return "expected three or four digits from 0 to 7"
    # Others who can write it could forge our numbers; and it is no program.
    return "" if int(value, 8) & ~0o644 == 0 else "only 0600 and the rights to read it are allowed"


def _no_key_prefix(value: str) -> str:
    # The prefix becomes part of every added JSON key: nothing in it may need escaping.
    if value.isascii() and all(c.isalnum() or c in _PREFIX_PUNCTUATION for c in value):
        return _empty(value)
    return "letters, digits and _.:@#$/- are allowed"


TEXT = text("a string", _empty)
PRINTABLE = text("a string of one line", _unprintable)
DIRECTORY = text("the path of a directory", path_problem)
OUTPUT = text(sink_kinds.in_words('"'), sink_kinds.problem)
STATE_FILE = text('a file name, or "" for none', lambda value: value and file_problem(value))
ENDPOINT = text('"127.0.0.1:port", "[::1]:port" or "unix:/path", or "" for none', _no_endpoint)
MODE = text('a file mode as "0644"', _no_mode)
INPUT = text('"stdin" or "unix:/path"', _no_input)
KEY_PREFIX = text("a prefix for JSON keys", _no_key_prefix)


def choice(*words: str) -> Kind:
    """One of some lower-case words, in any case."""

    def accept(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in words:
            _refuse(value)
        return value.lower()

    return Kind(" or ".join(f'"{word}"' for word in words), accept)


def _accept_workers(value: object) -> int | str:
    if value == "auto":
        return "auto"
    count: int = _WORKER_COUNT.accept(value)
    return count


_WORKER_COUNT = whole(0, 256)
WORKERS = Kind(f'"auto" or {_WORKER_COUNT.expected}', _accept_workers)


# ---------------------------------------------------------------------- lists and tables


def listing(item: Kind, expected: str) -> Kind:
    """Arrays of ``item``, stored as tuples."""

    def accept(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            _refuse(value)
        try:
            return tuple(item.accept(each) for each in value)
        except MismatchError as mismatch:
            raise MismatchError(f"an array with {mismatch}") from None

    return Kind(expected, accept)


def _accept_user(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    name: str = TEXT.accept(value)
    return name


def _network_problem(value: str) -> str:
    address, port = _split_port(value)
    if port is not None and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        return "the port is no number up to 65535"
    if address == "*":
        return "" if port is not None else "a port is missing after *"
    try:
        if value.startswith("["):
            IPv6Network(address, strict=False)
        elif port is not None:
            IPv4Network(address, strict=False)
        else:
            ip_network(address, strict=False)
    except ValueError:
        return "there is no such address or network"
    return ""


def _split_port(value: str) -> tuple[str, str | None]:
    """Split ``address:port``, ``[address]:port`` or an address, which may have colons."""
    if value.startswith("["):
        address, bracket, port = value[1:].partition("]:")
        return (address, port) if bracket else (value, None)
    if value.count(":") == 1:
        address, _, port = value.partition(":")
        return address, port
    return value, None


def _accept_rules(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        _refuse(value)
    for pattern, label in value.items():
        if isinstance(label, dict):
            raise MismatchError(
                f"a table below {pattern!r}: quote regular expressions that have dots"
            )
        if not isinstance(label, str) or not label:
            raise MismatchError(f"{show(label)} for {pattern!r}")
    return dict(value)


NAMES = listing(TEXT, "an array of strings")
ARGV_FORMS = listing(choice("array", "string"), 'an array of "array" and "string"')
USERS = listing(Kind("", _accept_user), "an array of user names and user ids")
SOCKETS = listing(
    text("", _network_problem),
    'an array of addresses as "127.0.0.1", "192.168.0.0/24:22", "::/64", "[2a00::1]:443", "*:111"',
)
PATTERNS = Kind("an array of regular expressions", NAMES.accept, patterns=tuple)
RULES = Kind('a table of "regular expression" = "label"', _accept_rules, patterns=tuple)
