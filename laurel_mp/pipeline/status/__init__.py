"""Reports what the daemon does: status socket, metrics, log."""
