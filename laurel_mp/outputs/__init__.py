"""Where lines of JSON go."""
