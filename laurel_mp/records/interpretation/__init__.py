"""Names for the numbers in records that `ausearch -i` would name: `translate.interpret`."""
