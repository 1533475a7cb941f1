"""The mix of events: what a capture has, and what a user may ask for."""

import pytest

from laurel_mp.loadtest.flood import Flood, Options, mix
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name
from tests.support.event_kinds import count

# To measure what others cover, too, would double the time.
pytestmark = pytest.mark.no_cover

BUILDS = next(path for path in corpus_files() if corpus_name(path) == "builds.raw")


def test_default_is_the_capture() -> None:
    """The figures in the module are those of the capture."""
    counts = count(corpus_bytes(BUILDS))

    assert counts.pop("other") == 3  # auditd's start and end, and its registration
    assert dict(mix.CAPTURED) == counts


@pytest.mark.parametrize(
    ("weights", "events"),
    [
        (mix.DEFAULT, 20_000),
        (mix.ALL, 20_000),
        ({"exec": 1, "argv": 3}, 4_000),  # long ones: a gigabyte, where there are 20,000
    ],
)
def test_floods_have_the_mix(weights: dict[str, float], events: int) -> None:
    """A flood has as many events of each kind as it should, and `count` recognises each kind."""
    flood = b"".join(Flood(Options(events=events, mix=weights)).chunks())

    counts = count(flood)
    assert counts.keys() <= weights.keys()
    for kind, weight in weights.items():
        expected = events * weight / sum(weights.values())
        assert counts[kind] == pytest.approx(expected, abs=4 * expected**0.5 + 60), kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default", dict(mix.DEFAULT)),
        ("all", dict(mix.ALL)),
        ("exec=2,fork", {"fork": 1, "exec": 2}),
        ("uring=.5", {"uring": 0.5}),
        ("default,avc=10", {**mix.DEFAULT, "avc": 10}),
        ("all,login=0", {kind: weight for kind, weight in mix.ALL.items() if kind != "login"}),
    ],
)
def test_parse(text: str, expected: dict[str, float]) -> None:
    """Kinds alone replace the default, and change what stands in front of them."""
    assert expected == mix.parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("exek", "no kind of event: 'exek' (there are fork, exit, exec,"),
        ("exec=x", "exec: not a number: 'x'"),
        ("exec=-1,fork=2", "numbers from 0 up"),
        ("exec=0", "numbers from 0 up"),
        ("exec=nan", "numbers from 0 up"),
        ("exec,default", "no kind of event: 'default'"),
        ("", "no kind of event: ''"),
    ],
)
def test_parse_says_what_is_wrong(text: str, problem: str) -> None:
    """The message is for the user."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the text is looked at
        mix.parse(text)
    assert problem in str(raised.value)
