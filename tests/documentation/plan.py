"""Tests that run the documentation's commands, and substitutes for placeholders.

A command that is neither run nor named here fails a test. So does a name that no page has.
"""

from collections.abc import Sequence

from tests.documentation import pages
from tests.documentation.pages import Block

USER_PAGES = (
    "README.md",
    "docs/analysis.md",
    "docs/converting.md",
    "docs/load-testing.md",
    "docs/log-format.md",
    "docs/performance.md",
)
"""Run in a checkout; see `place.py`."""

INSTALLATION_PAGE = "docs/installation.md"
"""Run by root, on a machine without laurel-mp."""

MIGRATION_PAGE = "docs/migrating.md"
"""Run by root, on a machine where a real auditd has LAUREL as its plugin."""


def host_pages() -> list[str]:
    """All others: run by root, on a machine where laurel-mp runs, as a page says how to install it.

    No auditd runs there.
    """
    others = {*USER_PAGES, INSTALLATION_PAGE, MIGRATION_PAGE}
    return [
        page
        for page in pages.names()
        if page not in others and any(block.is_shell for block in pages.blocks(page))
    ]


MAY_FIND = ("laurel-mp doctor",)
"""Commands that end with status 1 if they find something, as they may on that machine."""


_PLUGIN = "tests/deploy/test_plugin_install.py"
_README = (_PLUGIN, 'pages.blocks("README.md")')

MAKE_WHEELS = "pip wheel --wheel-dir wheels ."

ELSEWHERE = {
    MAKE_WHEELS: ("tests/documentation/test_host.py", "plan.MAKE_WHEELS"),
    "apt-get install auditd python3-venv": (".ci/run", "[auditd]=auditd"),
    "sh deploy/install.sh --rules": _README,
    "service auditd start": _README,
    "laurel-mp -d -c /etc/laurel-mp/config.toml": _README,
    "sh deploy/install.sh --uninstall": (_PLUGIN, "share/laurel-mp/install.sh --uninstall"),
    "sh deploy/install.sh --af-unix": (_PLUGIN, "sh deploy/install.sh --af-unix"),
    "apparmor_parser --skip-kernel-load --skip-cache deploy/apparmor/opt.laurel-mp.bin.laurel-mp": (
        "tests/deploy/test_policies.py",
        '"--skip-kernel-load"',
    ),
    "make -f /usr/share/selinux/devel/Makefile laurel_mp.pp": (
        "tests/deploy/test_policies.py",
        '"make", "-f", SELINUX, "laurel_mp.pp"',
    ),
}
"""Commands that are run by another test, or before the tests: the file, and what does it there."""

NOT_RUN = {
    "python3 -m tests": "runs this test, among all others",
    "tail -F /var/log/laurel-mp/audit.log": "does not end",
    "laurel-mp top": "needs a terminal, and does not end; tests/cli/test_top.py has one",
    "laurel-mp tune": "takes half a minute at least; tests/loadtest/test_tune.py makes short runs",
    "laurel-mp tune --seconds 5 --json /var/log/audit/audit.log": "the same",
    "laurel-mp tune --seconds 5 /var/log/audit/audit.log": "the same",
    "python3 -m tests.execs --rates 50,100,200,400 --seconds 20": (
        "has 150 programs a second started under a real auditd, to measure"
    ),
}
"""Commands that no test runs: why. Their options are checked like those of all others."""

INSTEAD = {
    # Sizes: what is measured here does not matter.
    "--events 1000000": "--events 2000",
    "--rate 5000 --events 300000": "--rate 5000 --events 500",
    "--events 100000": "--events 2000",
    "--events 200000": "--events 500",
    "--events 10000 --mode live": "--events 200 --mode live",
    "--lines 10000000": "--lines 2000",
    "--lines 3000000": "--lines 2000",
    "--lines 1000000": "--lines 2000",
    "--mix all": "--mix all --events 1000",
    "--rate 2000 --loop 0": "--rate 2000 --loop 2",
    "--seconds 60": "--seconds 1",
    "tests/corpus/builds.raw.txt.xz": "docs/sample/audit.log",
    "laurel-mp bench --mode live --rate 1000": (
        "laurel-mp bench --mode live --rate 1000 --events 200 --runs 1 --workers 0"
    ),
    " --peer laurel": " --peer laurel --runs 1 --workers 0",
    " --workers 0 --workers 0,1,2": " --workers 1",
    "bench --mode idle --runs 1": "bench --mode idle --seconds 1 --workers 0 --runs 1",
    "bench --mode live --runs 1": "bench --mode live --workers 0 --runs 1",
    # There is a log of auditd on few machines.
    "/var/log/audit/": "log/",
}
"""Parts of commands, and what is run in their place."""


def is_exempt(command: str) -> bool:
    """True if these tests need not run a command; a comment behind it does not matter."""
    return without_comment(command) in (ELSEWHERE.keys() | NOT_RUN.keys())


def without_comment(command: str) -> str:
    """A command of one line without what is said about it."""
    return command.partition("  # ")[0].partition("    #")[0].strip()


def as_run(command: str) -> str:
    """A command with what stands in for parts of it."""
    for part, other in INSTEAD.items():
        command = command.replace(part, other)
    return f"{command} || [ $? = 1 ]" if command.startswith(MAY_FIND) else command


def commands_to_run(block: Block) -> Sequence[str]:
    """Those of a block, but for what is run elsewhere or not at all."""
    return [as_run(each) for each in block.commands() if not is_exempt(each)]
