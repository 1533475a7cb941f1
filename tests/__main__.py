"""`python3 -m tests [PYTEST ARGUMENTS]`: every check of the project, on a bare Python."""

import sys

from tests import environment

CHECKS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
)


def main(arguments: list[str]) -> int:
    """Run all checks, also when one of them fails, and the tests last: their summary is the end."""
    environment.prepare()
    failed = []
    for check in CHECKS:
        print(f"== {' '.join(check)}")
        if environment.run(*check):
            failed.append(" ".join(check))
    if failed:
        print(f"== FAILED: {', '.join(failed)}. The tests run all the same; the exit status is 1.")
    print("== pytest")
    # One file's tests stay together: they share fixtures, and take locks one after another.
    spread = ("--numprocesses=auto", "--dist=loadfile")
    status = environment.run("pytest", "--cov=laurel_mp", *spread, *arguments)
    return status or bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
