"""The installer in a scratch root: what it makes, what it leaves alone, what it takes away."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.machine import CHECKOUT
from tests.support.requirements import program, require

INSTALLER = CHECKOUT / "deploy" / "install.sh"
ACCOUNTS = ("passwd", "group", "shadow", "gshadow")

Tree = dict[str, tuple[int, int, int, int, str]]


def _bare(path: Path) -> Path:
    """A root with what every host has."""
    for name in (
        "opt",
        "etc/audit/plugins.d",
        "usr/local/bin",
        "usr/local/share/man",
        "var/log",
        "var/lib",
    ):
        (path / name).mkdir(parents=True)
    for name in ACCOUNTS:
        shutil.copy(f"/etc/{name}", path / "etc")
    return path


@pytest.fixture
def root(requires_root: None, tmp_path: Path) -> Path:
    """A root without laurel-mp."""
    return _bare(tmp_path / "root")


@pytest.fixture(scope="module")
def _installed(requires_root: None, tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    root = _bare(tmp_path_factory.mktemp("installed") / "root")
    _install(root, wheels)
    return root


@pytest.fixture
def installed(_installed: Path, tmp_path: Path) -> Path:
    """A root with laurel-mp."""
    subprocess.run(["cp", "-a", _installed, tmp_path / "root"], check=True)
    return tmp_path / "root"


def _run(*arguments: str | Path, status: int = 0) -> str:
    """Run the installer; what it says."""
    done = subprocess.run(
        ["sh", INSTALLER, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
        # Half of the time would go into bytecode.
        env=os.environ | {"PIP_NO_COMPILE": "1"},
    )
    assert status == done.returncode, done.stdout
    return done.stdout


def _install(root: Path, wheels: Path, *arguments: str) -> str:
    (wheel,) = wheels.glob("laurel_mp-*.whl")
    return _run("--root", root, "--from", wheel, "--wheels", wheels, *arguments)


def _tree(root: Path) -> Tree:
    """All that is below `root`, but for the copies that useradd(8) makes of its files."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes().hex() if path.is_file() else ""
        name = str(path.relative_to(root))
        if not name.startswith("etc/") or not name.endswith(("-", ".lock")):
            found[name] = (status.st_ino, status.st_mode, status.st_uid, status.st_gid, content)
    return found


def _without_inodes(tree: Tree) -> dict[str, tuple[int, int, int, str]]:
    return {name: about[1:] for name, about in tree.items()}


def _settings(path: Path) -> set[str]:
    return {line for line in path.read_text().splitlines() if line and line[0] not in "#["}


def test_from_a_wheel_and_back(installed: Path, wheels: Path, tmp_path: Path) -> None:
    """Without network, all is in its place; again, nothing changes; uninstalled, all is gone."""
    root = installed
    home = root / "opt/laurel-mp"
    script = home / "bin/laurel-mp"
    assert script.read_text().startswith("#!/opt/laurel-mp/bin/python3 -I\n")
    assert [path for path in home.rglob("*") if _is_unsafe(path)] == []
    assert script.stat().st_mode == 0o100755
    assert {"python", "python3", script.name} <= {path.name for path in script.parent.iterdir()}
    assert not list(home.glob("lib/*/site-packages/pip"))
    subprocess.run([home / "bin/python3", "-Im", "laurel_mp", "-v"], check=True)
    plugin = root / "etc/audit/plugins.d/laurel-mp.conf"
    assert "path = /opt/laurel-mp/bin/laurel-mp\n" in plugin.read_text()
    assert plugin.stat().st_mode == 0o100640
    assert _settings(root / "etc/laurel-mp/config.toml") == {
        'directory = "/var/log/laurel-mp"',
        'file = "/var/lib/laurel-mp/state"',
        'spool = "/var/lib/laurel-mp/spool"',
        'user = "_laurel-mp"',
    }
    owner = (root / "var/log/laurel-mp").stat().st_uid
    assert f"_laurel-mp:x:{owner}:" in (root / "etc/passwd").read_text()
    assert (root / "var/log/laurel-mp").stat().st_mode == 0o40755
    assert (root / "var/lib/laurel-mp").stat().st_mode == 0o40700
    assert (root / "usr/local/bin/laurel-mp").readlink() == Path("/opt/laurel-mp/bin/laurel-mp")
    pages = {str(path.relative_to(CHECKOUT / "docs")) for path in CHECKOUT.glob("docs/man/*/*")}
    assert len(pages) == 3
    assert pages == {str(path.relative_to(home / "share")) for path in home.glob("share/man/*/*")}
    for page in pages:
        link = root / "usr/local/share" / page
        assert link.readlink() == Path("/opt/laurel-mp/share", page)

    before = _tree(root)
    assert "nothing has changed" in _install(root, wheels)
    assert before == _tree(root)

    (root / "var/log/laurel-mp/audit.log").write_text("{}\n")
    _run("--uninstall", "--root", root)
    assert _without_inodes(_tree(root)) == _without_inodes(_tree(_bare(tmp_path / "bare")))


def _is_unsafe(path: Path) -> bool:
    status = path.lstat()
    return status.st_uid != 0 or (not path.is_symlink() and bool(status.st_mode & 0o022))


