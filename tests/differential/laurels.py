"""The versions of LAUREL to compare with, and the configurations to compare in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support import requirements
from tests.support.corpus import corpus_bytes, corpus_files, corpus_name

FIELD_LINES = Path(__file__).parent / "field_lines.txt"
"""Records of syslog daemons, old kernels and old versions of auditd, one kind each."""

CAPTURES = [*corpus_files(), FIELD_LINES]
"""Input for all programs."""


def capture_bytes(capture: Path) -> bytes:
    """The records of a capture."""
    return capture.read_bytes() if capture == FIELD_LINES else corpus_bytes(capture)


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
        name = corpus_name(capture)
        if name in _ONLY_IN:
            return self.name in _ONLY_IN[name]
        return not self.captures or name in self.captures


# Large captures that resemble builds.raw: what they add is seen in these configurations.
_ONLY_IN = {
    "builds.audit": ("default",),
    "builds.enriched-node": ("default", "universal", "user-db"),
    "two-nodes.enriched": ("default", "universal", "user-db"),
}


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
