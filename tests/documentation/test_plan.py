"""Each command is run by a test, or named with the reason why not."""

import importlib.util
import re
import shlex
from collections.abc import Iterator, Sequence

import pytest

from laurel_mp.cli.commands import COMMANDS
from laurel_mp.manual.commands import parser_of
from tests.documentation import pages, plan
from tests.documentation.pages import ROOT, Block

PLACES = (*plan.USER_PAGES, plan.INSTALLATION_PAGE, plan.MIGRATION_PAGE)

_BEGINNING = re.compile(
    r"^(\$ |# |sudo |sh |python3? |pip |jq |auditctl |apt-get |kill |systemctl |laurel-mp -"
    rf"|laurel-mp ({'|'.join(COMMANDS)}))"
)


def _shell_blocks() -> Iterator[Block]:
    for page in pages.names():
        yield from (block for block in pages.blocks(page) if block.is_shell)


def _commands() -> list[str]:
    return [each for block in _shell_blocks() for each in block.commands()]


def test_each_place_has_its_page() -> None:
    """A page that is said to have commands has some, and each that has some is run."""
    with_commands = {block.page for block in _shell_blocks()}

    assert [page for page in PLACES if page not in with_commands] == []
    assert with_commands == {*PLACES, *plan.host_pages()}


@pytest.mark.parametrize("command", [*plan.ELSEWHERE, *plan.NOT_RUN])
def test_exempt_commands_are_on_a_page(command: str) -> None:
    """One that stands nowhere any more is taken off the list, too."""
    assert command in {plan.without_comment(each) for each in _commands()}


@pytest.mark.parametrize("part", plan.INSTEAD)
def test_what_is_replaced_is_on_a_page(part: str) -> None:
    """The same for parts of commands: in the order of the list, each finds something."""
    before = list(plan.INSTEAD).index(part)
    others = list(plan.INSTEAD.items())[:before]
    found = False
    for command in _commands():
        for earlier, other in others:
            command = command.replace(earlier, other)  # noqa: PLW2901 - as it is run
        found |= part in command

    assert found


@pytest.mark.parametrize("command", plan.ELSEWHERE)
def test_run_elsewhere(command: str) -> None:
    """A command that another test runs is in that test."""
    name, what = plan.ELSEWHERE[command]

    assert what in (ROOT / name).read_text()


def test_no_command_is_overlooked() -> None:
    """A block that is not marked as a shell's has neither commands nor a prompt."""
    found = [
        f"{block}: {line}"
        for page in pages.names()
        for block in pages.blocks(page)
        if block.kind in ("", "text")
        for line in block.text.splitlines()
        if _BEGINNING.match(line) and "[OPTION...]" not in line
    ]

    assert found == []


def test_kinds_of_blocks() -> None:
    """A new kind of block needs a decision whether it is typed."""
    kinds = {block.kind for page in pages.names() for block in pages.blocks(page)}

    assert kinds <= {"", "text", "indented", "sh", "sql", "toml", "yaml", "audit", "json"}


# --- options


def _words(text: str) -> Sequence[str]:
    """The words of a command, without those that a shell would take."""
    return shlex.split(re.split(r" [|>&]|;", text)[0], comments=True)


def _calls(name: str) -> list[Sequence[str]]:
    """All uses of a program on the pages, in the text, too, with what stands behind its name."""
    typed = [part for each in _commands() for part in re.split(r"\| |&& |\$\(", each)]
    inline = [
        found
        for page in pages.names()
        for found in re.findall(r"`([^`\n]+)`", pages.prose(page))
        if page != "CHANGELOG.md"
    ]
    return [_words(each.strip())[1:] for each in typed + inline if each.strip().startswith(name)]


def test_options_of_laurel_mp() -> None:
    """Each option with which a page calls a command is one of that command."""
    wrong = []
    calls = _calls("laurel-mp ")
    for words in calls:
        command = words[0] if words[0] in COMMANDS else ""
        parser = parser_of(command)
        known = {option for action in parser._actions for option in action.option_strings}
        wrong += [
            (command, word)
            for word in words
            if word.startswith("-") and word != "-" and word.partition("=")[0] not in known
        ]
        if not command and not words[0].startswith("-") and words[0] != "COMMAND":
            wrong.append(("", words[0]))

    assert wrong == []
    assert len(calls) > 50


def test_options_of_the_installer() -> None:
    """The same for install.sh, by its own help text."""
    usage = (ROOT / "deploy/install.sh").read_text().split("USAGE")[1]
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage))
    words = {word for words in _calls("sh deploy/install.sh") for word in words}

    assert {word for word in words if word.startswith("-")} - known == set()


def test_modules_that_are_run() -> None:
    """Each module called with `python -m` exists."""
    for words in (*_calls("python -m"), *_calls("python3 -m")):
        module = words[1]
        assert importlib.util.find_spec(module), module


def test_targets_of_make() -> None:
    """Each target of make is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = [words[0] for words in _calls("make ") if words and not words[0].startswith("-")]

    assert set(asked) <= targets
    assert "bench" in asked
