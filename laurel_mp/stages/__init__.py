"""The four pure stages: bytes and lists in, bytes and lists out, without sockets and clock."""
