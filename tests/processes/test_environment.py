"""Environment variables that match patterns, in environments of all kinds."""

import pytest

from laurel_mp.processes.environment import (
    MAX_TEXT,
    MAX_VARIABLE,
    MAX_VARIABLES,
    VariableFilter,
    Variables,
)

USUAL = b"HOME=/root\0LD_PRELOAD=/tmp/x.so\0PATH=/bin\0LD_DEBUG=all\0LD_BIND_NOW=\0"


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], {}),
        (["HOME"], {b"HOME": b"/root"}),
        (["LD_PRELOAD", "PATH"], {b"LD_PRELOAD": b"/tmp/x.so", b"PATH": b"/bin"}),
        (["LD_*"], {b"LD_PRELOAD": b"/tmp/x.so", b"LD_DEBUG": b"all", b"LD_BIND_NOW": b""}),
        (["LD_PRELOAD", "LD_PRE*"], {b"LD_PRELOAD": b"/tmp/x.so"}),
        (["OME", "HOM", "P"], {}),
        (["/bin*"], {}),
    ],
)
def test_patterns(patterns: list[str], expected: dict[bytes, bytes]) -> None:
    """A name matches as a whole, or in its beginning."""
    assert Variables(expected, cut=False) == VariableFilter(patterns).pick(USUAL)


def test_star_alone_matches_all() -> None:
    """The empty beginning fits each name."""
    expected = {b"HOME", b"LD_PRELOAD", b"PATH", b"LD_DEBUG", b"LD_BIND_NOW"}

    assert expected == set(VariableFilter(["*"]).pick(USUAL).values)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (b"", {}),
        (b"A=1", {b"A": b"1"}),
        (b"A=1\0A=2\0", {b"A": b"2"}),
        (b"A\0", {}),
        (b"A=b=c\0", {b"A": b"b=c"}),
        (b"X=\nA=1\0", {}),
        (b"A=\xff\n\0", {b"A": b"\xff\n"}),
    ],
)
@pytest.mark.parametrize("pattern", ["A", "A*"])
def test_odd_environments(pattern: str, environ: bytes, expected: dict[bytes, bytes]) -> None:
    """An environment is any list of strings; of equal names the last one counts."""
    assert Variables(expected, cut=False) == VariableFilter([pattern]).pick(environ)


@pytest.mark.parametrize("pattern", ["LD_PRELOAD", "LD_*"])
def test_a_long_variable_is_cut(pattern: str) -> None:
    """Values that are too long are cut, and marked as cut."""
    environ = b"LD_PRELOAD=" + b"x" * MAX_VARIABLE + b"\0"
    expected = {b"LD_PRELOAD": b"x" * (MAX_VARIABLE - len(b"LD_PRELOAD="))}

    assert Variables(expected, cut=True) == VariableFilter([pattern]).pick(environ)


def test_a_pattern_finds_a_bounded_number_of_variables() -> None:
    """Many variables with the same beginning do not make an event long."""
    environ = b"".join(b"LD_%d=\0" % number for number in range(MAX_VARIABLES + 1))

    found = VariableFilter(["LD_*"]).pick(environ)

    assert (len(found.values), found.cut) == (MAX_VARIABLES, True)


def test_no_amount_of_others_hides_a_variable() -> None:
    """A name is found behind the longest environment that there can be."""
    environ = b"A=1\0" * (MAX_TEXT // 4 - 4) + b"B=1\0"

    assert Variables({b"B": b"1"}, cut=False) == VariableFilter(["B"]).pick(environ)
