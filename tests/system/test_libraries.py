"""All libraries of the plugin are there before its modules are."""

import subprocess
import sys

SCRIPT = """
from pathlib import Path

def loaded():
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[-1] for line in lines if ".so" in line}

from laurel_mp.system import libraries
before = loaded()
libraries.load()
early = loaded()
from laurel_mp.cli import plugin
from laurel_mp.pipeline.daemon import bootstrap
bootstrap.import_everything()
print(len(early - before), *(loaded() - early))
"""


def test_none_comes_later() -> None:
    """One that comes later, divides the memory of those that are imported meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    early, *late = done.stdout.split()

    assert int(early) > 5
    assert late == []


WITHOUT = """
import sys
from laurel_mp.system import libraries
sys.path = ["", "/nowhere", sys.executable]
libraries.load()
"""


def test_one_that_is_missing() -> None:
    """Nothing changes if a library cannot be loaded."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
