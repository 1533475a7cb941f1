"""Known and unknown facts about a host."""

import os
import signal
from pathlib import Path

import pytest

from laurel_mp.doctor.catalogue import CHECKS
from laurel_mp.doctor.config_location import config_argument
from laurel_mp.doctor.directory_checks import CHECKS as PLACES
from laurel_mp.doctor.examination import results
from laurel_mp.doctor.external_commands import Done, run
from laurel_mp.doctor.facts import Facts
from laurel_mp.doctor.findings import Unchecked
from laurel_mp.doctor.host import Host, UnknownError
from laurel_mp.doctor.host_user import User, has_list
from laurel_mp.doctor.listener_checks import CHECKS as LISTENERS
from laurel_mp.outputs.acl import XATTR, Readers, encode
from tests.support.hosts import UNUSED, USER, HostTree, audit_2, auditd_3

MUST_BE_ROOT = "You must be root to run this program.\n"

ONE_LINE = (
    "AUDIT_STATUS: enabled=1 flag=2 pid=700 rate_limit=0 backlog_limit=320 lost=5 backlog=1\n"
)
"""As audit 2.3 has it."""


def test_a_program_ends_in_time() -> None:
    """One that takes too long is ended, with all that it has started."""
    done = run(["sh", "-c", "sleep 1000 & sleep 1000"], 0.2)

    assert done.status is None
    assert done.complaint == "no answer within 0 s"


def test_a_program_says_what_is_wrong() -> None:
    """The first line of what it says, or else its status."""
    assert run(["sh", "-c", "echo a; echo b >&2; exit 3"]).complaint == "b"
    assert Done(3).complaint == "status 3"
    assert run(["sh", "-c", "printf 'x\\377'"]).out == "x\N{REPLACEMENT CHARACTER}"


def test_a_program_that_is_missing() -> None:
    """It is named."""
    with pytest.raises(UnknownError, match="nosuchprogram: is not installed"):
        Host().ask("nosuchprogram", "-x")
    with pytest.raises(UnknownError, match="/: Permission denied"):
        Host().ask("/")


def test_what_is_unknown_is_asked_once(tmp_path: Path) -> None:
    """A program that does not answer is not waited for by each check."""
    asked = []

    def run(words: object) -> Done:
        asked.append(words)
        return Done(None, seconds=5.0)

    facts = Facts(Host(root=tmp_path, run=run))
    for _ in range(3):
        with pytest.raises(UnknownError, match="auditctl -s: no answer within 5 s"):
            _ = facts.status

    assert len(asked) == 1
    with pytest.raises(AttributeError):
        facts.status = {}
    assert Facts.status.__doc__


def test_links_stay_within_the_host(tmp_path: Path) -> None:
    """An absolute link of a host leads to a place in it."""
    host = HostTree(tmp_path / "host")
    host.write("/etc/real", "here")
    host.link("/etc/link", "/etc/../../etc/real")
    host.link("/etc/loop", "loop")

    facts = host.facts()

    assert facts.host.text("/etc/link") == "here"
    with pytest.raises(UnknownError, match="/etc/loop"):
        facts.host.read("/etc/loop")


