"""The four pure stages: bytes and lists in, bytes and lists out; no sockets, no clock."""
