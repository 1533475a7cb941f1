"""Our output beside that of Debian's laurel, event by event and field by field."""
