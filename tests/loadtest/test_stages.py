"""Each stage alone, on a small capture."""

from pathlib import Path

import pytest

from laurel_mp.loadtest import stages
from tests.support.corpus import CORPUS, corpus_bytes


def test_every_stage_costs_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Costs of all roles for each worker count, and what the model makes of them."""
    monkeypatch.setattr(stages, "BATCH", 1 << 16)
    capture = tmp_path / "capture"
    capture.write_bytes(corpus_bytes(CORPUS / "concurrent.raw.txt.xz"))

    assert stages.main([str(capture), "--workers", "1,3", "--runs", "1", "--peer", "none"]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = [[float(word) for word in line.split()] for line in lines[2:4]]
    assert [row[0] for row in rows] == [1, 3]
    for row in rows:
        assert all(part > 0 for part in row)
        assert row[-1] == pytest.approx(sum(row[1:-1]), abs=0.05)
    assert [line.split()[0] for line in lines[-3:]] == ["4", "16", "64"]
