"""What fuzzing has found, each kept as a test."""

import pytest

from laurel_mp import config
from laurel_mp.errors import ConfigError
from laurel_mp.pipeline import options


@pytest.mark.parametrize("user", ["a\\u0000b", "\\u0661", "9" * 5000])
def test_a_user_whom_nobody_can_be(user: str) -> None:
    """A name with a NUL byte, odd digits and a huge id are said to be no user of this host."""
    found = config.parse(f'[filter]\nfilter-users = ["{user}"]', "FILE")

    with pytest.raises(ConfigError, match="filter-users: no such user: '"):
        options.check(found)


def test_an_expression_with_a_line_break() -> None:
    """RE2 quotes what it does not understand; the problem is one line all the same."""
    with pytest.raises(ConfigError) as caught:
        config.parse(r"""filter.filter-exe = ["\\p{\n}"]""", "FILE")

    assert len(str(caught.value).split("\n")) == 1
    assert str(caught.value).endswith(r"invalid character class range: \\p{\n}")
