"""A configuration travels to another process as plain values."""

from dataclasses import replace
from pathlib import Path

import msgpack
import pytest

from laurel_mp.config import Config, Debug, ParseErrorLog, from_dict, parse, to_dict

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["every-option.toml", "laurel.toml", "laurel-0.8.toml"])
def test_round_trip(name: str) -> None:
    """Every setting arrives as it was sent, through msgpack."""
    config = parse((HERE / name).read_text(encoding="utf-8"), name)

    assert config == from_dict(msgpack.unpackb(msgpack.packb(to_dict(config))))


def test_defaults_are_left_out() -> None:
    """A configuration of nothing but defaults is an empty message."""
    assert to_dict(Config()) == {}
    assert Config() == from_dict({})


def test_optional_section() -> None:
    """A section that is there stays there, although each of its settings is a default."""
    config = replace(Config(), debug=Debug(parse_error_log=ParseErrorLog()))

    assert config == from_dict(to_dict(config))
