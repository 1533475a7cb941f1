"""Filters socket addresses by network and port, for `filter-sockaddr`."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class SocketFilter:
    """Matches addresses against patterns like `192.168.0.0/24:22`, `[::1]:443`, `*:111`."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._rules = [_rule(pattern) for pattern in patterns]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def matches(self, address: str, port: int) -> bool:
        """True if an address in its usual notation and a port match a pattern."""
        found = ip_address(address)
        mapped = getattr(found, "ipv4_mapped", None)
        for network, wanted in self._rules:
            if wanted is not None and wanted != port:
                continue
            if network is None or found in network or (mapped and mapped in network):
                return True
        return False


def _rule(pattern: str) -> tuple[IPv4Network | IPv6Network | None, int | None]:
    host, port = pattern, ""
    if pattern.startswith("["):
        host, _, port = pattern[1:].partition("]")
        host, port = host + port.partition(":")[0], port.partition(":")[2]
    elif pattern.count(":") == 1:
        host, _, port = pattern.partition(":")
    network = None if host == "*" else ip_network(host, strict=False)
    return network, int(port) if port else None
