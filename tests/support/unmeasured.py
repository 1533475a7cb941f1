"""Start a Python program without coverage, where the measuring itself would be in the way."""

import os


def environment() -> dict[str, str]:
    """Give our environment without what makes a child process measure itself.

    For tests of what a process imports, of its environment, and of speed.
    """
    return {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")
    }
