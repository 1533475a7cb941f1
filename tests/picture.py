"""`python -m tests.picture`: draw what the demo prints, as `docs/demo.svg` for the README."""

import json
import re
import subprocess
from xml.sax.saxutils import escape

from tests import demo, environment

PICTURE = environment.ROOT / "docs" / "demo.svg"

_ADVANCE, _LEADING, _MARGIN = 7.2, 18, 14
"""Width of a character of 12 px, distance of lines, and space around them, in pixels."""

# Fonts of the reader's system: a page of a README must load nothing from another server.
_BEGIN = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>An event as auditd writes it, and the JSON object that laurel-mp makes of it</title>
<style>
text {{ font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre }}
.heading {{ fill: #8b949e }} .key {{ fill: #79c0ff }} .string {{ fill: #a5d6ff }}
.added {{ fill: #7ee787 }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
"""

_CLASSES = re.compile(
    r'(?P<heading>^# .*)|(?P<added>"(?:SPAWNED_BY|PARENT_INFO)")|(?P<key>"\w+"(?=:)|\b\w+(?==))'
    r'|(?P<string>"[^"]*")'
)


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(draw(lines()), encoding="utf-8")


def lines() -> list[str]:
    """The text of the picture, from the output of the demo's command."""
    converted = subprocess.run(demo.COMMAND, capture_output=True, check=True)
    events = [json.loads(line) for line in converted.stdout.splitlines()]
    return [
        "# One event, as auditd writes it",
        *demo.records(),
        "",
        "# and as laurel-mp writes it (one line; broken and shortened here)",
        *demo.members(events),
    ]


def draw(text: list[str]) -> str:
    """An SVG picture that looks like a terminal with these lines."""
    width = round(max(map(len, text)) * _ADVANCE + 2 * _MARGIN)
    height = len(text) * _LEADING + 2 * _MARGIN
    parts = [_BEGIN.format(width=width, height=height)]
    for number, line in enumerate(text):
        if line.strip():
            y = _MARGIN + number * _LEADING + 13
            length = round(len(line) * _ADVANCE, 1)
            parts.append(
                f'<text x="{_MARGIN}" y="{y}" textLength="{length}" xml:space="preserve">'
                f"{_coloured(line)}</text>\n"
            )
    return "".join([*parts, "</svg>\n"])


def _coloured(line: str) -> str:
    parts = []
    end = 0
    for match in _CLASSES.finditer(line):
        parts += [
            escape(line[end : match.start()]),
            f'<tspan class="{match.lastgroup}">{escape(match.group())}</tspan>',
        ]
        end = match.end()
    return "".join([*parts, escape(line[end:])])


if __name__ == "__main__":
    main()
