"""What fuzzing has found, each kept as a test."""

import pytest

from laurel_mp import config as configuration
from laurel_mp.errors import ConfigError, LaurelError
from laurel_mp.pipeline import options
from laurel_mp.pipeline.outputs import Outputs
from laurel_mp.pipeline.privileges import find_user
from laurel_mp.records.options import RecordOptions
from laurel_mp.records.record import RecordRenderer
from tests.support.pipelines import reads_of, run, with_pipeline
from tests.support.streams import eoe, record, syscall


@pytest.mark.parametrize("user", ["a\\u0000b", "\\u0661", "9" * 5000])
def test_a_user_whom_nobody_can_be(user: str) -> None:
    """A name with a NUL byte, odd digits and a huge id are said to be no user of this host."""
    found = configuration.parse(f'[filter]\nfilter-users = ["{user}"]', "FILE")

    with pytest.raises(ConfigError, match="filter-users: no such user: '"):
        options.check(found)


@pytest.mark.parametrize(
    "toml",
    [
        'user = "a\\u0000b"',
        '[auditlog]\nread-users = ["a\\u0000"]',
        '[auditlog]\nread-groups = ["\\u0000"]',
    ],
)
def test_an_account_with_a_nul_byte(toml: str) -> None:
    """Who is to be run as, or to read a log, is looked up; a name that can not be is said so."""
    found = configuration.parse(toml, "FILE")

    with pytest.raises(LaurelError, match=r"no (such )?(user|group):? '.*\\x00.*'"):
        use_accounts(found)


def use_accounts(config: configuration.Config) -> None:
    """Look up the accounts that a configuration names, as at the start."""
    find_user(config.user)
    Outputs.of_plugin(config)


def test_an_expression_with_a_line_break() -> None:
    """RE2 quotes what it does not understand; the problem is one line all the same."""
    with pytest.raises(ConfigError) as caught:
        configuration.parse(r"""filter.filter-exe = ["\\p{\n}"]""", "FILE")

    assert len(str(caught.value).split("\n")) == 1
    assert str(caught.value).endswith(r"invalid character class range: \\p{\n}")


MESSAGE_IN_QUOTES = b"""cwd="x SADDR={ msg='y\""""


def test_a_message_within_quotes() -> None:
    """Of an unknown type, a record with `msg='` is user space's, whatever was learned of others."""
    expected = RecordRenderer(RecordOptions()).render_generally(b"ODD", MESSAGE_IN_QUOTES)
    renderer = RecordRenderer(RecordOptions())
    renderer.render(b"ODD", b'cwd="/srv"')

    assert expected == renderer.render(b"ODD", MESSAGE_IN_QUOTES)


def test_what_was_learned_does_not_matter() -> None:
    """The same in a stream: the number of workers, each of which learns for itself, shows not."""
    ordinary = record(b"ODD", 100, b'cwd="/srv"') + eoe(100)
    stream = ordinary + record(b"ODD", 1000, MESSAGE_IN_QUOTES)
    expected = run([stream], 0)

    assert all(expected == run([stream], workers) for workers in range(2, 7))


@pytest.mark.parametrize("length", [200, 2000, 9000])
def test_an_end_of_event_that_is_too_long(length: int) -> None:
    """An EOE record beyond the limit is no sign of a stream with EOE records, however it came."""
    config = with_pipeline(max_line_bytes=1024)
    stream = syscall(7) + record(b"EOE", 1, b"x" * length) + b"x\n"

    expected = run([stream], 0, config)
    assert expected == run(reads_of(stream, 100), 0, config)
    assert (length > 1024) == (b"no-eoe" not in expected.text)
