"""The commands on the pages work as typed in a checkout."""

from pathlib import Path

import pytest

from tests.documentation import pages, place, plan
from tests.support import requirements

NEEDED = {"jq": "jq", "aureport": "auditd", "laurel": "laurel", "zcat": "gzip", "bash": "bash"}


@pytest.mark.parametrize("page", plan.USER_PAGES)
def test_commands(page: str, tmp_path: Path) -> None:
    """One after the other, those of a page end with status 0."""
    for name, package in NEEDED.items():
        found = requirements.program(name)
        requirements.require(found, f"{name} (Debian: apt-get install {package})")
    directory = place.prepare(page, tmp_path)

    for block in pages.blocks(page):
        if block.is_shell:
            place.run(plan.commands_to_run(block), directory)
