"""Files of lines."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest

from laurel_mp.loadtest import captures
from laurel_mp.loadtest.captures import lines_of, pieces_of

CAPTURE = b"type=A msg=audit(1.000:1): \ntype=B msg=audit(1.000:2): a\rb\x0c\n"


def test_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain and packed, one after another; none runs into the next, no line is divided."""
    monkeypatch.setattr(captures, "READ", 10)
    plain, zipped, packed = (tmp_path / name for name in ("a.log", "b.log.gz", "c.log.xz"))
    plain.write_bytes(CAPTURE[:-1])
    zipped.write_bytes(gzip.compress(CAPTURE))
    packed.write_bytes(lzma.compress(b"last"))

    pieces = list(pieces_of([str(plain), str(zipped), str(packed)]))

    assert b"".join(pieces) == CAPTURE * 2 + b"last\n"
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert len(pieces) == 5


def test_lines_end_at_newlines_only(tmp_path: Path) -> None:
    """Other control characters may stand in records."""
    path = tmp_path / "a"
    path.write_bytes(CAPTURE + b"\nlast")

    assert [*CAPTURE.split(b"\n")[:2], b"", b"last"] == list(lines_of([str(path)]))
