"""A configuration that is read again while the plugin runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from laurel_mp.config import Config
from laurel_mp.errors import ConfigError
from laurel_mp.pipeline.daemon.reload import reload, with_fixed


def test_fixed_settings_stay(caplog: pytest.LogCaptureFixture) -> None:
    """They are those of the present configuration, and the log names those that differ."""
    present = Config()
    spool = replace(present.pipeline, spool="elsewhere", linger_ms=3)
    found = with_fixed(replace(present, marker="new", user="other", pipeline=spool), present)

    assert (found.user, found.pipeline.spool) == (present.user, present.pipeline.spool)
    assert (found.marker, found.pipeline.linger_ms) == ("new", 3)
    assert caplog.messages == ["settings change at the next start only: user, [pipeline] spool"]


def test_an_invalid_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """The former one stays, and each line of the error is a message."""

    def reconfigure() -> Config:
        raise ConfigError("one\ntwo")

    assert reload(reconfigure, Config(), Config()) is None
    assert caplog.messages == ["one", "two", "keeping the former configuration"]


def test_a_valid_configuration(tmp_path: Path) -> None:
    """It comes with its outputs."""
    config = Config(directory=str(tmp_path))
    found = reload(lambda: replace(config, marker="new"), config, config)

    assert found is not None
    assert found[0].marker == "new"
