"""The versions of LAUREL to compare with, and the configurations to compare in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import requirements
from tests.support.corpus import corpus_name


@dataclass(frozen=True)
class Laurel:
    """One version of LAUREL."""

    version: str
    program: Callable[[], Path]
    """Returns the path of the program; skips the test if there is none."""


OLD = Laurel("0.5.1", requirements.laurel)
NEW = Laurel("0.8.2", requirements.newest_laurel)
LAURELS = (OLD, NEW)

# All programs get the same text: LAUREL ignores the settings that it does not know. Nothing here
# may depend on this machine.
_COMMON = """\
[auditlog]
file = "audit.log"
size = 1000000000000
generations = 1
[enrich]
execve-env = []
container = false
script = false
systemd = false
uid-groups = false
"""


@dataclass(frozen=True)
class Config:
    """A configuration for all programs."""

    name: str
    added: str
    """Text behind that of all configurations, first more settings of `[enrich]`."""
    laurels: tuple[Laurel, ...] = LAURELS
    captures: frozenset[str] = frozenset()
    """Names of the captures that have something to show; all by default."""

    @property
    def text(self) -> str:
        """The whole configuration."""
        return _COMMON + self.added

    def applies(self, capture: Path) -> bool:
        """True if `capture` is to be converted with this configuration."""
        return not self.captures or corpus_name(capture) in self.captures


# Settings that have nothing to do with each other share a run.
CONFIGS = (
    Config("default", ""),
    Config("universal", "[translate]\nuniversal = true\n"),
    Config("user-db", "[translate]\nuser-db = true\n"),
    Config(
        "verbose",
        'parent-info = true\nppid-verbose = true\n[transform]\nexecve-argv = ["array", "string"]\n',
    ),
    Config(
        "prefix",
        """\
prefix = "added_"
[translate]
universal = true
user-db = true
drop-raw = true
[transform]
execve-argv-limit-bytes = 1000
""",
        (NEW,),
        frozenset(("argv.raw", "concurrent.raw")),
    ),
    Config(
        "labels",
        """\
[label-process]
label-keys = ["software_mgmt"]
label-exe.'^/usr/bin/git$' = "git"
label-argv.'^useradd ' = "users"
propagate-labels = ["software_mgmt", "git", "users"]
[filter]
filter-keys = ["net"]
filter-labels = ["git"]
filter-null-keys = true
""",
        (NEW,),
        frozenset(("builds.raw",)),
    ),
)
