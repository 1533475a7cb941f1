"""The commands by name."""

from __future__ import annotations

COMMANDS = {
    "bench": "measure the pipeline at work, beside LAUREL if that is installed",
    "convert": "turn audit logs into JSON lines",
    "doctor": "check this host, and say what will hurt and what to do",
    "flood": "write a synthetic audit stream",
    "replay": "write captured audit records again, with their own timing or another",
    "revert": "turn JSON lines into audit logs again",
    "schema": "print the JSON Schema of the output",
    "status": "print what a daemon that runs says about itself",
    "top": "show that live: what each process does, and which one is the limit",
    "tune": "recommend settings for this machine",
    "verify": "compare an output with what a flood knows to be true",
}
"""Each is a module of this package with a `main` of its own, by name; with what it is for."""
