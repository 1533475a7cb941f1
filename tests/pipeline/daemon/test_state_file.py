"""The state file: there is always a whole one, and only what we have written is trusted."""

import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.config import Config
from laurel_mp.config.schema import State
from laurel_mp.pipeline.daemon import state_file
from laurel_mp.pipeline.daemon.state_file import BadStateError, StateFile
from laurel_mp.pipeline.intake.pieces import Piece
from laurel_mp.system.boot_id import boot_id

STATE: dict[str, Any] = {"router": b"\x00\xff", "number": 2**63, "parts": [b"a", None, 1.5, "b"]}


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    """A state file that is not there yet."""
    return StateFile(tmp_path / "state", max_age=60)


def names(file: StateFile) -> list[str]:
    """The files in the directory of a state file."""
    return sorted(path.name for path in file.path.parent.iterdir())


def saved(monkeypatch: pytest.MonkeyPatch, file: StateFile, seconds: float) -> None:
    """Save a state so many seconds ago."""
    now = time.time()
    with monkeypatch.context() as patched:
        patched.setattr("laurel_mp.pipeline.daemon.state_file.time.time", lambda: now - seconds)
        assert file.save(STATE)


def test_save_and_load(file: StateFile) -> None:
    """A saved state is loaded, and continues the other run."""
    assert file.save(STATE)
    loaded = file.load()

    assert loaded is not None
    assert loaded.state == STATE
    assert loaded.fresh
    assert loaded.reason == ""
    assert 0 <= loaded.age < 60
    assert loaded.same_boot
    assert loaded.monotonic <= time.monotonic()
    assert names(file) == ["state"]


def test_pieces(file: StateFile) -> None:
    """Input that was not taken goes into it as it is."""
    file.save({"rest": [Piece(b"a", 1.5)]})
    loaded = file.load()

    assert loaded is not None
    assert [Piece(*piece) for piece in loaded.state["rest"]] == [Piece(b"a", 1.5)]


def test_private(file: StateFile) -> None:
    """No other user can read it, whatever the umask."""
    before = os.umask(0)
    try:
        file.save(STATE)
    finally:
        os.umask(before)

    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_below_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S1: the file is below `directory` wherever the program runs, for periodic states too."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "logs").mkdir()
    monkeypatch.chdir(tmp_path)
    file = StateFile.of(Config(directory="logs", state=State(file="my.state")))
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert file is not None
    assert file.save(STATE)
    assert file.save_soon(STATE)
    file.close()
    assert file.path == tmp_path / "logs" / "my.state"
    assert names(file) == ["my.state"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_none_wanted() -> None:
    """An empty name is for no state file."""
    assert StateFile.of(Config(state=State(file=""))) is None


def test_generations(tmp_path: Path) -> None:
    """S2: as many former files as configured are kept, newest first."""
    file = StateFile.of(Config(directory=str(tmp_path), state=State(generations=3)))
    assert file is not None
    for number in range(6):
        assert file.save({"number": number})

    assert names(file) == ["state", "state.1", "state.2", "state.3"]
    for name, number in (("state", 5), ("state.1", 4), ("state.2", 3), ("state.3", 2)):
        loaded = StateFile(tmp_path / name, 60).load()
        assert loaded is not None
        assert loaded.state == {"number": number}


KILLED = """
import sys
from pathlib import Path
from laurel_mp.pipeline.daemon.state_file import StateFile
file = StateFile(Path(sys.argv[1]), 60, generations=int(sys.argv[2]))
number = 0
while True:
    number += 1
    file.save({"number": number, "data": b"x" * 300_000, "again": number})
    print(number, flush=True)
"""


@pytest.mark.parametrize("generations", [0, 2])
def test_killed_while_it_saves(tmp_path: Path, generations: int) -> None:
    """S3: a crash at any moment leaves a whole state, the new one or the one before."""
    file = StateFile(tmp_path / "state", 60)
    for most in (1, 4, 9):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(file.path), str(generations)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line) >= most:
                    break
            process.kill()
            last = [most, *(int(line) for line in process.stdout if line.endswith("\n"))][-1]
        assert process.returncode == -signal.SIGKILL
        loaded = file.load()
        assert loaded is not None
        assert loaded.state["number"] == loaded.state["again"]
        assert loaded.state["number"] in {last, last + 1}


