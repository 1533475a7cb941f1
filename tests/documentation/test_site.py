"""The site: it builds without a warning, and loads nothing from another server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import picture
from tests.documentation.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a link or an anchor that leads nowhere fails."""
    directory = tmp_path_factory.mktemp("site")
    command: list[str | Path] = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", directory],  # `--quiet` would hide warnings from `--strict`
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return directory


def test_site_has_all_pages(site: Path) -> None:
    """Each page of docs/, and the files elsewhere that pages link to."""
    for page in (ROOT / "docs").glob("*.md"):
        name = "" if page.stem == "README" else page.stem
        assert (site / name / "index.html").exists()
    assert (site / "repository/CONTRIBUTING/index.html").exists()
    assert (site / "repository/deploy/config.toml").exists()


def test_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures are its own."""
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=\"([^\"]*)", page.read_text()
        )
        assert [each for each in loaded if re.match(r"(https?:)?//", each)] == []


def test_picture_is_up_to_date() -> None:
    """The README's picture is what `python -m tests.picture` draws of the demo's output."""
    assert picture.draw(picture.lines()) == picture.PICTURE.read_text()
