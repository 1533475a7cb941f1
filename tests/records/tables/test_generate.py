"""The generated tables, and the generator."""

import csv
from pathlib import Path

import pytest

from laurel_mp.records.tables import (
    arches,
    fields,
    generate,
    process_calls,
    record_types,
    syscalls,
    uring_ops,
)


def rows(name: str) -> list[list[str]]:
    """The CSV file without its header."""
    with (generate.DATA / f"{name}.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_tables_are_up_to_date() -> None:
    """The modules in the repository are those that the CSV files give."""
    assert generate.main(["--check"]) == 0


def test_check_names_a_stale_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` writes nothing and fails; without it, the table is written and the check holds."""
    monkeypatch.setattr(generate, "HERE", tmp_path)

    assert generate.main(["--check"]) == 1
    assert f"{tmp_path / 'fields.py'} is stale" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_all_record_types_are_there() -> None:
    """Each row of the CSV file, by its name."""
    assert {name.encode(): int(number) for number, name in rows("record_types")} == (
        record_types.NUMBERS
    )


def test_all_operations_of_io_uring_are_there() -> None:
    """Each row of the CSV file, by its number."""
    assert {number.encode(): name.encode() for number, name in rows("uring_ops")} == uring_ops.NAMES


def test_a_field_that_is_listed_twice_has_its_first_class() -> None:
    """A capability set stands before a fingerprint, and a device number before a name."""
    assert fields.CLASSES[b"fp"] == "hexadecimal"
    assert fields.CLASSES[b"dev"] == "numeric"
    assert fields.CLASSES[b"val"] == "text"


def test_arches_are_named_by_what_a_record_says() -> None:
    """Lower-case hex without 0x."""
    assert arches.NAMES[b"c000003e"] == b"x86_64"
    assert all(hexa == hexa.lower() for hexa in arches.NAMES)


def test_all_syscall_tables_belong_to_an_arch() -> None:
    """A table under a name that no `arch=` leads to would never be used."""
    assert set(syscalls.NAMES) <= set(arches.NAMES.values())


@pytest.mark.parametrize(
    ("arch", "number", "name"),
    [
        (b"x86_64", b"59", b"execve"),
        (b"aarch64", b"221", b"execve"),
        (b"ppc64le", b"11", b"execve"),
        (b"armeb", b"11", b"execve"),
        (b"i386", b"219", b"madvise"),
    ],
)
def test_syscalls_by_arch_and_number(arch: bytes, number: bytes, name: bytes) -> None:
    """Also where the table is another architecture's, or has two names for the number."""
    assert syscalls.NAMES[arch][number] == name


@pytest.mark.parametrize(
    ("arch", "number", "kind"),
    [
        (b"c000003e", b"59", "exec"),
        (b"c000003e", b"322", "exec"),
        (b"c000003e", b"60", "exit"),
        (b"c000003e", b"231", "exit_group"),
        (b"c000003e", b"1073742344", "exec"),  # x32: bit 30 and a number of its own
        (b"c000003e", b"1073742369", "exec"),
        (b"c000003e", b"1073741884", "exit"),  # x32: bit 30 and the same number
        (b"c000003e", b"1073742055", "exit_group"),
        (b"40000003", b"11", "exec"),
        (b"c00000b7", b"281", "exec"),
        (b"c0000015", b"234", "exit_group"),
        (b"c0000102", b"94", "exit_group"),
    ],
)
def test_calls_that_begin_or_end_a_process(arch: bytes, number: bytes, kind: str) -> None:
    """By what `arch=` and `syscall=` say."""
    assert process_calls.KINDS[arch][number] == kind


def test_x32_execve_is_not_its_x86_64_number() -> None:
    """With bit 30 set, 59 is no call at all."""
    assert str(0x40000000 + 59).encode() not in process_calls.KINDS[b"c000003e"]
