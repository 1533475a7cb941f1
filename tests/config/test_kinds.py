"""Values that each kind accepts, and its messages about others."""

from datetime import date
from typing import Any

import pytest

from laurel_mp.config import kinds


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (kinds.FLAG, True, True),
        (kinds.whole(1, 3), 1, 1),
        (kinds.whole(1, 3), 3, 3),
        (kinds.seconds(0.5, 9), 9, 9.0),
        (kinds.seconds(0.5, 9), 0.5, 0.5),
        (kinds.WORKERS, "auto", "auto"),
        (kinds.WORKERS, 0, 0),
        (kinds.choice("drop", "log"), "Log", "log"),
        (kinds.OUTPUT, "-", "-"),
        (kinds.OUTPUT, "audit.log", "audit.log"),
        (kinds.OUTPUT, "/srv/audit.log", "/srv/audit.log"),
        (kinds.OUTPUT, "| logger -t audit", "| logger -t audit"),
        (kinds.OUTPUT, "unix:/run/siem", "unix:/run/siem"),
        (kinds.INPUT, "unix:/run/audispd_events", "unix:/run/audispd_events"),
        (kinds.STATE_FILE, "", ""),
        (kinds.NAMES, ["a", "b"], ("a", "b")),
        (kinds.USERS, ["root", 1000], ("root", "1000")),
        (kinds.RULES, {"^/bin/": "x"}, {"^/bin/": "x"}),
    ],
)
def test_accepts(kind: kinds.Kind, value: object, expected: object) -> None:
    """A value of the kind is taken, in one canonical form."""
    accepted: Any = kind.accept(value)

    assert expected == accepted
    assert type(expected) is type(accepted)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.FLAG, 1),
        (kinds.whole(1, 3), 0),
        (kinds.whole(1, 3), 4),
        (kinds.whole(0), 2**63),
        (kinds.whole(0), True),
        (kinds.whole(0), 1.0),
        (kinds.seconds(0.5, 9), 0.4),
        (kinds.seconds(0.5, 9), float("nan")),
        (kinds.seconds(0.5, 9), float("inf")),
        (kinds.seconds(0.5, 9), True),
        (kinds.WORKERS, "all"),
        (kinds.WORKERS, -1),
        (kinds.WORKERS, True),
        (kinds.choice("drop", "log"), "lag"),
        (kinds.TEXT, ""),
        (kinds.PRINTABLE, "two\nlines"),
        (kinds.PRINTABLE, "two\u2028lines"),
        (kinds.DIRECTORY, ""),
        (kinds.DIRECTORY, "/srv/\0"),
        (kinds.OUTPUT, ""),
        (kinds.OUTPUT, "logs/"),
        (kinds.OUTPUT, ".."),
        (kinds.OUTPUT, "a\0b"),
        (kinds.OUTPUT, "|"),
        (kinds.OUTPUT, "| "),
        (kinds.OUTPUT, "| a\0b"),
        (kinds.OUTPUT, "unix:"),
        (kinds.OUTPUT, "unix:siem"),
        (kinds.INPUT, "/var/log/audit/audit.log"),
        (kinds.INPUT, "unix:"),
        (kinds.STATE_FILE, "."),
        (kinds.KEY_PREFIX, ""),
        (kinds.KEY_PREFIX, 'a"b'),
        (kinds.KEY_PREFIX, "a%sb"),
        (kinds.KEY_PREFIX, "ä"),
        (kinds.NAMES, "a"),
        (kinds.NAMES, [""]),
        (kinds.USERS, [-1]),
        (kinds.USERS, [True]),
        (kinds.RULES, {"^/bin/": 1}),
        (kinds.RULES, {"^/bin/": ""}),
    ],
)
def test_refuses(kind: kinds.Kind, value: object) -> None:
    """A value that is not of the kind, or outside its limits, is refused."""
    with pytest.raises(kinds.MismatchError):
        kind.accept(value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "192.168.0.0/24",
        "192.168.0.7/24",
        "192.168.0.0/24:22",
        "::1",
        "::/64",
        "2a00::1",
        "[2a00::1]:443",
        "[2a00::/32]:443",
        "*:111",
        "*:0",
        "*:65535",
    ],
)
def test_socket_addresses(address: str) -> None:
    """An address, a network, a port, or two of them, filter socket addresses."""
    assert (address,) == kinds.SOCKETS.accept([address])


@pytest.mark.parametrize(
    "address",
    [
        "",
        "*",
        "*:",
        "*:65536",
        "*:99999999999999999999",
        "*:-1",
        "*:http",
        "*:²",
        "localhost",
        "localhost:80",
        "127.0.0.1:",
        "127.0.0.256",
        "10.0.0.0/33",
        "[::1]",
        "[::1]:",
        "[127.0.0.1]:80",
        "::/129",
        "::1:443:",
    ],
)
def test_no_socket_addresses(address: str) -> None:
    """A value that is no address, network or port is refused."""
    with pytest.raises(kinds.MismatchError):
        kinds.SOCKETS.accept([address])


def test_dotted_expression() -> None:
    """An expression that TOML took apart at its dots leads to a hint about quotes."""
    with pytest.raises(kinds.MismatchError, match="quote regular expressions"):
        kinds.RULES.accept({"foo": {"bar": "label"}})


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("boolean (true)", True),
        ("integer (7)", 7),
        ("float (0.5)", 0.5),
        ("string ('x')", "x"),
        ("array (['x'])", ["x"]),
        ("table ({'x': 1})", {"x": 1}),
        ("date or time (2022-07-01)", date(2022, 7, 1)),
        (r"string ('a\nb')", "a\nb"),
        ("string ('" + "x" * 59 + "…)", "x" * 1000),
    ],
)
def test_show(expected: str, value: object) -> None:
    """Messages show a value with its TOML type, on one line of limited length."""
    assert expected == kinds.show(value)
