"""docs/migrating.md, step by step: a real auditd has LAUREL, both, laurel-mp, and LAUREL again."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation import pages, place, plan
from tests.documentation.place import on_machine
from tests.support import auditd
from tests.support.machine import Machine, machine_with_auditd
from tests.support.waiting import wait_until

THEIRS = "/var/log/laurel/audit.log"
OURS = "/var/log/laurel-mp/audit.log"

_RULES = auditd.HARMLESS + "-a always,exit -F arch=b64 -S execve -F success=1 -F key=exec\n"


@pytest.fixture
def host(requires_auditd: None, requires_laurel: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine with LAUREL as auditd's plugin; nothing of it runs before or after."""
    with machine_with_auditd(tmp_path) as found:
        found.path("/etc/audit/rules.d/audit.rules").write_text(_RULES)
        place.checkout(found)
        found.run("service auditd start")
        wait_until(lambda: _is_in(found, THEIRS, "before"), "LAUREL logs", 30)
        yield found


def _is_in(host: Machine, log: str, word: str) -> bool:
    """Starts a program with a word; true if it gets into a log."""
    host.run(f"/bin/true {word}")
    return word.encode() in host.read(log)


def test_both_ways(host: Machine) -> None:
    """Both say the same of what was started; each can be switched off without the other."""
    blocks = [block for block in pages.blocks(plan.MIGRATION_PAGE) if block.is_shell]
    beside, install, ids, compare, cost, switch, back = blocks

    on_machine(host, beside.commands())
    on_machine(host, install.commands())
    wait_until(lambda: _is_in(host, OURS, "beside"), "laurel-mp logs, too", 30)
    for word in ("one", "two", "three"):
        host.run(f"/bin/true {word}")
    wait_until(
        lambda: all(_is_in(host, log, "four") for log in (OURS, THEIRS)), "both have all", 30
    )

    said = on_machine(host, ids.commands())
    assert re.search(r"^\d+\.\d+:\d+$", said, re.MULTILINE)  # from before laurel-mp was there
    assert on_machine(host, compare.commands()) == ""
    both = host.read(f"{place.ON_MACHINE}/laurel.events")
    assert both == host.read(f"{place.ON_MACHINE}/laurel-mp.events")
    assert all(word in both for word in (b"beside", b"one", b"two", b"three"))
    assert "/usr/sbin/laurel" in on_machine(host, cost.commands())

    on_machine(host, switch.commands())
    wait_until(lambda: _is_in(host, OURS, "alone"), "laurel-mp continues", 30)
    wait_until(lambda: not _has_laurel(host), "LAUREL has ended", 30)

    on_machine(host, back.commands())
    wait_until(lambda: _is_in(host, THEIRS, "again"), "LAUREL logs again", 30)
    assert host.read(OURS).startswith(b'{"ID":')
    assert not host.path("/etc/audit/plugins.d/laurel-mp.conf").exists()


def _has_laurel(host: Machine) -> bool:
    return "/usr/sbin/laurel" in host.run("ps -eo args | grep '[/]usr/sbin/laurel' || true")
