"""The generated documentation says what the schema says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from laurel_mp.config import Config, parse
from laurel_mp.config.reference import files
from laurel_mp.config.settings import Setting, walk

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", files())
def test_up_to_date(name: str) -> None:
    """The file is what `python -m laurel_mp.config.reference` writes."""
    assert files()[name] == (ROOT / name).read_text(encoding="utf-8")


def test_command(tmp_path: Path) -> None:
    """Run at the top of a source tree, the module writes all of its files."""
    for name in files():
        (tmp_path / name).parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "laurel_mp.config.reference"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)

    for name, text in files().items():
        assert text == (tmp_path / name).read_text(encoding="utf-8")


def test_sample_is_valid() -> None:
    """The sample as it is shipped sets the directory and nothing else."""
    config = parse(files()["deploy/config.toml"], "sample")

    assert Config(directory="/var/log/laurel-mp") == config


def test_sample_shows_valid_settings() -> None:
    """With all of its comment marks removed the sample is a valid configuration."""
    text = re.sub(r"(?m)^#(?=[a-z\[])", "", files()["deploy/config.toml"])
    config = parse(text, "sample")

    assert config.debug.log is not None
    assert config.debug.log.file == "some.log"


def test_sample_has_every_setting() -> None:
    """The sample has a line for each setting of each section."""
    lines = re.findall(r"(?m)^#?([a-z_-]+) = ", files()["deploy/config.toml"])

    assert sorted(lines) == sorted(e.name for _, e in walk(Config) if isinstance(e, Setting))


def test_reference_has_every_setting() -> None:
    """The reference has a row for each setting of each section, and for nothing else."""
    rows = re.findall(r"(?m)^\| `([a-z_-]+)`", files()["docs/configuration.md"])

    assert sorted(rows) == sorted(e.name for _, e in walk(Config) if isinstance(e, Setting))


def test_reference_columns() -> None:
    """A bar in a text does not start a column of its own."""
    rows = [row for row in files()["docs/configuration.md"].splitlines() if row.startswith("|")]

    assert {5} == {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
