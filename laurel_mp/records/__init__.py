"""One audit line: header, fields, strings, layouts, tables."""
