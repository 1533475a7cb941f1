"""Stories go through the command, in one process and in several."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.support.conversion import Event, by_id, convert
from tests.support.live import Plugin, plugin
from tests.support.stream import Stream

Tell = Callable[..., dict[str, Event]]
Start = Callable[..., AbstractContextManager[Plugin]]


@pytest.fixture(params=[0, 2], ids=["inline", "two-workers"])
def tell(request: pytest.FixtureRequest, tmp_path: Path) -> Tell:
    """Converts a stream by a configuration; gives its events by ID."""

    def run(stream: Stream, config: str = "") -> dict[str, Event]:
        return by_id(convert(tmp_path, stream.text(), config, request.param))

    return run


@pytest.fixture(params=[0, 2], ids=["inline", "two-workers"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Runs a plugin by a configuration."""

    def run(config: str = "") -> AbstractContextManager[Plugin]:
        return plugin(tmp_path, config, request.param)

    return run
