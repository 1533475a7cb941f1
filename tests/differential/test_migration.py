"""The page about the migration, and the version of LAUREL that CI builds, follow the lists."""

from pathlib import Path

from tests.differential import migration
from tests.differential.laurels import NEW

ROOT = Path(__file__).parents[2]


def test_page_is_up_to_date() -> None:
    """`make pages` would change nothing."""
    page = migration.PAGE.read_text()

    assert migration.updated(page) == page
    assert "| `PARENT_INFO` |" in page


def test_ci_builds_the_version_that_is_compared() -> None:
    """CI's LAUREL is the one that the differences are about."""
    assert f"\nlaurel={NEW.version}\n" in (ROOT / ".ci" / "run").read_text()
