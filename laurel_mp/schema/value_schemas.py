"""Schemas of values: one for each class of fields, and shared ones of texts and ids."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

ID = r"^[0-9]{1,12}\.[0-9]{3}:[0-9]{1,20}$"
START_TIME = r"^[0-9]{1,12}\.[0-9]{3}$"

_INT64 = 1 << 63


def ref(name: str) -> Schema:
    """Returns a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def several(schema: Schema) -> Schema:
    """Allows a value or a list of values: the latter for a key that repeats within a record."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 2}]}


def object_of(
    properties: Schema, required: list[str] | None = None, description: str = ""
) -> Schema:
    """Returns an object without other members."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {"description": description, **schema} if description else schema


def list_of(items: Schema, description: str = "") -> Schema:
    """Returns a list."""
    schema: Schema = {"type": "array", "items": items}
    return {"description": description, **schema} if description else schema


# A value that does not fit the class of its field is text; an empty one is null.
_OR_TEXT = [ref("text"), {"type": "null"}]

DEFINITIONS: dict[str, Schema] = {
    "text": {
        "description": "Bytes of an audit record. Control characters, the percent sign, the plus "
        "sign and all that is no valid UTF-8 are percent-encoded.",
        "type": "string",
        "pattern": r"^([^\u0000-\u001f\u007f%+]|%[0-9a-f]{2})*$",
    },
    "event_id": {
        "description": "Seconds, milliseconds and serial of an audit event.",
        "type": "string",
        "pattern": ID,
    },
    "integer": {"type": "integer", "minimum": -_INT64, "maximum": _INT64 - 1},
    "decimal": several({"anyOf": [ref("integer"), *_OR_TEXT]}),
    "numeric": several({"anyOf": [ref("integer"), *_OR_TEXT]}),
    "hexadecimal": {
        "description": '"0x" and digits without leading zeros.',
        **several({"anyOf": _OR_TEXT}),
    },
    "octal": {"description": '"0o" and digits.', **several({"anyOf": _OR_TEXT})},
    "encoded": several({"anyOf": _OR_TEXT}),
    "plain": several({"anyOf": _OR_TEXT}),
}
"""Definitions by name; `decimal` to `plain` are classes of fields."""

CLASSES = {"text": "plain", "": "plain"}
"""Definitions by class, where the names differ."""
