"""Settings are tried, and what is recommended can be used as it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from laurel_mp.config.toml_file import parse
from laurel_mp.errors import InputError
from laurel_mp.loadtest.tune import Settings, source_of, tune

QUICK = Settings(seconds=0.02, rounds=1, workers=(0,), lingers=(20,), windows=(1 << 22,))


def test_a_short_run() -> None:
    """Each setting is measured, and the recommendation is a valid configuration."""
    begun: list[str] = []
    advice = tune(source_of(None, QUICK), QUICK, begun.append)

    assert begun == [
        "making a sample",
        "0 workers",
        "a linger time of 20 ms",
        "a window of 4194304 bytes",
    ]
    assert len(begun) == QUICK.steps(2)
    assert [each.setting for each in advice.workers] == [0]
    assert advice.workers[0].lines_per_second > 0
    config = parse(advice.snippet(), "recommended")
    assert (config.pipeline.workers, config.pipeline.linger_ms) == (0, 20)
    assert config.pipeline.window_bytes == 1 << 22
    assert json.loads(json.dumps(advice.plain()))["recommended"]["workers"]["setting"] == 0


def test_a_log_without_records(tmp_path: Path) -> None:
    """A file without audit records is an error, and no file is left behind."""
    path = tmp_path / "other.log"
    path.write_text("nothing\n")
    with pytest.raises(InputError, match="no audit record"):
        tune(source_of(path, QUICK), QUICK, lambda _: None)


def test_worker_counts() -> None:
    """All in one process, and powers of two up to the number of CPUs."""
    assert Settings().worker_counts(1) == [0, 1]
    assert Settings().worker_counts(2) == [0, 1, 2]
    assert Settings().worker_counts(7) == [0, 1, 2, 4]
    assert Settings().worker_counts(64) == [0, 1, 2, 4, 8]


def test_wrong_usage() -> None:
    """The command says what is wrong, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "laurel_mp", "tune", "--rounds", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "laurel-mp: --rounds: at least 1\n")
