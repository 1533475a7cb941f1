"""Filters: the events that are left out, and their destination."""

from pathlib import Path

import pytest

from tests.stories.conftest import Tell
from tests.support.conversion import by_id, convert, parse
from tests.support.stream import Stream

ALWAYS = "keep-first-per-process = false\n"


def noisy() -> tuple[Stream, str, str, str]:
    """A shell that opens files under the key `noise`, and one without."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/bash", "bash", key="exec")
    noise = stream.open(100, 50, "/usr/bin/bash", key="noise")
    other = stream.open(100, 50, "/usr/bin/bash", key="files")
    return stream, start, noise, other


def test_by_key(tell: Tell) -> None:
    """`filter-keys` leaves out what a rule has marked."""
    stream, start, _, other = noisy()
    assert list(tell(stream, '[filter]\nfilter-keys = ["noise"]')) == [start, other]


def test_by_one_of_several_keys(tell: Tell) -> None:
    """P10: keys of one rule are looked at one by one."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/bash", "bash")
    stream.open(100, 50, "/usr/bin/bash", key=b"files\x01noise")
    assert list(tell(stream, '[filter]\nfilter-keys = ["noise"]')) == [start]


def test_by_missing_key(tell: Tell) -> None:
    """`filter-null-keys` leaves out what no rule has asked for."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/bash", "bash", key="exec")
    stream.open(100, 50, "/usr/bin/bash")
    user = stream.user("USER_LOGIN", 7, "op=login res=success")
    assert list(tell(stream, "[filter]\nfilter-null-keys = true")) == [start, user]


def test_by_label(tell: Tell) -> None:
    """`filter-labels` leaves out what labelled processes do; labels come first."""
    stream = Stream()
    first = stream.execute(100, 50, "/usr/bin/apt", "apt", key="software_mgmt")
    stream.open(100, 50, "/usr/bin/apt")
    other = stream.execute(200, 50, "/usr/bin/ls", "ls")
    config = """
[label-process]
label-keys = ["software_mgmt"]
[filter]
filter-labels = ["software_mgmt"]
"""
    assert list(tell(stream, config)) == [first, other]


def test_a_label_by_command_line_filters_its_own_exec(tell: Tell) -> None:
    """P3: what is decided about an exec is decided when all of its records are known."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/python3", "python3", "backup.py")
    stream.open(100, 50, "/usr/bin/python3")
    other = stream.execute(200, 50, "/usr/bin/ls", "ls")
    config = f"""
[label-process]
label-argv.'backup[.]py' = 'backup'
[filter]
filter-labels = ["backup"]
{ALWAYS}"""
    assert list(tell(stream, config)) == [other]


def test_the_first_event_of_a_process_is_kept(tell: Tell) -> None:
    """P4, P5: `keep-first-per-process` shows each program once, whatever keys and labels say."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/bash", "bash", key="noise")
    stream.execute(100, 50, "/usr/bin/bash", key="noise", success=False)
    stream.open(100, 50, "/usr/bin/bash", key="noise")
    config = '[filter]\nfilter-keys = ["noise"]\n'
    assert list(tell(stream, config)) == [start]
    assert list(tell(stream, config + ALWAYS)) == []


def test_by_raw_line(tell: Tell) -> None:
    """`filter-raw-lines` looks at each line of an event, as it came in."""
    stream, start, noise, _ = noisy()
    user = stream.user("CRED_ACQ", 7, "op=PAM:setcred res=success")
    patterns = r"""['^type=SYSCALL .* key="files"$', '^type=CRED_']"""
    assert list(tell(stream, f"[filter]\nfilter-raw-lines = {patterns}")) == [start, noise]
    assert user


def test_by_raw_line_of_any_record(tell: Tell) -> None:
    """Also a line behind the first one counts."""
    stream, start, _, _ = noisy()
    events = tell(stream, "[filter]\nfilter-raw-lines = ['^type=PATH .*passwd']")
    assert list(events) == [start]


@pytest.mark.parametrize(
    ("pattern", "saddr", "filtered"),
    [
        ("127.0.0.1", "020000357F0000010000000000000000", True),
        ("127.0.0.1", "020000357F0000020000000000000000", False),
        ("192.168.0.0/24:22", "02000016C0A800070000000000000000", True),
        ("192.168.0.0/24:22", "02000017C0A800070000000000000000", False),
        ("::/64", "0A0000160000000000000000000000000000000000000001" + "00000000", True),
        ("[2a00::1]:443", "0A0001BB000000002A000000000000000000000000000001" + "00000000", True),
        ("[2a00::1]:443", "0A0001BC000000002A000000000000000000000000000001" + "00000000", False),
        ("*:111", "0200006F0A0000010000000000000000", True),
        ("*:111", "0100" + "2F746D702F7800", False),
    ],
)
def test_by_address(pattern: str, saddr: str, filtered: bool, tmp_path: Path) -> None:
    """`filter-sockaddr` takes networks, ports, or both."""
    stream = Stream()
    stream.execute(100, 50, "/usr/bin/curl", "curl")
    id_ = stream.connect(100, 50, "/usr/bin/curl", saddr)
    config = f'[filter]\nfilter-sockaddr = ["{pattern}"]'
    assert filtered == (id_ not in by_id(convert(tmp_path, stream.text(), config)))


def test_by_address_in_several_processes(tell: Tell) -> None:
    """Filters work through the command's workers."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/curl", "curl")
    stream.connect(100, 50, "/usr/bin/curl", "020000357F0000010000000000000000")
    assert list(tell(stream, '[filter]\nfilter-sockaddr = ["127.0.0.0/8"]')) == [start]


