"""Fields of records by name: a table of what is written and what it means."""

import pytest

from laurel_mp.records.interpretation import fields

ALL_41 = (1 << 41) - 1


@pytest.mark.parametrize(
    ("record", "field", "arch", "expected"),
    [
        ("SYSCALL", "exit=-2", "x86_64", "ENOENT"),
        ("SYSCALL", "exit=-38", "x86_64", "ENOSYS"),
        ("SYSCALL", "exit=-89", "mips", "ENOSYS"),
        ("SYSCALL", "exit=-35", "x86_64", "EDEADLK"),
        ("SYSCALL", "exit=-35", "mipsel64", "ENOMSG"),
        ("SYSCALL", "exit=-35", "alpha", None),
        ("SYSCALL", "exit=-512", "x86_64", "ERESTARTSYS"),
        ("SYSCALL", "exit=-4096", "x86_64", None),
        ("SYSCALL", "exit=0", "x86_64", None),
        ("SYSCALL", "exit=3", "x86_64", None),
        ("SYSCALL", "per=0", "x86_64", "PER_LINUX"),
        ("SYSCALL", "per=400000", "x86_64", "PER_LINUX|READ_IMPLIES_EXEC"),
        ("SYSCALL", "ses=4294967295", "x86_64", "unset"),
        ("SYSCALL", "ses=3", "x86_64", None),
        ("LOGIN", "old-ses=4294967295", "", "unset"),
        ("LOGIN", "res=1", "", "yes"),
        ("USER_LOGIN", "res=success", "", None),
        ("ANOM_ABEND", "sig=11", "", "SIGSEGV"),
        ("ANOM_ABEND", "sig=0", "", None),
        ("MQ_NOTIFY", "sigev_signo=10", "", "SIGUSR1"),
        ("PATH", "mode=0100644", "", "file,644"),
        ("PATH", "mode=041777", "", "dir,sticky,777"),
        ("PATH", "mode=0106755", "", "file,suid,sgid,755"),
        ("PATH", "mode=0120777", "", "link,777"),
        ("PATH", "mode=0140666", "", "socket,666"),
        ("PATH", "mode=020620", "", "character,620"),
        ("PATH", "mode=060660", "", "block,660"),
        ("PATH", "mode=010600", "", "fifo,600"),
        ("IPC", "mode=0600", "", "600"),
        ("UNKNOWN_1424", "mode=enforcing", "", None),
        ("PATH", "cap_fp=0", "", "none"),
        ("PATH", "cap_fp=0000000000002000", "", "net_raw"),
        ("CAPSET", "cap_pp=3", "", "chown,dac_override"),
        ("CAPSET", "cap_pp=20000000000", "", "cap_41"),
        ("BPRM_FCAPS", "old_pe=200000", "", "sys_admin"),
        ("AVC", "capability=21", "", "sys_admin"),
        ("AVC", "ioctlcmd=0x5401", "", "TCGETS"),
        ("SECCOMP", "code=0x0", "", "kill-thread"),
        ("SECCOMP", "code=0x80000000", "", "kill-process"),
        ("SECCOMP", "code=0x50026", "", "errno"),
        ("SECCOMP", "code=0x7ffc0000", "", "log"),
        ("DAEMON_ERR", "code=5", "", None),
        ("CONFIG_CHANGE", "list=4", "", "exit"),
        ("CONFIG_CHANGE", "list=5", "", "exclude"),
        ("OTHER", "list=4", "", None),
        ("NETFILTER_CFG", "family=2", "", "ipv4"),
        ("NETFILTER_CFG", "family=10", "", "ipv6"),
        ("AVC", "family=2", "", None),
        ("NETFILTER_PKT", "proto=17", "", "udp"),
        ("OPENAT2", "oflag=0301", "", "O_WRONLY|O_CREAT|O_EXCL"),
        ("MQ_OPEN", "oflag=0x42", "", "O_RDWR|O_CREAT"),
        ("OPENAT2", "resolve=0x8", "", "RESOLVE_BENEATH"),
        ("MMAP", "flags=0x2", "", "MAP_PRIVATE"),
        ("MMAP", "flags=0x22", "", "MAP_PRIVATE|MAP_ANONYMOUS"),
        ("OTHER", "flags=0x2", "", None),
        ("FANOTIFY", "resp=2", "", "deny"),
        ("FANOTIFY", "subj_trust=2", "", "unknown"),
        ("ANOM_PROMISCUOUS", "prom=256", "", "yes"),
        ("ANOM_PROMISCUOUS", "old_prom=0", "", "no"),
        ("TTY", "data=6C73202D6C610D", "", '"ls -la",<ret>'),
        ("TTY", "data=1B5B411B4F420309", "", "<up>,<down>,<^C>,<tab>"),
        ("TTY", "data=225C", "", '"\\"\\\\"'),
        ("USER_TTY", "data=7F", "", "<backspace>"),
        ("OTHER", "data=7F", "", None),
        ("SYSCALL", "pid=1", "x86_64", None),
    ],
)
def test_interpretation(record: str, field: str, arch: str, expected: str | None) -> None:
    """By the record's type and architecture; what has no name gets none."""
    key, _, text = field.encode().partition(b"=")
    wanted = None if expected is None else expected.encode()

    assert wanted == fields.interpret(record.encode(), key, text, arch.encode())


@pytest.mark.parametrize("key", [b"exit", b"mode", b"sig", b"cap_fp", b"data", b"per", b"flags"])
@pytest.mark.parametrize(
    "text", [b"", b"-", b"-0", b"x", b"?", b"99999999999999999999999", b"0x", b"\xff", b"8", b"0b1"]
)
def test_values_that_do_not_fit_have_no_name(key: bytes, text: bytes) -> None:
    """No value makes it fail: records from other hosts may have any."""
    for record in (b"SYSCALL", b"PATH", b"TTY", b"MMAP"):
        found = fields.interpret(record, key, text, b"x86_64")

        assert found is None or found
