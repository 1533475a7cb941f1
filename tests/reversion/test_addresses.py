"""Addresses decoded and encoded again."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurel_mp.records import sockaddr
from laurel_mp.records.strings import encode as encode_string
from laurel_mp.reversion import addresses


def shown(raw: bytes, *, big_endian: bool) -> dict[str, Any] | None:
    """Returns an address as JSON decoders return it."""
    decoded = sockaddr.decode(raw, big_endian=big_endian)
    if decoded is None:
        return None
    return {
        key: orjson.loads(encode_string(value)) if isinstance(value, bytes) else value
        for key, value in decoded.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "020014E97F0000010000000000000000",
        "0A0000350000000020010DB800000000000000000000000100000000",
        "01002F746D702F7300",
        "0100006162",
        "0100",
        "100000000000000000000000",
        "2800000000040000030000000000000000000000"[:32],
    ],
)
def test_usual_addresses_come_back(text: str) -> None:
    """To the byte, where callers pass the structure as it is."""
    raw = bytes.fromhex(text)
    decoded = shown(raw, big_endian=False)
    assert decoded

    assert raw == addresses.encode(decoded, big_endian=False)


FAMILIES = st.sampled_from([1, 2, 3, 4, 8, 9, 10, 16, 40])


@given(FAMILIES, st.binary(max_size=120), st.booleans())
def test_any_address_means_the_same(family: int, rest: bytes, big_endian: bool) -> None:
    """Encoded addresses decode to the same; others give None."""
    raw = family.to_bytes(2, "big" if big_endian else "little") + rest
    decoded = shown(raw, big_endian=big_endian)
    if decoded is not None:
        again = addresses.encode(decoded, big_endian=big_endian)
        assert again is None or shown(again, big_endian=big_endian) == decoded
        if family in (2, 10, 16, 40):
            assert again is not None


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"saddr_fam": "new"},
        {"saddr_fam": "inet"},
        {"saddr_fam": "inet", "addr": "x", "port": 1},
        {"saddr_fam": "inet", "addr": "1.2.3.4", "port": 1 << 20},
        {"saddr_fam": "inet", "more": 5},
        {"saddr_fam": "local", "path": 5},
        {"saddr_fam": ["inet"]},
    ],
)
def test_what_is_no_address(address: dict[str, Any]) -> None:
    """Nothing is made of it."""
    assert addresses.encode(address, big_endian=False) is None
