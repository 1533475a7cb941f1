"""The man pages and docs/commands.md, made of the commands' parsers, the schema and docs/."""
