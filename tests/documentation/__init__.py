"""Whether the documentation is true: its commands are run, and its links lead somewhere."""
