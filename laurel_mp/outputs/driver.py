"""The interface of a kind of sink; `laurel_mp.config.sink_kinds` lists the kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import StallPolicy
from laurel_mp.outputs.target import Target


class Promise(NamedTuple):
    """Guarantees for users: a row of the table in docs/outputs.md, which a test checks."""

    form: str
    """Markdown."""
    written: str
    """When a line counts as written: from then on it is not sent again."""
    after_crash: str
    """Consequence of a crash of the writer, or of the other side."""


class Driver(ABC):
    """Checks the addresses of one kind of sink, and opens them.

    An address is the setting without the kind's prefix. Each module of a kind has one instance,
    `DRIVER`.
    """

    promises: tuple[Promise, ...]

    @abstractmethod
    def problem(self, address: str) -> str:
        """Says in words why an address cannot be used, or returns "". Asks nothing of the host."""

    @abstractmethod
    def open(self, address: str, target: Target, policy: StallPolicy) -> OpenSink:
        """Opens a sink; raises OutputError if that cannot succeed later."""

    def title(self, setting: str) -> str:
        """Name of a sink in messages."""
        return setting

    def program(self, address: str) -> str:  # noqa: ARG002 - most kinds start none
        """Path of the program that the sink starts; empty if there is none. For `doctor`."""
        return ""

    def socket(self, address: str) -> str:  # noqa: ARG002 - most kinds have none
        """Path of the socket that the sink connects to; empty if there is none. For `doctor`."""
        return ""