def test_by_program(tell: Tell) -> None:
    """`filter-exe` leaves out a program, also in what it says through user space."""
    stream = Stream()
    stream.execute(100, 50, "/usr/sbin/cron", "cron")
    stream.open(100, 50, "/usr/sbin/cron")
    stream.user("USER_START", 100, 'op=PAM:session acct="root" exe="/usr/sbin/cron" res=success')
    other = stream.execute(101, 100, "/usr/bin/ls", "ls")
    said = stream.user("USER_START", 9, 'op=PAM:session exe="/usr/sbin/sshd" res=success')
    assert list(tell(stream, "[filter]\nfilter-exe = ['^/usr/sbin/cron$']")) == [other, said]


def test_by_user(tell: Tell) -> None:
    """`filter-users` takes ids and names, also of those who send records."""
    stream = Stream()
    stream.open(100, 50, "/usr/bin/cat", uid=1234)
    stream.user("USER_CMD", 100, "cmd=6C73 res=success", uid=1234)
    stream.open(101, 50, "/usr/bin/cat", uid=0)
    kept = stream.open(102, 50, "/usr/bin/cat", uid=1235)
    assert list(tell(stream, '[filter]\nfilter-users = [1234, "root"]')) == [kept]


def test_filtered_events_count_for_processes(tell: Tell) -> None:
    """An exec that is left out is still the parent of what it starts."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/bash", "bash", key="noise")
    child = stream.execute(101, 100, "/usr/bin/ls", "ls")
    events = tell(stream, f'[filter]\nfilter-keys = ["noise"]\n{ALWAYS}')
    assert list(events) == [child]
    assert events[child]["PARENT_INFO"]["ID"] == start


def test_the_second_output(tell: Tell, tmp_path: Path) -> None:
    """P18: with `filter-action = "log"` filtered events go to the filterlog, whole."""
    stream = Stream()
    start = stream.execute(100, 50, "/usr/bin/curl", "curl", key="exec")
    noise = stream.connect(
        100, 50, "/usr/bin/curl", "020000357F0000010000000000000000", key="noise"
    )
    config = """
[filterlog]
file = "filtered.log"
line-prefix = "@cee: "
[filter]
filter-keys = ["noise"]
filter-action = "log"
[translate]
universal = true
"""
    assert list(tell(stream, config)) == [start]
    lines = (tmp_path / "filtered.log").read_bytes().splitlines()
    assert all(line.startswith(b"@cee: ") for line in lines)
    (event,) = (parse(line.removeprefix(b"@cee: ")) for line in lines)
    assert event["ID"] == noise
    saddr = {"saddr_fam": "inet", "addr": "127.0.0.1", "port": 53}
    assert event["SOCKADDR"] == [{"SADDR": saddr}]
