"""Files that are read, and reasons to refuse others."""

import os
import socket
from pathlib import Path

import pytest

from laurel_mp.config import Config, load, parse
from laurel_mp.errors import ConfigError

HERE = Path(__file__).parent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a configuration that only its owner can write."""
    path = tmp_path / "config.toml"
    path.write_text('directory = "/srv"\n', encoding="utf-8")
    path.chmod(0o644)
    return path


def refusal(path: Path) -> str:
    """Return the one line with which a file is refused, without its name."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def open_descriptors() -> list[str]:
    """Return the numbers of the descriptors that this process has open."""
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


def test_no_file() -> None:
    """Without a file everything has its default."""
    assert Config() == load(None)


def test_file(file: Path) -> None:
    """A file is read."""
    assert Config(directory="/srv") == load(file)


def test_byte_order_mark(file: Path) -> None:
    """A byte-order mark, as editors of other systems write it, does no harm."""
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    assert Config(directory="/srv") == load(file)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o620])
def test_writable_by_others(file: Path, mode: int) -> None:
    """A file that its group or others can write is refused, with its mode and the remedy."""
    file.chmod(mode)

    message = refusal(file)

    assert f"mode {mode:04o}" in message
    assert message.endswith(f"chmod go-w {file}")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600, 0o444])
def test_readable_by_others(file: Path, mode: int) -> None:
    """Others may read the file."""
    file.chmod(mode)

    assert Config(directory="/srv") == load(file)


def test_missing(tmp_path: Path) -> None:
    """A missing file is named."""
    assert refusal(tmp_path / "none.toml") == "cannot be read: No such file or directory"


def test_directory(tmp_path: Path) -> None:
    """A directory is no configuration."""
    assert refusal(tmp_path) == "is a directory"


def test_fifo(tmp_path: Path) -> None:
    """A FIFO is refused at once, without waiting for a writer."""
    os.mkfifo(tmp_path / "fifo")

    assert refusal(tmp_path / "fifo") == "is not a regular file"


def test_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket cannot be read."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

        assert refusal(tmp_path / "socket").startswith("cannot be read: ")


def test_descriptors_are_closed(file: Path, tmp_path: Path) -> None:
    """Reading a file, or refusing it, leaves no descriptor open."""
    before = open_descriptors()
    load(file)
    refusal(tmp_path)

    assert before == open_descriptors()


def test_encoding(file: Path) -> None:
    """Text that is not UTF-8 is refused with the place where it is not."""
    file.write_bytes(b'marker = "caf\xe9"\n')

    assert refusal(file) == "not valid UTF-8 at byte 13"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("directory = \n", "line 1, column 13"),
        ("[auditlog]\n[auditlog]\n", "line 2"),
        ("user = 'a'\nuser = 'b'\n", "line 2"),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x = " + "1" * 10_000, "digit"),
        ("\0", "line 1"),
    ],
)
def test_syntax(file: Path, text: str, where: str) -> None:
    """Invalid TOML is refused with the line of the mistake."""
    file.write_text(text, encoding="utf-8")
    message = refusal(file)

    assert message.startswith("not valid TOML: ")
    assert where in message


def test_line_ends(file: Path) -> None:
    """Lines may end as they do on other systems."""
    file.write_bytes(b'directory = "/srv"\r\n[auditlog]\r\n')

    assert Config(directory="/srv") == load(file)


def test_name_in_messages() -> None:
    """Each line of a message names the source of the text."""
    with pytest.raises(ConfigError) as caught:
        parse("a = 1\nb = 2\n", "the new one")

    lines = ["the new one: a: unknown key", "the new one: b: unknown key"]
    assert lines == str(caught.value).splitlines()


def test_laurel() -> None:
    """A configuration that was written for LAUREL is taken as it is."""
    config = parse((HERE / "laurel.toml").read_text(encoding="utf-8"), "laurel.toml")

    assert config.user == "_laurel"
    assert config.auditlog.read_groups == ("siem",)
    assert config.translate.user_db
    assert not config.enrich.user_groups
    assert config.label_process.label_exe["^/opt/.*/bin/java$"] == "java"
    assert config.filter.filter_action == "log"


@pytest.mark.usefixtures("requires_laurel")
def test_debian() -> None:
    """The configuration that comes with Debian's laurel is taken as it is."""
    text = Path("/etc/laurel/config.toml").read_text(encoding="utf-8")

    assert isinstance(parse(text, "/etc/laurel/config.toml"), Config)
