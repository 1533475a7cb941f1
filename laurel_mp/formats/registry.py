"""All event formats, by name. To add one, write its module and add its line here."""

from __future__ import annotations

from laurel_mp.formats.event_format import EventFormat
from laurel_mp.formats.native import NATIVE

FORMATS: dict[str, EventFormat] = {each.name: each for each in (NATIVE,)}
