"""The commands by name."""

from __future__ import annotations

COMMANDS = {
    "bench": "measure speed and memory of the pipeline, and of LAUREL if it is installed",
    "convert": "convert audit logs to JSON lines",
    "doctor": "check this host, and recommend changes",
    "flood": "write a synthetic audit stream",
    "help": "print the help text of a command",
    "replay": "write captured audit records, at their own pace or another",
    "revert": "convert JSON lines back to audit logs",
    "schema": "print the JSON Schema of the output",
    "status": "print counters and state of the running daemon",
    "top": "show the load of the running daemon live, process by process",
    "tune": "recommend settings for this machine",
    "verify": "compare an output with the truth file of a flood",
}
"""All commands, with their purpose; each is a module of this package with a `main` function."""


def unknown_command(word: str) -> str:
    """Returns the message for a word that is no command, with the nearest one."""
    # Imported here: auditd's plugin needs it for a mistake only.
    from difflib import get_close_matches

    nearest = get_close_matches(word.lower(), COMMANDS, n=1)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "see `laurel-mp help`"
    return f"no such command: {word!r}; {hint}"
