"""The same output on every Python that is here: their regular expressions differ."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

ROOT = Path(__file__).resolve().parent.parent
_VERSION = "import sys; print(sys.implementation.cache_tag, sys.version)"


def _others() -> list[str]:
    """Other interpreters that can load the same extension modules as this one."""
    found = {sys.version: ""}
    for directory in ["/usr/bin", *os.get_exec_path()]:
        name = f"{directory}/python3"
        if not os.access(name, os.X_OK):
            continue
        version = subprocess.run([name, "-c", _VERSION], capture_output=True, check=False).stdout
        tag, _, rest = version.decode().partition(" ")
        if tag == sys.implementation.cache_tag:
            found.setdefault(rest.strip(), name)
    return [name for name in found.values() if name]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("capture", corpus_files(), ids=corpus_name)
def test_other_interpreters_give_the_same_output(
    capture: Path, workers: int, tmp_path: Path
) -> None:
    """Debian 12's Python 3.11.2 cuts and decodes a capture as the one does that runs the tests."""
    others = _others()
    if not others:
        pytest.skip("no other interpreter of this version is here")
    lines = tmp_path / "lines"
    lines.write_bytes(corpus_bytes(capture))
    outputs = []
    for number, python in enumerate([sys.executable, *others]):
        output = tmp_path / f"{number}.json"
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('platlib')}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command: list[str | Path] = [
            python,
            "-m",
            "laurel_mp",
            "convert",
            "-w",
            str(workers),
            "-o",
            output,
        ]
        command.append(lines)
        result = subprocess.run(
            command, capture_output=True, check=False, timeout=100, env=environment
        )
        assert result.returncode == 0, result.stderr.decode()
        outputs.append((output.read_bytes(), result.stderr.count(b"malformed line")))
    assert outputs == outputs[:1] * len(outputs)


def test_no_expression_never_gives_back() -> None:
    """Possessive repeats and atomic groups match wrongly before CPython 3.11.5 (gh-106052)."""
    possessive = re.compile(r'rb?"[^\n]*(?:[^\\\[](?:[*+?]|\{\d*,\d*\})\+|\(\?>)')
    found = [
        f"{path.name}:{number}"
        for path in (ROOT / "laurel_mp").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if possessive.search(line)
    ]
    assert found == []
