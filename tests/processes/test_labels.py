"""Rules for labels."""

import pytest

from laurel_mp.processes.labels import NONE, LabelRules, PatternLabels


def test_labels_by_pattern() -> None:
    """All that match count, for putting on and for taking away."""
    rules = PatternLabels({"a": "x", "b": "y", "c": "z"}, {"a.*b": "w"})

    assert (frozenset((b"x", b"y")), frozenset((b"w",))) == rules.of(b"ab")


def test_several_patterns_for_one_label() -> None:
    """It is one label."""
    assert PatternLabels({"a": "x", "b": "x"}, {}).of(b"ab") == (frozenset((b"x",)), NONE)


def test_labels_of_any_name() -> None:
    """They are bytes in UTF-8."""
    assert PatternLabels({"a": "ä"}, {}).of(b"a")[0] == {"ä".encode()}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (PatternLabels({}, {}), False),
        (PatternLabels({"a": "x"}, {}), True),
        (PatternLabels({}, {"a": "x"}), True),
    ],
)
def test_whether_there_are_any(rules: PatternLabels, expected: bool) -> None:
    """Without expressions there is nothing to be done."""
    assert expected == bool(rules)


@pytest.mark.parametrize(
    ("keys", "expected"), [((), NONE), ((b"a",), {b"a"}), ((b"c", b"b"), {b"b"}), ((b"c",), NONE)]
)
def test_labels_by_key(keys: tuple[bytes, ...], expected: set[bytes]) -> None:
    """Keys that are configured become labels, others do not."""
    assert expected == LabelRules(keys=frozenset((b"a", b"b"))).by_key(keys)


def test_no_labels_by_key() -> None:
    """Without a configuration no key becomes a label."""
    assert LabelRules().by_key((b"a",)) == NONE