def test_odd_files(tmp_path: Path) -> None:
    """Unreadable files are reported; a FIFO without a writer does not block."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_text("x" * 100)
    host = Host(root=tmp_path)

    for name, reason in (("/fifo", "not a regular file"), ("/", "not a regular file")):
        with pytest.raises(UnknownError, match=reason):
            host.read(name)
    with pytest.raises(UnknownError, match="null"):
        host.read("/a\0b")
    with pytest.raises(UnknownError, match="null"):
        host.status("/a\0b")
    with pytest.raises(UnknownError, match="null"):
        host.names("/a\0b")
    assert host.read("/file/x") is None
    assert host.status("/file/x") is None
    assert host.names("/file") == []
    assert host.read("/file", 10, tail=True) == b"x" * 10


def test_space_of_what_is_not_there_yet(tmp_path: Path) -> None:
    """A directory that will be made is on the file system of the one above it."""
    host = Host()

    assert host.space(tmp_path / "a/b").device == host.space(tmp_path).device
    assert host.space(tmp_path).free > 0


def test_what_others_may_not_see(tmp_path: Path) -> None:
    """For other users than root most facts are unknown, and no problem is reported."""
    host = auditd_3(tmp_path)
    for command in ("auditctl -v", "auditctl -s", "auditctl -l"):
        host.says(command, status=4, err=MUST_BE_ROOT)
    facts = host.facts()
    found = [result for check in CHECKS for result in results(check, facts)]

    assert all(isinstance(result, Unchecked) for result in found)
    assert f"auditctl -s: {MUST_BE_ROOT.strip()}" in {getattr(each, "reason", "") for each in found}


def test_rules_come_from_the_file_if_the_kernel_is_silent(tmp_path: Path) -> None:
    """Then they are those of the next start."""
    host = auditd_3(tmp_path)
    host.says("auditctl -l", status=255, err="Operation not permitted\n")
    host.write("/etc/audit/audit.rules", "-D\n-a always,exclude -F msgtype=EOE\n")

    assert [(rule.where, rule.list) for rule in host.facts().rules.rules] == [
        ("/etc/audit/audit.rules:2", "exclude")
    ]


def test_status_of_old_audit(tmp_path: Path) -> None:
    """Before 2.4 it was one line, and the mode of failure had another name."""
    host = audit_2(tmp_path)
    host.says("auditctl -s", ONE_LINE)

    assert host.facts().number("failure") == 2
    assert host.facts().number("lost") == 5
    with pytest.raises(UnknownError, match="does not report backlog_wait_time"):
        host.facts().number("backlog_wait_time")


def test_nonsense_of_programs(tmp_path: Path) -> None:
    """Invalid output of a program counts as unknown."""
    host = auditd_3(tmp_path)
    host.says("auditctl -s", "pid many\n")
    host.says("auditctl -v", "version x\n")
    host.says(f"getent passwd {USER}", "a:b\n")

    for name in ("status", "version", "user"):
        with pytest.raises(UnknownError):
            getattr(host.facts(), name)


def test_auditd_without_the_kernels_word(tmp_path: Path) -> None:
    """Without the right to ask the kernel, auditd is found among the processes."""
    host = auditd_3(tmp_path)
    host.says("auditctl -s", status=4, err=MUST_BE_ROOT)

    assert host.facts().auditd_pid == 700
    host.remove("/proc/700")
    assert host.facts().auditd_pid == 0


def test_layout_without_a_version(tmp_path: Path) -> None:
    """The files in /etc/audit tell if there is a dispatcher."""
    old, new = audit_2(tmp_path / "2"), auditd_3(tmp_path / "3")
    for host in (old, new):
        host.says("auditctl -v", status=4, err=MUST_BE_ROOT)

    assert old.facts().has_audispd
    assert not new.facts().has_audispd
    assert old.facts().plugin_dir == "/etc/audisp/plugins.d"


def test_plugins_elsewhere(tmp_path: Path) -> None:
    """The directory of plugins can be set; without auditd.conf it is the usual one."""
    host = auditd_3(tmp_path)
    host.append("/etc/audit/auditd.conf", "plugin_dir = /srv/plugins/\n")
    assert host.facts().plugin_dir == "/srv/plugins"

    with pytest.raises(UnknownError, match="/srv/plugins: is not there"):
        _ = host.facts().plugins
    host.remove("/etc/audit/auditd.conf")
    assert host.facts().plugin_dir == "/etc/audit/plugins.d"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("-c /a", "/a"),
        ("--config /a", "/a"),
        ("--config=/a", "/a"),
        ("-c/a", "/a"),
        ("-d", ""),
        ("-c", ""),
        ("", ""),
    ],
)
def test_config_argument(words: str, name: str) -> None:
    """The configuration is found however the plugin's file gives it."""
    assert name == config_argument(words.split())


