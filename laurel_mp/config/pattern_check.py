"""Do the configured regular expressions compile? Asked of RE2, which is what runs them."""

from __future__ import annotations


def problem(pattern: str) -> str:
    """Say in words why a regular expression cannot be used, or return ""."""
    # Imported here: the library takes megabytes, and most configurations have no expression.
    try:
        import re2
    except ImportError:
        return ""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # they run on bytes
    options.log_errors = False  # else RE2 writes to stderr by itself
    try:
        re2.compile(pattern.encode(), options=options)
    except re2.error as error:
        return _text(error)
    return ""


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
    # RE2 quotes the pattern, which may hold line breaks; a problem is one line.
    return text if text.isprintable() else repr(text)[1:-1]