def test_what_was_changed_stays(installed: Path, wheels: Path) -> None:
    """A file that the administrator has changed stays; one that is as a version had it does not."""
    root = installed
    config = root / "etc/laurel-mp/config.toml"
    plugin = root / "etc/audit/plugins.d/laurel-mp.conf"
    default = config.read_text()
    # As if the former version had had another sample, and another plugin file, which was changed.
    for path in (config, root / "opt/laurel-mp/share/laurel-mp/config.toml"):
        path.write_text(path.read_text() + "# formerly\n")
    plugin.write_text(plugin.read_text() + "# mine\n")
    (root / "opt/laurel-mp/made-of").unlink()

    said = _install(root, wheels)

    assert "/etc/audit/plugins.d/laurel-mp.conf: was changed, and stays as it is\n" in said
    assert plugin.read_text().endswith("# mine\n")
    assert default == config.read_text()

    config.write_text(default + "# mine\n")
    assert "config.toml: was changed, and stays as it is\n" in _install(root, wheels)

    (root / "var/log/laurel-mp/audit.log").write_text("{}\n")
    _run("--uninstall", "--keep", "--root", root)
    assert config.read_text().endswith("# mine\n")
    logs = root / "var/log/laurel-mp"
    assert [(path.stat().st_uid, path.stat().st_mode) for path in (logs, logs / "audit.log")] == [
        (0, 0o40700),
        (0, 0o100644),
    ]
    assert not (root / "opt/laurel-mp").exists()
    assert (root / "etc/passwd").read_text() == Path("/etc/passwd").read_text()


def test_service_instead_of_plugin(installed: Path, wheels: Path) -> None:
    """With --af-unix there is a unit and no plugin file, and the input is auditd's socket."""
    root = installed
    _install(root, wheels, "--af-unix", "--rules")

    shipped = {path.name for path in (CHECKOUT / "deploy/rules").iterdir()}
    assert shipped == {path.name for path in (root / "etc/audit/rules.d").iterdir()}

    assert not (root / "etc/audit/plugins.d/laurel-mp.conf").exists()
    config = _settings(root / "etc/laurel-mp/config.toml")
    assert 'input = "unix:/run/laurel-mp/auditd/events"' in config
    unit = (root / "etc/systemd/system/laurel-mp.service").read_text()
    assert "ExecStart=/opt/laurel-mp/bin/laurel-mp -c /etc/laurel-mp/config.toml\n" in unit
    assert (root / "etc/tmpfiles.d/laurel-mp.conf").exists()

    _run("--uninstall", "--root", root)
    assert [name for name in _tree(root) if "laurel" in name] == []


def test_a_root_without_users_or_auditd(requires_root: None, tmp_path: Path, wheels: Path) -> None:
    """In an empty directory, users are left to systemd, and audit 2 is known; prefixes differ."""
    prefix = ("--prefix", "/srv/tools/laurel")
    root = tmp_path / "image"
    (root / "etc/audisp/plugins.d").mkdir(parents=True)

    _install(root, wheels, *prefix)

    assert "u _laurel-mp" in (root / "etc/sysusers.d/laurel-mp.conf").read_text()
    assert "/var/log/laurel-mp" in (root / "etc/tmpfiles.d/laurel-mp.conf").read_text()
    plugin = (root / "etc/audisp/plugins.d/laurel-mp.conf").read_text()
    assert "path = /srv/tools/laurel/bin/laurel-mp\n" in plugin
    script = (root / "srv/tools/laurel/bin/laurel-mp").read_text()
    assert script.startswith("#!/srv/tools/laurel/bin/python3 -I\n")
    assert not (root / "etc/audit").exists()

    _run("--uninstall", "--root", root, *prefix)
    assert [name for name in _tree(root) if "laurel" in name] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bogus"], "what is --bogus?"),
        (["--from"], "--from needs a value"),
        (["--from", "/nonexistent.whl"], "/nonexistent.whl: there is no such file"),
        (["--from", "/etc"], "/etc: is not a checkout of laurel-mp"),
        (["--wheels", "/nonexistent"], "/nonexistent: is not a directory"),
        (["--prefix", "laurel"], "laurel: should be an absolute path"),
        (["--prefix", "/opt/laurel mp"], "/opt/laurel mp: only letters, digits"),
        (["--prefix", "/opt/" + "a" * 80], "is too long"),
        (["--root", "/nonexistent"], "/nonexistent: is not a directory"),
        (["--python", "/nonexistent"], "/nonexistent: is not a program"),
        (["--python", "/bin/true"], "/bin/true: is not Python 3.11 or newer"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_mistakes(root: Path, arguments: list[str], says: str) -> None:
    """A mistake is one line that says what it is, and nothing is changed."""
    before = _tree(root)

    said = _run("--root", root, *arguments, status=1)

    assert (said.count("\n"), said[:12]) == (1, "install.sh: ")
    assert says in said
    assert before == _tree(root)


def test_only_root_can() -> None:
    """Others are told so."""
    user = 65534 if os.geteuid() == 0 else None
    done = subprocess.run(
        ["sh", "-s"],
        cwd="/",
        input=INSTALLER.read_text(),
        capture_output=True,
        text=True,
        check=False,
        user=user,
    )
    assert (done.returncode, done.stderr) == (1, "install.sh: only root can do that\n")


def test_shellcheck_finds_nothing() -> None:
    """No construct that means something else than it seems."""
    shellcheck = program("shellcheck")
    require(shellcheck, "shellcheck (Debian: apt-get install shellcheck)")
    assert shellcheck
    done = subprocess.run(
        [shellcheck, INSTALLER, CHECKOUT / ".ci" / "run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
