"""`laurel-mp schema`, run as users run it."""

import json
import subprocess
from pathlib import Path

from laurel_mp.schema.event import event_schema
from tests.support.commands import COMMAND


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    command = [*COMMAND, "schema", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_schema() -> None:
    """It is JSON, and the schema of the package."""
    done = run()

    assert (done.returncode, done.stderr) == (0, "")
    assert event_schema() == json.loads(done.stdout)


def test_prefix_of_a_configuration(tmp_path: Path) -> None:
    """With a configuration, keys have the prefix that it sets."""
    config = tmp_path / "config.toml"
    config.write_text('[enrich]\nprefix = "x_"\n')
    config.chmod(0o600)

    assert event_schema(b"x_") == json.loads(run("-c", config).stdout)


def test_bad_configuration(tmp_path: Path) -> None:
    """One line says what is wrong, and the status that it could not start."""
    done = run("-c", tmp_path / "none.toml")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_nobody_reads() -> None:
    """A reader that has had enough is no error."""
    command = [*COMMAND, "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")
