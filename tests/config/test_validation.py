"""Valid configurations, and the messages about invalid ones."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.config import Config, kinds, parse
from laurel_mp.config.settings import Setting, label, walk
from laurel_mp.config.validation import Reading, configured
from laurel_mp.errors import ConfigError

HERE = Path(__file__).parent
EVERY_OPTION = (HERE / "every-option.toml").read_text(encoding="utf-8")
# A sample of each TOML type.
VALUES = {
    "boolean": "true",
    "integer": "7",
    "float": "7.5",
    "string": '"x"',
    "array": "[true]",
    "table": '{ "x" = 1 }',
    "date or time": "2022-07-01",
}


def taken_types(kind: kinds.Kind) -> set[str]:
    """Return the TOML types whose sample above is no mistake, or another one than its type."""
    if kind is kinds.FLAG:
        return {"boolean"}
    if kind is kinds.RULES:
        return {"table"}
    if kind is kinds.WORKERS or kind.expected.startswith("a whole number"):
        return {"integer"}
    if kind.expected.startswith("a number"):
        return {"integer", "float"}
    # An array is taken as such, and refused for the boolean in it.
    return set() if kind.expected.startswith("an array") else {"string"}


WRONG = [
    pytest.param(path, entry, kind, id=f"{label(path, entry.name)} {kind}")
    for path, entry in walk(Config)
    if isinstance(entry, Setting)
    for kind in VALUES
    if kind not in taken_types(entry.kind)
]


def problems(text: str) -> list[str]:
    """Return the problems of a configuration, without the name of its file."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "FILE")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("FILE: ") for line in lines)
    return [line.removeprefix("FILE: ") for line in lines]


def document(path: tuple[str, ...], text: str, entry: Setting) -> str:
    """Put a line into its section, after what that section cannot be without."""
    header = f"[{'.'.join(path)}]\n" if path else ""
    needs_file = len(path) == 2 and not entry.required
    return header + ('file = "x"\n' if needs_file else "") + text


# ---------------------------------------------------------------------- what is accepted


def test_every_option() -> None:
    """A file can set every setting, and every one arrives."""
    config = parse(EVERY_OPTION, "FILE")

    unchanged = [
        label(path, entry.name)
        for path, entry, value in configured(config)
        if value == entry.default
    ]
    assert unchanged == []
    assert len(configured(config)) == sum(isinstance(e, Setting) for _, e in walk(Config))


def test_empty() -> None:
    """An empty file, and one of empty sections, mean the defaults."""
    sections = "".join(f"[{name}]\n" for name in tomllib.loads(EVERY_OPTION) if name in HEADERS)

    assert Config() == parse("", "FILE")
    assert Config() == parse(sections, "FILE")


HEADERS = {
    "auditlog", "filterlog", "state", "debug", "transform",
    "translate", "enrich", "label-process", "filter", "pipeline",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("[translate]\nuserdb = true", "translate.user_db"),
        ("[translate]\nuser-db = true", "translate.user_db"),
        ("[enrich]\ncontainer_info = true", "enrich.container_info"),
        ("[enrich]\ncontainer-info = true", "enrich.container_info"),
    ],
)
def test_alias(text: str, attribute: str) -> None:
    """Former and documented spellings set the same setting."""
    section, _, name = attribute.partition(".")

    assert getattr(getattr(parse(text, "FILE"), section), name) is True


@pytest.mark.parametrize("name", ["user-groups", "uid-groups"])
def test_user_groups(name: str) -> None:
    """Both names of the setting that LAUREL's manual and code name differently have an effect."""
    assert not parse(f"[enrich]\n{name} = false", "FILE").enrich.user_groups


@pytest.mark.parametrize("name", ["parent-info", "parent_info"])
def test_parent_info(name: str) -> None:
    """Both spellings of the setting that LAUREL's samples have are known."""
    assert not parse(f"[enrich]\n{name} = false", "FILE").enrich.parent_info


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(("path", "entry", "kind"), WRONG)
def test_wrong_types(path: tuple[str, ...], entry: Setting, kind: str) -> None:
    """A value of a type that the setting does not take is one problem, which names both."""
    (found,) = problems(document(path, f"{entry.name} = {VALUES[kind]}\n", entry))

    assert found.startswith(f"{label(path, entry.name)}: expected {entry.kind.expected}, got ")
    assert kind in found.rpartition(", got ")[2]


def test_rule_with_wrong_label() -> None:
    """A label that is no string is a problem, which names the expression."""
    (found,) = problems("[label-process]\nlabel-exe.'^/bin/' = 1")

    assert found == (
        '[label-process] label-exe: expected a table of "regular expression" = "label", '
        "got integer (1) for '^/bin/'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[enrich]\nparent-inf = true",
            "[enrich] parent-inf: unknown key; did you mean [enrich] parent-info?",
        ),
        (
            "[enrich]\nexe_hash = true",
            "[enrich] exe_hash: unknown key; did you mean [enrich] exe-hash?",
        ),
        (
            "[enrich]\nfilter-keys = []",
            "[enrich] filter-keys: unknown key; did you mean [filter] filter-keys?",
        ),
        ("Directory = '/srv'", "Directory: unknown key; did you mean directory?"),
        ("worker = 2", "worker: unknown key; did you mean [pipeline] workers?"),
        ("[filters]", "[filters]: unknown section; did you mean [filter]?"),
        ("[label_process]", "[label_process]: unknown section; did you mean [label-process]?"),
        (
            "[parse-error-log]",
            "[parse-error-log]: unknown section; did you mean [debug.parse-error-log]?",
        ),
        ("[debug.logs]", "[debug.logs]: unknown section; did you mean [debug.log]?"),
        ("xyzzy = 1", "xyzzy: unknown key"),
        ("[xyzzy]", "[xyzzy]: unknown section"),
        ('"a\\nb" = 1', r"'a\nb': unknown key"),
    ],
)
def test_unknown(text: str, expected: str) -> None:
    """S9: An unknown name is a problem, with the nearest name that is known."""
    assert [expected] == problems(text)


