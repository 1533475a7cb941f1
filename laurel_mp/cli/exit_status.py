"""Exit statuses of all commands; docs/operation.md lists them."""

FAILURE = 1
"""It could not go on: an input could not be read, an output not be written, rights not be dropped,
or there was an internal error."""

USAGE = 2
"""It could not start: wrong usage, or a configuration that cannot be used on this machine."""

INTERRUPTED = 130
"""It was interrupted by SIGINT; a shell reports the same."""