def test_the_former_one_stays_until_the_new_one_is_whole(file: StateFile, small_disk: Path) -> None:
    """S3: a disk that fills up while a state is written costs the new one, not the old one."""
    file = StateFile(small_disk / "state", 60, generations=1)
    assert file.save({"number": 1})
    assert not file.save({"data": b"x" * 1_000_000})
    loaded = file.load()

    assert loaded is not None
    assert loaded.state == {"number": 1}
    assert names(file) == ["state"]


@pytest.fixture
def small_disk(tmp_path: Path, requires_root: None) -> Any:
    """A file system of 256 KiB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", path], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def test_missing(file: StateFile, caplog: pytest.LogCaptureFixture) -> None:
    """S6: that there is none at the first start is information, and no error."""
    caplog.set_level("INFO")
    assert file.load() is None
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"state file {file.path}: does not exist yet")
    ]


def test_left_by_a_run_that_was_killed(file: StateFile) -> None:
    """A temporary file that is there already does no harm, nor does what it may be a link to."""
    victim = file.path.with_name("victim")
    victim.write_text("precious")
    file.path.with_name(".state.new").symlink_to(victim)

    assert file.save(STATE)
    assert victim.read_text() == "precious"
    assert names(file) == ["state", "victim"]


def test_errors_are_said_once_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A state that cannot be saved is said seldom, and ends nothing."""
    file = StateFile(tmp_path / "missing" / "state", 60)
    for _ in range(3):
        assert not file.save(STATE)
    assert file.save_soon(STATE)
    file.close()

    assert caplog.text.count("cannot be written: No such file or directory") == 1
    (tmp_path / "missing").mkdir()
    assert file.save(STATE)


@pytest.mark.parametrize(("seconds", "reason"), [(75, "75 s old"), (-75, "from the future")])
def test_not_fresh(
    file: StateFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    seconds: int,
    reason: str,
) -> None:
    """One that is too old, or from the future, is said to be so; its content is there."""
    saved(monkeypatch, file, seconds)
    loaded = file.load()

    assert loaded is not None
    assert not loaded.fresh
    assert loaded.reason == reason
    assert reason in caplog.text
    assert loaded.age == pytest.approx(seconds, abs=30)
    assert loaded.state == STATE
    assert names(file) == ["state"]


