"""Linux audit events as JSON, decoded on as many processes as the stream needs."""

# The layers. Imports point downwards only, and tests/test_imports.py fails on one that does not.
#
#   manual                    man pages, made of cli's parsers, config's schema and docs/
#    |
#   cli                       one module per command: arguments in, text out
#    |      \
#    |       loadtest         flood generator, replay, benchmark; nothing else imports it
#    |       doctor           looks at a host and says what will hurt; nothing else imports it
#    |       reversion        JSON lines back into audit lines; uses events and records
#    |       schema           JSON Schema of the output; uses records
#    |      /
#   pipeline                  supervisor, process shells, wire format, checkpoints, flow control
#    |      \
#   stages   outputs, observe   router, decoder, tracker, assembler | files, pipes | counters, logs
#    |      \
#   events   processes        records into events | who runs what, on whose behalf
#    |      /
#   records                   one audit line: header, fields, strings, tables
#
#   config, errors            at the side: the configuration's schema, and what can go wrong
#
# records, events, processes and stages are the pure core: bytes and lists in, bytes and lists out.
# No clock, no sockets, no processes of its own, so that one process or eight give the same output.

__version__ = "0.1.0"
