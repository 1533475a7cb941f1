"""Tests of the documentation: its commands are run, and its links have targets."""