def test_another_boot(file: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another boot is not gone on with, however young; its content is there."""
    with monkeypatch.context() as patched:
        patched.setattr("laurel_mp.pipeline.daemon.state_file.boot_id", lambda: b"B" * 16)
        file.save(STATE)
    loaded = file.load()

    assert loaded is not None
    assert not loaded.fresh
    assert not loaded.same_boot
    assert loaded.reason == "from another boot"
    assert loaded.state == STATE


def framed(content: bytes, version: int = state_file.VERSION, monotonic: float = 1.0) -> bytes:
    """A state file with this content, whatever it is."""
    frame = state_file.FRAME.pack(
        state_file.MAGIC, version, boot_id(), time.time(), monotonic, len(content)
    )
    return frame + struct.pack("<I", zlib.crc32(content, zlib.crc32(frame))) + content


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "not a state file"),
    "text": (lambda _: b"LMP is a program", "not a state file"),
    "torn header": (lambda data: data[:20], "its end is missing"),
    "torn": (lambda data: data[:-1], "wrong size"),
    "more": (lambda data: data + b"x", "wrong size"),
    "flipped": (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "wrong checksum"),
    "clock": (lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:], "wrong checksum"),
    "version": (lambda _: framed(b"\x80", version=2), "version 2"),
    "no time": (lambda _: framed(b"\x80", monotonic=float("nan")), "invalid time"),
    "no msgpack": (lambda _: framed(b"\xc1"), "content is not msgpack"),
    "list": (lambda _: framed(b"\x90"), "content is not a map"),
    "keys": (lambda _: framed(msgpack.packb({b"a": 1})), "content is not a map"),
    "number as key": (lambda _: framed(msgpack.packb({1: 1})), "content is not msgpack"),
    "extension": (lambda _: framed(msgpack.packb({"a": msgpack.ExtType(5, b"")})), "content"),
    "deep": (lambda _: framed(b"\x81\xa1a" + b"\x91" * 100_000), "content is not msgpack"),
    "huge": (lambda _: framed(b"\x81\xa1a\xdd\xff\xff\xff\xff"), "content is not msgpack"),
    "no text": (lambda _: framed(b"\x81\xa1a\xa1\xff"), "content is not msgpack"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_content(file: StateFile, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    """A file that is damaged, or not ours, is set aside, and that is said."""
    change, reason = BAD[kind]
    file.save(STATE)
    file.path.write_bytes(change(file.path.read_bytes()))

    assert file.load() is None
    assert reason in caplog.text
    assert names(file) == ["state.corrupt"]
    assert file.save(STATE)
    assert file.load() is not None


def make_bad(path: Path, kind: str) -> None:
    """Put something into its place that others may have put there."""
    if kind == "mode":
        path.chmod(0o620)
    elif kind == "owner":
        os.chown(path, 12345, 12345)
    else:
        path.rename(path.with_name("real"))
        if kind == "link":
            path.symlink_to(path.with_name("real"))
        elif kind == "directory":
            path.mkdir()
        else:
            os.mkfifo(path)


@pytest.mark.parametrize("kind", ["mode", "owner", "link", "directory", "fifo"])
def test_bad_file(
    file: StateFile, requires_root: None, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """A file that others may have written or placed is set aside, whatever is in it."""
    file.save(STATE)
    make_bad(file.path, kind)

    assert file.load() is None
    assert "set aside as state.corrupt" in caplog.text
    assert not file.path.is_symlink()
    assert not file.path.exists()
    assert file.save(STATE)


def test_remove(file: StateFile) -> None:
    """A state that was used up is removed; that it is gone already is fine."""
    file.save(STATE)
    file.remove()
    assert file.load() is None
    file.remove()


def test_save_soon(file: StateFile) -> None:
    """It saves what the state was when it was called, in the background, one at a time."""
    content = {"number": 1}
    assert file.save_soon(content)
    content["number"] = 2
    file.close()
    loaded = file.load()

    assert loaded is not None
    assert loaded.state == {"number": 1}


@given(st.binary(max_size=200))
def test_hostile_content(content: bytes) -> None:
    """Whatever a frame holds is a state, or damaged."""
    try:
        loaded = state_file.unpack(framed(content), 60)
    except BadStateError:
        return
    assert isinstance(loaded.state, dict)


@given(st.binary(max_size=200), st.booleans())
def test_hostile_file(content: bytes, has_magic: bool) -> None:
    """Whatever a file holds, but for what was saved, is damaged."""
    with pytest.raises(BadStateError):
        state_file.unpack((state_file.MAGIC if has_magic else b"") + content, 60)


_PARTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(st.dictionaries(st.text(), _PARTS), st.integers(0), st.integers(1, 255))
def test_any_state(content: dict[str, Any], where: int, change: int) -> None:
    """Any state comes back as it was; with any one byte changed it is damaged."""
    data = bytearray(state_file.pack(content))
    assert state_file.unpack(bytes(data), 60).state == content
    data[where % len(data)] ^= change
    with pytest.raises(BadStateError):
        state_file.unpack(bytes(data), 60)
