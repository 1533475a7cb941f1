"""The man pages and docs/commands.md, made from the commands' parsers, the schema and docs/."""
