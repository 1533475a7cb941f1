"""Access to this host for enrichment: /proc, names of users and groups."""
