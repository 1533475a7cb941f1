"""Linux audit events as JSON, decoded on as many processes as the stream needs."""

# The layers. Imports point downwards only: tests/test_imports.py fails on one that does not, and
# on a circle of modules or packages, wherever it is.
#
#   manual                        man pages, from cli's parsers, config's schema and docs/
#   cli                           one module per command: arguments in, text out
#   loadtest   doctor             flood, replay, benchmark | checks of a host
#   reversion  schema             JSON back into audit lines | JSON Schema of the output
#
#   pipeline                      the stages as running processes:
#     daemon                        plugin mode: signals, reload, state file, losses upstream
#     status                        status socket, metrics, log reports
#     supervisor                    batches, checkpoints, recovery, ledger
#     runner                        the stages in one process or in several; wire format, outputs
#     intake                        inputs, reading thread, backlog, spool, lines
#     counters, host                counters of all processes | /proc and names of this host
#
#   stages                        router, decoder, tracker, assembler: the four pure stages
#   events                        records into events:
#     fast, reassembly              whole events at once | line by line
#     rendering                     records of an event as JSON
#   processes                     who runs what, on whose behalf
#   formats                       how an event is written: native JSON, and what follows
#   records                       one audit line: header, fields, strings, tables
#
#   outputs    observe            files, pipes, sockets | what is counted, where messages go
#   system                        rights, directories, sockets, memory of the operating system
#   config     errors             settings and their schema | what can go wrong
#
# formats, records, events, processes, stages, reversion and schema are pure: bytes and lists in,
# bytes and lists out. They have no clock, no sockets and no processes, so that any number of
# workers gives the same output.

__version__ = "0.1.0"