def test_config_of_the_command_line(tmp_path: Path) -> None:
    """The command line takes precedence over the plugin's file, and that over the default."""
    host = auditd_3(tmp_path)
    host.edit("/etc/audit/plugins.d/laurel-mp.conf", "-c /etc/laurel-mp/config.toml", "-c a.toml")

    assert host.facts("/b").config_name == "/b"
    assert host.facts().config_name == "/a.toml"
    host.edit("/etc/audit/plugins.d/laurel-mp.conf", "args = -c a.toml", "args = -d")
    assert host.facts().config_name == ""
    assert host.facts().config.user is None
    host.remove("/etc/audit/plugins.d/laurel-mp.conf")
    assert host.facts().config_name == "/etc/laurel-mp/config.toml"
    host.remove("/etc/audit/plugins.d")
    assert host.facts().config_name == "/etc/laurel-mp/config.toml"


def test_modes(tmp_path: Path) -> None:
    """The owner's rights are the owner's, those of the group its members'; root has all."""
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o460)
    status = path.stat()
    owner = User("a", os.getuid(), frozenset())
    member = User("b", 4242, frozenset({status.st_gid}))

    assert not User("owner", status.st_uid + 1, frozenset()).may(status, 4)
    assert member.may(status, 6)
    assert owner.uid == 0 or not owner.may(status, 2)
    assert User("root", 0, frozenset()).may(status, 7)


def test_lists_are_left_to_the_kernel(tmp_path: Path) -> None:
    """With an access control list, the mode alone does not decide."""
    host = auditd_3(tmp_path)
    host.says(f"getent passwd {USER}", f"{USER}:x:4242:4242::/:/bin/false\n")
    path = host.write("/var/log/laurel-mp/audit.log", "")
    try:
        os.setxattr(path, XATTR, encode(Readers(users=(4242,))))
    except OSError as error:
        pytest.skip(f"needs access control lists: {error.strerror}")

    assert has_list(host.facts().host, "/var/log/laurel-mp/audit.log")
    files = next(check for check in PLACES if check.name == "places-files")
    assert host.findings(files) == []


def test_missing_parts_of_proc(tmp_path: Path) -> None:
    """Without them, what they would have said is unknown."""
    host = auditd_3(tmp_path)
    host.remove("/proc")
    facts = host.facts()
    unknown = {
        check.name
        for check in CHECKS
        if any(isinstance(result, Unchecked) for result in results(check, facts))
    }

    assert {
        "journald-at-boot", "kernel-boot", "kernel-enabled", "listeners", "rights-capabilities",
        "rights-proc",
    } == unknown  # fmt: skip
    assert LISTENERS


def test_messages_come_from_the_journal(tmp_path: Path) -> None:
    """Without a log file, journalctl is asked."""
    host = auditd_3(tmp_path)
    restarts = next(check for check in CHECKS if check.name == "plugin-restarts")
    host.remove("/var/log/syslog")

    assert [Unchecked("journalctl: is not installed")] == host.results(restarts)
    host.make("/var/log/messages")
    assert "not a regular file; journalctl" in str(host.results(restarts))
    host.says(
        "journalctl -q --no-pager -o short -n 5000 -t auditd -t audispd",
        "Nov 28 vm auditd[700]: plugin /opt/laurel-mp/bin/laurel-mp terminated unexpectedly\n",
    )
    assert [finding.where for finding in host.findings(restarts)] == ["journalctl"]


def test_the_unused_id_is_another_each_time() -> None:
    """Directory services cache that no user has an id: the second look-up would be quick."""
    assert Host().unused_id != Host().unused_id
    assert UNUSED > 1 << 29


def test_user_without_a_database(tmp_path: Path) -> None:
    """The program's user is unknown without getent, and missing without the name."""
    host = auditd_3(tmp_path)
    host.edit("/etc/laurel-mp/config.toml", USER, "nosuch")
    with pytest.raises(UnknownError, match="there is no user 'nosuch'"):
        _ = host.facts().user
    host.answers.clear()
    with pytest.raises(UnknownError, match="getent: is not installed"):
        _ = host.facts().user


def test_signals_do_not_end_a_program_for_good() -> None:
    """One that ends by a signal has a status."""
    assert run(["sh", "-c", "kill -9 $$"]).status == -signal.SIGKILL
