"""The real captures in tests/corpus: found by glob, decompressed once a session."""

import functools
import lzma
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "corpus"


def corpus_files() -> list[Path]:
    """All captures, in a fixed order."""
    return sorted(CORPUS.glob("*.xz"))


def corpus_name(path: Path) -> str:
    """A short name for test ids: `builds.raw` for `builds.raw.txt.xz`."""
    return path.name.removesuffix(".xz").removesuffix(".txt").removesuffix(".log")


@functools.cache
def corpus_bytes(path: Path) -> bytes:
    """The capture as auditd wrote it."""
    return lzma.decompress(path.read_bytes())


def corpus_part(path: Path, most: int = 2 << 20) -> bytes:
    """The first events of a capture, for configurations beside the default one.

    The large captures hold the same kinds of events over and over.
    """
    data = corpus_bytes(path)
    if len(data) <= most:
        return data
    return data[: data.rfind(b"\n", 0, data.rfind(b"type=SYSCALL ", 0, most)) + 1]


def corpus_lines(path: Path) -> list[bytes]:
    r"""Lines without their newline; split at `\n` alone, as records may hold any other byte."""
    return corpus_bytes(path).removesuffix(b"\n").split(b"\n")
