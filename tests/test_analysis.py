"""The examples of docs/analysis.md, run as they stand there, give what stands behind them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support import requirements

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "analysis.md").read_text()

_block = re.compile(r"^```(sh|sql|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLOCKS = [(kind, text) for kind, text in _block.findall(PAGE)]


def answers(kind: str) -> list[tuple[str, str | None]]:
    """All examples of a kind, each with the output that the page shows, if it shows one."""
    found = []
    for place, (this, text) in enumerate(BLOCKS):
        following, output = BLOCKS[place + 1] if place + 1 < len(BLOCKS) else ("", "")
        if this == kind:
            found.append((text, output if following == "text" else None))
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the sample in it, and the program in its `bin`."""
    shutil.copytree(ROOT / "docs" / "sample", tmp_path / "docs" / "sample")
    (tmp_path / "docs" / "sample" / "labels.toml").chmod(0o600)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "laurel-mp").symlink_to(Path(sys.executable).parent / "laurel-mp")
    return tmp_path


def run(command: str, directory: Path) -> str:
    """Output of a shell command."""
    path = f"{directory}/bin:{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=directory,
        env=os.environ | {"PATH": path, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_shell(directory: Path) -> None:
    """One after the other, as typed."""
    requirements.require(requirements.program("jq"), "jq (Debian: apt-get install jq)")
    requirements.require(requirements.program("aureport"), "aureport (Debian: auditd)")
    for command, expected in answers("sh"):
        output = run(command, directory)
        if expected is not None:
            assert expected == output
    assert "/usr/sbin/useradd" in output


def test_sql(directory: Path) -> None:
    """The same for what DuckDB is asked; its rows with tabs between the columns."""
    convert, _ = answers("sh")[0]
    run(convert, directory)
    database = duckdb.connect()
    for query, expected in answers("sql"):
        asked = query.replace("'events.json'", f"'{directory}/events.json'")
        rows = database.execute(asked).fetchall()
        if expected is not None:
            assert expected == "".join("\t".join(map(str, row)) + "\n" for row in rows)


def test_examples_have_answers() -> None:
    """All but the first and the last command of each kind show what comes out."""
    assert sum(expected is not None for _, expected in answers("sh")) == 3
    assert sum(expected is not None for _, expected in answers("sql")) == 3
    assert all(expected != "" for kind in ("sh", "sql") for _, expected in answers(kind))
