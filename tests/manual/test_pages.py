"""The man pages and docs/commands.md: up to date, complete, and without a fault."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from laurel_mp.cli import exit_status
from laurel_mp.cli.commands import COMMANDS
from laurel_mp.config import Config
from laurel_mp.config.settings import Setting, walk
from laurel_mp.manual import commands, roff
from laurel_mp.manual.pages import pages
from tests.support.requirements import program, require

ROOT = Path(__file__).parents[2]

MAN = ROOT / "docs" / "man"
PAGES = sorted(MAN.glob("man*/*"))


def _plain(name: str) -> str:
    """A man page as roff, but for its escapes."""
    text = (MAN / name).read_text()
    text = re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\(aq", "'")
    return text.replace("\\(dq", '"')


@pytest.mark.parametrize("name", pages(ROOT))
def test_up_to_date(name: str) -> None:
    """The file is what `python -m laurel_mp.manual` writes."""
    assert pages(ROOT)[name] == (ROOT / name).read_text(encoding="utf-8")


def test_no_other_pages() -> None:
    """A page that is generated no more is gone."""
    made = sorted(ROOT / name for name in pages(ROOT) if "/man/" in name)

    assert made == PAGES


def test_command(tmp_path: Path) -> None:
    """Run at the top of a source tree, the module writes all of its files."""
    (tmp_path / "docs").mkdir()
    for name in ("about", "audit-rules", "installation", "operation"):
        (tmp_path / f"docs/{name}.md").write_bytes((ROOT / f"docs/{name}.md").read_bytes())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    command = [sys.executable, "-m", "laurel_mp.manual"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)

    for name, text in pages(ROOT).items():
        assert text == (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_mandoc_finds_no_fault(path: Path) -> None:
    """Not even one of style."""
    mandoc = program("mandoc")
    require(mandoc, "mandoc (Debian: apt-get install mandoc)")
    assert mandoc

    done = subprocess.run(
        [mandoc, "-Tlint", "-Wstyle", path], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_man_has_no_warning(path: Path, locale: str) -> None:
    """man(1), with groff behind it, shows the page, also on a terminal that knows ASCII only."""
    man = program("man")
    require(man, "man (Debian: apt-get install man-db)")
    assert man
    environment = os.environ | {"LC_ALL": locale, "MANWIDTH": "80"}

    done = subprocess.run(
        [man, "--warnings", "-l", path],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "SEE ALSO" in done.stdout


def test_each_command_and_option_is_described() -> None:
    """Also those of commands to come: what is listed is what the parsers know."""
    page = _plain("man8/laurel-mp.8")
    for command in ("", *COMMANDS):
        parser = commands.parser_of(command)
        assert f"{parser.prog} [OPTION...]" in page
        for action in parser._actions:
            assert action.help
            if action.help is argparse.SUPPRESS:
                continue  # between processes of laurel-mp
            for option in action.option_strings:
                assert re.search(rf"(^|, ){re.escape(option)}(,| |$)", page, re.MULTILINE), option


def test_each_setting_is_described() -> None:
    """With its section."""
    page = _plain("man8/laurel-mp.8")
    for path, entry in walk(Config):
        if isinstance(entry, Setting):
            assert f"\n.TP\n{entry.name}\n" in page
            assert not path or f'\n.SS "[{".".join(path)}]"\n' in page


def test_each_signal_is_described() -> None:
    """Those that the plugin handles, in docs/operation.md and so in the man page."""
    handled = set()
    for module in (ROOT / "laurel_mp" / "pipeline").rglob("*.py"):
        handled |= set(
            re.findall(r"signal\.(SIG(?:TERM|INT|HUP|USR\d|PIPE))\b", module.read_text())
        )
    signals = _plain("man8/laurel-mp.8").split(".SH SIGNALS")[-1]

    assert {"SIGTERM", "SIGHUP"} < handled
    assert [name for name in sorted(handled) if name not in signals] == []


def test_each_exit_status_is_described() -> None:
    """Those that the command line knows, success, and an interrupt."""
    known = {value for name, value in vars(exit_status).items() if name.isupper()}
    table = roff.section((ROOT / "docs" / "operation.md").read_text(), "Exit status")

    assert {0, 130} | known == {
        int(number) for number in re.findall(r"^\| (\d+) ", table, re.MULTILINE)
    }


def test_kinds_of_options() -> None:
    """Values, choices, several arguments, and a command that has nothing to be described."""
    parser = argparse.ArgumentParser(prog="laurel-mp new", description="Do\n it.", epilog="End.")
    parser.add_argument("-n", "--number", type=int, default=3, help="how many (%(default)s)")
    parser.add_argument("--kind", choices=["a", "b"], help="which")
    parser.add_argument("file", nargs="+", metavar="FILE", help="what")
    bare = argparse.ArgumentParser(prog="laurel-mp bare")

    assert (
        "".join(commands.section(parser))
        == """\
Do it.

```text
laurel-mp new [OPTION...] FILE...
```

| | |
| --- | --- |
| `-n NUMBER`, `--number NUMBER` | how many (3) |
| `--kind a\\|b` | which |
| `FILE` | what |

End.
"""
    )
    assert "".join(commands.section(bare)) == "\n\n```text\nlaurel-mp bare [OPTION...]\n```\n"


def test_parts_of_a_page() -> None:
    """Each kind of text that our pages have, in the words of man(7)."""
    text = """\
# Title

Text with `code-a`, **bold `x`**, *emphasis* and [a link](https://example.org/), see [here](x.md#y)
or [about.md](about.md), or [rules](audit-rules.md). <https://example.net/> is an address.

.not a request

- one
  continues
- two

## Heading

    $ indented

```text
.fenced \\

it's
```

| what | how | why |
| --- | --- | --- |
| `a\\|b` | c | d |
| | | |

### Below
"""
    expected = """\
Text with \\fBcode\\-a\\fR, \\fBbold \\fBx\\fB\\fR, \\fIemphasis\\fR and a link
<https://example.org/>, see here or \\fBlaurel\\-mp\\-about\\fR(7)\\fR, or rules
(see \\fBlaurel\\-mp\\-audit\\-rules\\fR(7)\\fR).
https://example.net/ is an address.
.PP
\\&.not a request
.IP \\(bu 2
one continues
.IP \\(bu 2
two
.SH "HEADING"
.RS 4
.nf
$ indented
.fi
.RE
.PP
.RS 4
.nf
\\&.fenced \\e
\\&
it\\(aqs
.fi
.RE
.TP
\\fBa|b\\fR
how: c
.br
why: d
.TP
\\&
\\&
.SS "Below"
"""
    assert expected == roff.render(text)


def test_nested_blocks() -> None:
    """A list may be numbered, and hold another list or commands."""
    text = """\
1. first

       $ command

2. second
   - below
"""
    expected = """\
.IP 1. 3
first
.RS 2
.RS 4
.nf
$ command
.fi
.RE
.RE
.IP 2. 3
second
.RS 2
.IP \\(bu 2
below
.RE
"""
    assert expected == roff.render(text)


@pytest.mark.parametrize("text", ["> quoted\n", "Line\n\n> quoted\n"])
def test_unknown_markdown(text: str) -> None:
    """Markdown without a form in man pages is an error, not a page that lacks it."""
    with pytest.raises(ValueError, match="no man page has a blockquote"):
        roff.render(text)


def test_missing_section() -> None:
    """A page that has lost a section that is needed is a fault to be seen."""
    with pytest.raises(LookupError, match="no section 'Signals'"):
        roff.section("## Signal\n", "Signals")
