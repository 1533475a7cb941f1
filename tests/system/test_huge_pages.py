"""Memory that is in use is put into huge pages, where the system can do that."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from laurel_mp.system import huge_pages
from laurel_mp.system.huge_pages import SIZE, HugePages, _blocks
from tests.support.requirements import require

SCRIPT = """
import re
from pathlib import Path
from laurel_mp.system.huge_pages import FULL, SIZE, HugePages
import mmap

def in_huge_pages():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search(r"AnonHugePages: +([0-9]+) kB", text)[1]) << 10

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

full = mmap.mmap(-1, 5 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(full), mmap.PAGESIZE):
    full[at] = 1
hollow = mmap.mmap(-1, 5 * SIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(hollow), 2 * mmap.PAGESIZE):
    hollow[at] = 1
before = resident()
pages = HugePages()
pages.start()
assert full[SIZE] == full[-mmap.PAGESIZE] == 1
print(in_huge_pages() // SIZE, pages.blocks, resident() - before)
"""


def test_full_blocks_are_collapse() -> None:
    """Those that are full, and no others: what a process has in memory does not grow much."""
    system = huge_pages.SYSTEM / "enabled"
    require(system.exists() and "[never]" not in system.read_text(), "huge pages")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    huge, blocks, grown = map(int, done.stdout.split())

    assert huge == blocks
    assert 4 <= blocks <= 20
    assert grown <= (1 - huge_pages.FULL) * blocks * SIZE


@pytest.mark.parametrize(
    ("enabled", "size"),
    [
        ("always madvise [never]", "2097152"),
        ("always [madvise] never", "536870912"),
        ("always [madvise] never", ""),
        (None, None),
    ],
)
def test_not_where_it_is_not_wanted(
    tmp_path: Path, enabled: str | None, size: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not if the administrator has said so, if they are larger, or if there are none."""
    if enabled is not None and size is not None:
        (tmp_path / "enabled").write_text(enabled)
        (tmp_path / "hpage_pmd_size").write_text(size)
    monkeypatch.setattr(huge_pages, "_blocks", lambda: pytest.fail("it looks for blocks"))
    pages = HugePages(tmp_path)
    pages.start()
    pages()

    assert pages.blocks == 0


@pytest.fixture
def pages(tmp_path: Path) -> HugePages:
    """On a system that has them."""
    (tmp_path / "enabled").write_text("always [madvise] never")
    (tmp_path / "hpage_pmd_size").write_text(str(SIZE))
    return HugePages(tmp_path)


def test_system_that_does_not_know_how(pages: HugePages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux before 6.1 is asked once."""
    monkeypatch.setattr(huge_pages, "_MADV_COLLAPSE", 12345)
    monkeypatch.setattr(HugePages, "_is_full", lambda *_: True)
    pages.start()
    assert pages.blocks == 0
    monkeypatch.setattr(huge_pages, "_blocks", lambda: pytest.fail("it asks again"))
    pages.start()


def test_pauses(pages: HugePages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses grow; after an incomplete call the next one is soon."""
    now = 0.0
    is_done = True
    looks: list[float] = []

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now

    def look(_pages: HugePages, _deadline: float) -> bool:
        looks.append(now)
        return is_done

    monkeypatch.setattr(huge_pages, "time", Clock)
    monkeypatch.setattr(HugePages, "_collapse", look)
    pages.start()
    for _ in range(2000):
        now += 1
        pages()
    assert looks[:5] == [0, 1, 3, 7, 15]
    assert looks[-1] - looks[-2] == huge_pages.LONGEST_PAUSE

    is_done = False
    for _ in range(500):
        now += 1
        pages()
    assert looks[-1] - looks[-2] == huge_pages.FIRST_PAUSE


def test_blocks_are_ours_and_private() -> None:
    """They lie on their boundaries, in memory that belongs to no file."""
    maps = Path("/proc/self/maps").read_text()
    found = list(_blocks())

    assert found == sorted(set(found))
    for block in found:
        assert block % SIZE == 0
        (line,) = [
            line
            for line in maps.splitlines()
            if (match := re.match(r"([0-9a-f]+)-([0-9a-f]+) rw-p", line))
            and int(match[1], 16) <= block < block + SIZE <= int(match[2], 16)
        ]
        assert line.split()[4:] in (["0"], ["0", "[heap]"])
