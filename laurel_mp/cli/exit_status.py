"""Exit statuses of all commands; docs/operation.md lists them."""

FAILURE = 1
"""Failure: an input cannot be read, an output cannot be written, rights cannot be dropped, or an
internal error."""

USAGE = 2
"""Wrong usage, or a configuration that is invalid on this machine."""

INTERRUPTED = 130
"""Interrupted by SIGINT; a shell reports the same."""