def test_section_is_no_table() -> None:
    """A section that is a value, or a list of tables, is a problem."""
    assert problems("filter = 1") == ["[filter]: expected a table, got integer (1)"]
    assert problems("[[auditlog]]") == ["[auditlog]: expected a table, got array ([{}])"]


def test_given_twice() -> None:
    """Two spellings of one setting are a problem, since one of them would be ignored."""
    assert problems("[translate]\nuser-db = true\nuserdb = false") == [
        "[translate] userdb: user-db is given already, by its other name"
    ]


def test_all_problems_at_once() -> None:
    """All problems are reported, each in a line of its own."""
    found = problems(
        "user = 1\nusr = 1\n[auditlog]\nsize = -1\n[filter]\nfilter-action = 'log'\n"
        "filter-raw-lines = ['(']\n[pipeline]\nworkers = 'many'\n[nope]\n"
    )

    assert [line.partition(": ")[0] for line in found] == [
        "user",
        "usr",
        "[auditlog] size",
        "[pipeline] workers",
        "[nope]",
        "[filter] filter-action",
        "[filter] filter-raw-lines",
    ]


@pytest.mark.parametrize("text", ["", "[filterlog]", "[filterlog]\nsize = 1"])
def test_filter_log_without_file(text: str) -> None:
    """L20: Filtered events cannot go to a log that has no file."""
    assert problems(f"{text}\n[filter]\nfilter-action = 'log'") == [
        '[filter] filter-action: "log" needs a file in [filterlog]'
    ]


def test_filter_log_with_faulty_section() -> None:
    """A filter log with a mistake is not said to have no file on top of that."""
    assert problems("[filterlog]\nfil = 'x'\n[filter]\nfilter-action = 'log'") == [
        "[filterlog] fil: unknown key; did you mean [filterlog] file?"
    ]


@pytest.mark.parametrize("section", ["auditlog", "filterlog", "debug.inputlog", "debug.log"])
def test_empty_file_name(section: str) -> None:
    """An empty file name is a problem: the path would be that of the directory."""
    (found,) = problems(f"[{section}]\nfile = ''")

    assert found == (
        f"[{section}] file: expected {kinds.OUTPUT.expected}, got string (''): it is empty"
    )


def test_debug_log_without_file() -> None:
    """A debug log must say where it goes."""
    (found,) = problems("[debug.log]")

    assert found == (f"[debug.log] file: expected {kinds.OUTPUT.expected}, but it is missing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("window-bytes = 1000000", "[pipeline] window-bytes: expected at least"),
        ("batch-bytes = 60000000", "[pipeline] window-bytes: expected at least"),
        ("max-event-bytes = 4000000", "[pipeline] max-event-bytes: expected at least"),
    ],
)
def test_limits_that_do_not_fit(text: str, expected: str) -> None:
    """A limit that could never be kept, because of another one, is a problem."""
    found = problems(f"[pipeline]\n{text}")

    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[filter]\nfilter-raw-lines = ['a(']", "[filter] filter-raw-lines"),
        ("[filter]\nfilter-exe = ['^/opt', '[']", "[filter] filter-exe"),
        ("[label-process]\nlabel-exe.'*' = 'x'", "[label-process] label-exe"),
        ("[label-process]\nunlabel-script.'(?=a)' = 'x'", "[label-process] unlabel-script"),
        ("[label-process]\nlabel-argv.'(a)\\1' = 'x'", "[label-process] label-argv"),
        ("[filter]\nfilter-exe = ['\\x{263a}']", "[filter] filter-exe"),  # no byte is that
    ],
)
def test_regular_expressions(text: str, where: str, capfd: pytest.CaptureFixture[str]) -> None:
    """An expression that RE2 cannot take is a problem, and RE2 itself writes nothing."""
    pytest.importorskip("re2")
    found = problems(text)

    assert len(found) == 1
    assert found[0].startswith(f"{where}: expected a regular expression, got string (")
    assert capfd.readouterr() == ("", "")


def test_without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without RE2, expressions are not checked."""
    monkeypatch.setitem(sys.modules, "re2", None)

    assert parse("[filter]\nfilter-exe = ['(']", "FILE").filter.filter_exe == ("(",)


# ---------------------------------------------------------------------- anything at all

NAMES = sorted({entry.name for _, entry in walk(Config)})
ANYTHING = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), ANYTHING, max_size=4))
def test_anything(tables: dict[str, Any]) -> None:
    """Whatever a file says, it ends in a configuration and in problems of one line each."""
    reading = Reading()

    assert isinstance(reading.config(tables), Config)
    assert all(len(problem.splitlines()) == 1 for problem in reading.problems)
