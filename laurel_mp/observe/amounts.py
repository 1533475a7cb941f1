"""Formats numbers, sizes and durations for people."""

from __future__ import annotations

import time
import unicodedata

from laurel_mp.observe.measures import Measure, Value

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def shown(measure: Measure, value: Value) -> str:
    """Returns a value with its unit."""
    if isinstance(value, str):
        return value
    if measure.unit == "bytes":
        return size(value)
    if measure.key == "start_time_seconds":
        return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(value))
    if measure.unit == "seconds":
        return f"{value:,.2f} s"
    return number(value)


def number(value: float) -> str:
    """Returns a whole number with separators between thousands."""
    return f"{value:,.0f}"


def size(value: float) -> str:
    """Returns a number of bytes with about three digits and a binary unit."""
    for unit in _UNITS:
        if value < 1000 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def rate(value: float) -> str:
    """Returns a rate: without decimals from 10 on."""
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Returns a duration as `D d H:MM:SS`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{hours}:{minutes:02}:{rest:02}"
    return f"{days} d {text}" if days else text


def fit(text: str, width: int) -> str:
    """Returns the beginning of a text that fits `width` columns; East Asian letters take two."""
    if text.isascii():
        return text[:width]
    used, end = 0, 0
    for letter in text:
        used += _columns(letter)
        if used > width:
            break
        end += 1
    return text[:end]


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
