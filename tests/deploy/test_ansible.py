"""The Ansible role, linted and run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.machine import CHECKOUT

BIN = Path(sys.executable).parent
ANSIBLE = CHECKOUT / "deploy" / "ansible"


def _run(*command: str | Path, **environment: str) -> str:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ANSIBLE,
        env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_lint_finds_nothing() -> None:
    """Nothing that ansible-lint would have in a role for production."""
    _run("ansible-lint", "--offline", "--strict", "--profile", "production", "roles")


def _play(root: Path, home: Path, **variables: Any) -> dict[str, int]:
    """Play the role here, below `root`; the numbers of the recap."""
    playbook = home / "play.yml"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "roles": ["laurel_mp"],
        "vars": {"laurel_mp_root": str(root), "laurel_mp_packages": [], **variables},
    }
    playbook.write_text(json.dumps([play]))
    text = _run(
        *("ansible-playbook", "-i", "localhost,", "-c", "local", playbook),
        ANSIBLE_ROLES_PATH=str(ANSIBLE / "roles"),
        ANSIBLE_HOME=str(home / "ansible"),
        ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default",
        ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        ANSIBLE_NOCOLOR="1",
        PIP_NO_COMPILE="1",
    )
    return {
        name: int(number)
        for name, _, number in (word.partition("=") for word in text.split("RECAP")[1].split())
        if number
    }


def test_role(requires_root: None, tmp_path: Path, wheels: Path) -> None:
    """It installs, changes nothing the second time, and removes all."""
    root = tmp_path / "root"
    (root / "etc/audit/plugins.d").mkdir(parents=True)
    (wheel,) = wheels.glob("laurel_mp-*.whl")
    config = 'directory = "/var/log/laurel-mp"\n'
    variables = {
        "laurel_mp_wheel": str(wheel),
        "laurel_mp_wheels": str(wheels),
        "laurel_mp_config": config,
        "laurel_mp_rules": True,
    }

    assert _play(root, tmp_path, **variables)["changed"] > 0
    assert config == (root / "etc/laurel-mp/config.toml").read_text()
    assert (root / "etc/audit/plugins.d/laurel-mp.conf").exists()
    assert list((root / "etc/audit/rules.d").iterdir())

    assert _play(root, tmp_path, **variables)["changed"] == 0

    assert _play(root, tmp_path, laurel_mp_state="absent")["changed"] == 2
    assert [path for path in root.rglob("*") if "laurel" in path.name] == []
