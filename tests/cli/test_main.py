"""`laurel-mp` as an administrator types it who has never seen it."""

from pathlib import Path

import pytest

from tests.support.terminal import terminal


def test_alone_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it is and how to use it, ends with status 2, and leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    with terminal(columns=120) as screen:
        status = screen.end()

    assert status == 2
    assert screen.text.startswith("laurel-mp turns Linux audit events into JSON lines.")
    assert "laurel-mp convert /var/log/audit/audit.log" in screen.text
    assert "laurel-mp help" in screen.text
    assert not list(tmp_path.iterdir())


def test_interrupted_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """^C at the earliest moment ends it at once, without a traceback."""
    monkeypatch.chdir(tmp_path)
    with terminal(columns=120) as screen:
        screen.type(b"\x03")
        status = screen.end(5)

    assert status in (2, 130, -2)
    assert not list(tmp_path.iterdir())


def test_plugin_on_a_terminal(tmp_path: Path) -> None:
    """With a configuration it reads the terminal, and says how to end that."""
    config = tmp_path / "config.toml"
    config.write_text(f'directory = "{tmp_path}"\n[pipeline]\nworkers = 0\n')
    config.chmod(0o600)
    with terminal("-c", config, columns=120) as screen:
        screen.shows(lambda: "from the terminal: ^D ends the input" in screen.text, "the hint")
        screen.type(b"\x04")
        assert screen.end() == 0
