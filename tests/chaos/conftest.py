"""Fixtures for tests of plugins in trouble."""

import pytest

from tests.chaos.offline import Expected, convert
from tests.chaos.stream import make

LINES = 50_000
SEED = 20


@pytest.fixture(scope="session")
def expected() -> Expected:
    """A stream and what must come out of it."""
    return convert(make(LINES, SEED))
