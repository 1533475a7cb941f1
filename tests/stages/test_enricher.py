"""Additions of a worker to execs."""

from pathlib import Path
from typing import Any

import psutil
import pytest

from laurel_mp.events.reassembly.exec_observer import NOTHING, Started
from laurel_mp.events.rendering.execution import Execution, LazyExecution
from laurel_mp.processes.environment import VariableFilter
from laurel_mp.processes.hashes import ExecutableHashes
from laurel_mp.processes.labels import PatternLabels
from laurel_mp.processes.procfs import Procfs
from laurel_mp.records.record_options import RecordOptions
from laurel_mp.stages.enricher import Enricher, EnricherOptions
from tests.support.decoding import parse
from tests.support.procfs_tree import BOOT_TIME, ProcfsTree

SCRIPT = Execution((b"/bin/sh", b"/s", b"x"), b"/s", b"11", is_script=True)
PROGRAM = Execution((b"ls", b"-l"), b"/bin/ls", b"11", is_script=False)
NO_LABELS = PatternLabels({}, {})


class Known(LazyExecution):
    """An execution that was found out already."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(list)
        self._found = execution


def enricher(**options: Any) -> Enricher:
    """One that looks at nothing but what it is given."""
    return Enricher(EnricherOptions(RecordOptions(), **options))


# --- scripts


@pytest.mark.parametrize(
    ("inode", "execution", "expected"),
    [
        (b"", SCRIPT, b',"SCRIPT":"/s"'),
        (b"", PROGRAM, b""),
        (b"11", SCRIPT, b""),
        (b"12", SCRIPT, b',"SCRIPT":"/s"'),
        (b"12", PROGRAM, b',"SCRIPT":"/bin/ls"'),
        (b"11", PROGRAM, b""),
        (b"12", PROGRAM._replace(inode=b""), b""),
        (b"12", SCRIPT._replace(inode=b""), b',"SCRIPT":"/s"'),
        (b"12", SCRIPT._replace(program=b""), b""),
    ],
)
def test_scripts(inode: bytes, execution: Execution, expected: bytes) -> None:
    """A script is told by the running executable, or else by the records."""
    assert expected == enricher().finished(Started(inode=inode), Known(execution)).members


def test_scripts_are_not_shown() -> None:
    """With `script` off, a script still gets its labels."""
    rules = PatternLabels({"^/s$": "x"}, {})
    finished = enricher(script=False, label_script=rules).finished(NOTHING, Known(SCRIPT))

    assert finished == (b"", b'\x1e"x"\x1e\x1e')


def test_prefix() -> None:
    """With a prefix the key is named like all that we add."""
    options = EnricherOptions(RecordOptions(prefix=b"x_"))

    assert Enricher(options).finished(NOTHING, Known(SCRIPT)).members == b',"x_script":"/s"'


# --- details for the tracker


def details(execution: Execution, **options: Any) -> bytes:
    """Returns the details of an exec for the tracker."""
    return enricher(**options).finished(NOTHING, Known(execution)).details


def test_no_details() -> None:
    """Without additions there is no query with details."""
    assert details(PROGRAM, label_argv=PatternLabels({"nothing": "x"}, {})) == b""


def test_labels_are_json_in_their_order() -> None:
    """Those to put on, those to take away, and no command line."""
    labels = PatternLabels({"ls": "b", "-l": "a\n"}, {"^ls -l$": "c"})

    assert details(PROGRAM, label_argv=labels) == b'\x1e"a%0a"\x1f"b"\x1e"c"\x1e'


def test_labels_of_command_line_and_script_are_joined() -> None:
    """A script has both."""
    found = details(
        SCRIPT,
        label_argv=PatternLabels({"^/bin/sh /s x$": "a"}, {}),
        label_script=PatternLabels({"^/s$": "b"}, {"/s": "c"}),
    )

    assert found == b'\x1e"a"\x1f"b"\x1e"c"\x1e'


def test_command_line() -> None:
    """The tracker gets it as JSON, if it is to show it."""
    assert details(PROGRAM, argv=True) == b'\x1e\x1e\x1e["ls","-l"]'


def test_command_line_is_cut_as_in_its_record() -> None:
    """By the limit for EXECVE records."""
    one = Enricher(EnricherOptions(RecordOptions(argv_limit=10), argv=True))
    long = PROGRAM._replace(arguments=(b"aaaa", b"b" * 100, b"cccc"))
    _, _, _, shown = one.finished(NOTHING, Known(long)).details.split(b"\x1e")

    assert b"skipped_args" in shown


@pytest.mark.parametrize(
    ("arguments", "pattern", "expected"),
    [
        ((b"a", b"b"), "^a b$", True),
        ((b"a", b"b", b"c"), "^a b c$", True),
        ((b"a", b"b", b"c", b"d"), "^a b c$", True),
        ((b"0123456789",), "^01234567$", True),
        ((b"0123", b"456789"), "^0123 456$", True),
        ((b"0123", b"456", b"x"), "^0123 456$", True),
        ((b"0123456", b"x", b"y"), "^0123456 $", True),
        ((b"01234567", b"x"), "x", False),
        ((), "^$", True),
    ],
)
def test_limits_of_what_expressions_see(
    arguments: tuple[bytes, ...], pattern: str, expected: bool
) -> None:
    """Three arguments here, and eight bytes of them with the blanks between."""
    found = details(
        PROGRAM._replace(arguments=arguments),
        label_argv=PatternLabels({pattern: "x"}, {}),
        label_argv_count=3,
        label_argv_bytes=8,
    )

    assert expected == bool(found)


# --- what the system says


@pytest.fixture
def tree(tmp_path: Path) -> ProcfsTree:
    """A /proc without processes."""
    (tmp_path / "proc").mkdir()
    return ProcfsTree(tmp_path / "proc")


def live(tree: ProcfsTree, **options: Any) -> Enricher:
    """One that reads `tree`."""
    return enricher(procfs=Procfs(str(tree.root)), **options)


def test_facts(tree: ProcfsTree) -> None:
    """Start time, container, services."""
    container = "ab" * 32
    tree.add(7, cgroup=f"0::/a.service/b.service/docker-{container}.scope\n", start_ticks=0)
    facts = live(tree).started(b"7", b'"/bin/x"').facts

    expected = f'\x1e{BOOT_TIME}.000\x1e"{container}"\x1e"a.service"\x1f"b.service"\x1e'
    assert expected.encode() == facts


def test_hostile_cgroups(tree: ProcfsTree) -> None:
    """A name that holds what separates facts holds it as JSON."""
    tree.add(7, cgroup="0::/lxc/a\x1eb/c\x1fd\x1e.service\n", start_ticks=0)
    _, *facts = live(tree).started(b"7", b'"/bin/x"').facts.split(b"\x1e")

    assert facts[1:3] == [b'"a%1eb"', b'"c%1fd%1e.service"']


def test_nothing_but_a_start_time(tree: ProcfsTree) -> None:
    """Outside of containers and services."""
    tree.add(7, start_ticks=0)

    assert live(tree).started(b"7", b'"/bin/x"').facts == b"\x1e%d.000\x1e\x1e\x1e" % BOOT_TIME


@pytest.mark.parametrize(
    ("pid", "exe"), [(b"8", b'"/bin/x"'), (b"7", b'"/bin/y"'), (b"7", b"null"), (b"7", b'""')]
)
def test_another_program(tree: ProcfsTree, pid: bytes, exe: bytes) -> None:
    """Facts from /proc count only if the process still runs the program."""
    tree.add(7)

    assert live(tree).started(pid, exe) == NOTHING


def test_no_descriptor_is_left_open(tree: ProcfsTree) -> None:
    """Whatever comes of it."""
    tree.add(7)
    tree.add(9, exe=None)
    one, process = live(tree), psutil.Process()
    before = process.num_fds()
    for pid in (b"7", b"8", b"9"):
        for exe in (b'"/bin/x"', b'"/bin/y"', b"null"):
            one.started(pid, exe)

    assert before == process.num_fds()


def test_offline() -> None:
    """No look-up is made for processes that ran elsewhere, or long ago."""
    assert enricher().started(b"1", b'"/sbin/init"') == NOTHING


def test_inode(tree: ProcfsTree, tmp_path: Path) -> None:
    """That of the file itself, which is what tells interpreters from scripts."""
    program = tmp_path / "program"
    program.touch()
    tree.add(7, exe=str(program))
    started = live(tree).started(b"7", b'"%b"' % bytes(program))

    assert started.inode == b"%d" % program.stat().st_ino


def test_hash_and_environment(tree: ProcfsTree, tmp_path: Path) -> None:
    """They become members: of the SYSCALL object one, of the EXECVE object the other."""
    program = tmp_path / "program"
    program.write_bytes(b"x")
    directory = tree.add(7, exe=str(program))
    (directory / "environ").write_bytes(b'A=1\0B="\xff\0C=3\0')
    procfs = Procfs(str(tree.root))
    one = enricher(
        procfs=procfs,
        hashes=ExecutableHashes(procfs, 100, 10),
        environment=VariableFilter(["A", "B"]),
    )
    started = one.started(b"7", b'"%b"' % bytes(program))

    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert parse(b"{" + started.members[1:] + b"}") == {"EXE_HASH": digest}
    assert parse(b"{" + started.environment[1:] + b"}") == {"ENV": {"A": "1", "B": '"%ff'}}


def test_no_variables(tree: ProcfsTree) -> None:
    """There is no empty object."""
    (tree.add(7) / "environ").write_bytes(b"A=1\0")
    started = live(tree, environment=VariableFilter(["B"])).started(b"7", b'"/bin/x"')

    assert started.environment == b""
