"""Commands find the configuration and the status socket of the daemon, also a broken one."""

import subprocess
from pathlib import Path

import pytest

from laurel_mp.cli.daemon_config import find_config, find_socket
from laurel_mp.errors import ConfigError
from tests.support.commands import COMMAND
from tests.support.hosts import audit_2, auditd_3
from tests.support.machine import machine
from tests.support.plugin import configure, plugin
from tests.support.waiting import wait_until

PLUGIN_FILE = "active = yes\ndirection = out\npath = /opt/x/laurel-mp\ntype = always\nargs = {}\n"


@pytest.mark.parametrize(
    ("make", "plugin_file"),
    [
        (audit_2, "/etc/audisp/plugins.d/laurel-mp.conf"),
        (auditd_3, "/etc/audit/plugins.d/laurel-mp.conf"),
    ],
)
def test_the_plugin_file_decides(tmp_path: Path, make: object, plugin_file: str) -> None:
    """Without `-c` it is the one that auditd gives the plugin; with it, the one that was given."""
    assert callable(make)
    host = make(tmp_path)
    host.edit(plugin_file, "-c /etc/laurel-mp/config.toml", "-c /srv/other.toml")

    found = find_config(None, host.facts().host)

    assert found == ("/srv/other.toml", plugin_file)
    assert found.text == f"/srv/other.toml (by {plugin_file})"
    assert find_config("/given.toml", host.facts().host) == ("/given.toml", "")
    host.edit(plugin_file, "args = -c /srv/other.toml", "")
    assert find_config(None, host.facts().host).text.startswith("all defaults, without a file")
    host.remove(plugin_file)
    assert find_config(None, host.facts().host) == ("/etc/laurel-mp/config.toml", "")
    host.remove("/etc/laurel-mp/config.toml")
    with pytest.raises(ConfigError, match=r"no configuration at /etc/laurel-mp/config\.toml: name"):
        find_config(None, host.facts().host)


@pytest.mark.parametrize(
    ("text", "socket"),
    [
        ('directory = "/srv"\ncolour = 1\n', "/srv/status.sock"),
        ('directory = "/srv"\n[status]\nsocket = "x"\n[colour]\n', "/srv/x"),
        ('directory = "/srv"\n[auditlog\nfile = "x"\n', "/srv/status.sock"),
        ('directory = "/srv"\n[filter]\nfilter-keys = [\n"a",\n', "/srv/status.sock"),
        ('directory = "/srv\n', "/var/log/laurel-mp/status.sock"),
        ("directory = 7\n", "/var/log/laurel-mp/status.sock"),
        ('[status]\nsocket = "/run/x"\ndirectory = \n', "/run/x"),
        ("\0", "/var/log/laurel-mp/status.sock"),
    ],
)
def test_socket_of_a_broken_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, socket: str
) -> None:
    """A valid value is used, or else the installer's; the problems are reported."""
    config = tmp_path / "config.toml"
    config.write_text(text)
    config.chmod(0o600)

    assert find_socket(str(config), None) == Path(socket)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"laurel-mp: {config}: ")
    assert said[-1] == f"laurel-mp: broken configuration: assuming the socket {socket}"


def test_untrusted_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that others can write is not used."""
    config = tmp_path / "config.toml"
    config.write_text('directory = "/srv"\n')
    config.chmod(0o666)

    assert find_socket(str(config), None) == Path("/var/log/laurel-mp/status.sock")
    assert "group or others can write it" in capsys.readouterr().err


def test_status_while_the_configuration_is_broken(tmp_path: Path) -> None:
    """A running daemon answers although its configuration was broken since."""
    config = configure(tmp_path, 0)
    with plugin(config) as running:
        wait_until((tmp_path / "status.sock").exists, "it can be asked", 20)
        config.write_text(config.read_text() + "[colour]\n")
        done = subprocess.run(
            [*COMMAND, "status", "-c", config],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert running.end() == 0

    assert done.returncode == 0
    assert done.stdout.startswith("PROGRAM: ")
    assert f"{config}: [colour]: unknown section" in done.stderr
    assert f"assuming the socket {tmp_path}/status.sock" in done.stderr


def test_on_a_machine(tmp_path: Path) -> None:
    """`-d`, `status`, `top` and `doctor` follow the plugin file that auditd reads."""
    with machine(tmp_path) as host:
        commands = {
            "-d": "-d",
            "status": "status",
            "doctor": "doctor --json",
        }
        host.run("mkdir -p /etc/audit/plugins.d /srv/elsewhere /etc/laurel-mp")
        host.path("/etc/laurel-mp/config.toml").write_text('directory = "/srv"\n')
        host.path("/srv/elsewhere/our.toml").write_text('directory = "/srv/elsewhere"\n')
        host.path("/etc/audit/plugins.d/laurel-mp.conf").write_text(
            PLUGIN_FILE.format("-c /srv/elsewhere/our.toml")
        )
        program = "/srv/laurel-mp/.venv/bin/python -m laurel_mp"
        found = {
            name: host.run(f"{program} {words} </dev/null 2>&1 || true")
            for name, words in commands.items()
        }

    named = "/srv/elsewhere/our.toml (by /etc/audit/plugins.d/laurel-mp.conf)"
    assert found["-d"] == f"laurel-mp: {named}: the configuration is valid\n"
    assert "there is no /srv/elsewhere/status.sock" in found["status"]
    assert f'"configuration": "{named}"' in found["doctor"]
