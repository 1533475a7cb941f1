"""The header of a line, and runs of lines that belong together.

`[node=NAME ]type=TYPE msg=audit(SECONDS.MILLIS:SERIAL): …` with an optional blank after the
colon [auditd: src/auditd-event.c]. Expressions here work on whole batches: they are what lets
the router and the decoder do their work per run and per event, not per line.
"""

from __future__ import annotations

import re

NODE = rb"[^ \n\0]{1,255}"
TYPE = rb"[^ =\n\0]{1,64}"
ID = rb"[0-9]{1,12}\.[0-9]{3}:[0-9]{1,20}"

LINE = re.compile(
    rb"(?:node=(?P<node>" + NODE + rb") )?type=(?P<type>" + TYPE + rb") "
    rb"msg=audit\((?P<id>" + ID + rb")\):(?P<body>[^\n]*)\n"
)
"""One line with a valid header."""
