"""The output's JSON Schema, made of the tables by which records are rendered."""
