"""`syslog:unix:/dev/log`, `syslog:tcp:address:port`: RFC 5424 messages to a syslog server.

One line is one message. Over TCP a message is sent whole, behind its length (octet counting,
RFC 6587 3.4.1). On a datagram socket a longer one than `max-bytes` is cut as `_cut` says.
"""

from __future__ import annotations

import array
import errno
import fcntl
import logging
import os
import select
import socket
import termios
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from laurel_mp.config import kinds
from laurel_mp.formats import native
from laurel_mp.formats.native import NATIVE
from laurel_mp.outputs.channel import PIECE, Channel
from laurel_mp.outputs.driver import Driver, Promise
from laurel_mp.outputs.open_sink import OpenSink
from laurel_mp.outputs.stall_policy import Backoff, StallPolicy, Watched
from laurel_mp.outputs.target import Target
from laurel_mp.records.strings import encode
from laurel_mp.system.rate_limited_log import RateLimitedLog

FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
)
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

MAX_BYTES = 8192
"""Default of `max-bytes`: the longest message that rsyslog takes if it is not told otherwise."""

RESENT = 1 << 20
"""Bytes that are sent once more when a TCP server resets the connection: it may have had them in
its receive buffer, unread."""

CONNECT_SECONDS = 10.0
"""Seconds that a TCP connection may take to open."""

SILENCE_MS = 30_000
"""Milliseconds without an acknowledgement after which a TCP connection is given up."""

SOUND = 5.0
"""Seconds after which a connection that ends is opened again at once."""

log = logging.getLogger(__name__)


class Address(NamedTuple):
    """A parsed address: `unix:/path` or `tcp:address:port`, and `?key=value&…` behind it."""

    path: str
    """Of a datagram socket; empty for TCP."""
    host: str
    port: int
    priority: int
    app_name: str
    max_bytes: int


def parse(address: str) -> Address:
    """Parses what follows `syslog:`; raises ValueError, with the reason in words."""
    where, _, options = address.partition("?")
    transport, _, place = where.partition(":")
    path, host, port = "", "", 0
    if transport == "unix":
        path = place
        if reason := kinds.socket_problem(path):
            raise ValueError(reason)
    elif transport == "tcp":
        host, port = kinds.split_address(place)
    else:
        raise ValueError("expected unix:/path or tcp:address:port after syslog:")
    facility, severity, app_name, max_bytes = "authpriv", "info", "laurel-mp", MAX_BYTES
    for option in filter(None, options.split("&")):
        key, _, value = option.partition("=")
        if key == "facility" and value in FACILITIES:
            facility = value
        elif key == "severity" and value in SEVERITIES:
            severity = value
        elif key == "app-name" and _is_name(value, 48):
            app_name = value
        elif key == "max-bytes" and value.isascii() and value.isdecimal() and len(value) < 9:
            max_bytes = int(value)
            if not 1024 <= max_bytes <= 131_072:
                raise ValueError("max-bytes must be from 1024 to 131072")
        else:
            raise ValueError(f"option {option!r} is not valid")
    priority = FACILITIES.index(facility) * 8 + SEVERITIES.index(severity)
    return Address(path, host, port, priority, app_name, max_bytes)


def _is_name(value: str, most: int) -> bool:
    """True for PRINTUSASCII of RFC 5424, without spaces."""
    return 0 < len(value) <= most and all("!" <= character <= "~" for character in value)


class Messages:
    """Makes messages of lines."""

    def __init__(self, priority: int, app_name: str) -> None:
        self._begin = b"<%d>1 " % priority
        self._end = b" %b - - - " % app_name.encode()
        node = os.uname().nodename
        self._host = node.encode() if _is_name(node, 255) else b"-"

    def header(self, line: bytes) -> bytes:
        """Returns the header for a line: time and node are the event's, if it is one."""
        seconds, host = b"-", self._host
        found = NATIVE.identity(line)
        if found is not None:
            seconds = _timestamp(found.id)
            if found.node is not None:
                host = _hostname(found.node)
        return self._begin + seconds + b" " + host + self._end


def _timestamp(id_: bytes) -> bytes:
    seconds, _, rest = id_.partition(b".")
    try:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(seconds)))
    except (ValueError, OverflowError, OSError):
        return b"-"
    return b"%b.%bZ" % (at.encode(), rest[:3]) if len(at) == 19 else b"-"


def _hostname(node: bytes) -> bytes:
    name = bytes(byte if 0x21 <= byte <= 0x7E else 0x5F for byte in node[:255])
    return name or b"-"


def _cut(line: bytes, most: int) -> bytes:
    """Returns an object of at most `most` bytes in place of a line that is longer.

    It has the identity, the line's length and its beginning: `{"ID":…,"NODE":…,
    "LAUREL_MP":{"op":"cut","bytes":N,"text":"…"}}`. What is cut off is in no message.
    """
    found = NATIVE.identity(line)
    head = b"{" if found is None else native.begin(found.id, found.node) + b","
    head += encode(native.NOTE) + b':{"op":"cut","bytes":%d,"text":"' % len(line)
    room = max(most - len(head) - 3, 0)
    text = line[:room]
    while True:
        text = text.decode("utf-8", "ignore").encode()
        # JSON has no control characters: nothing else needs an escape.
        shown = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        if len(shown) <= room:
            return head + shown + b'"}}'
        text = text[: len(text) - (len(shown) - room + 1) // 2]


class SyslogSink(Channel):
    """The base of both transports: connects, and connects again."""

    slow = "the server reads slowly"

    def __init__(
        self, address: Address, policy: StallPolicy, backoff: Backoff | None = None
    ) -> None:
        super().__init__(policy)
        self._address = address
        self._messages = Messages(address.priority, address.app_name)
        self._backoff = backoff or Backoff()
        self._socket: socket.socket | None = None
        self._since = 0.0
        self._why = ""
        self._is_reset = False

    def tick(self) -> None:
        """Closes a connection that has ended; sends what has to be sent once more."""
        if self._is_gone():
            self._disconnect()
        if self._owes:
            self.write(b"")

    def _connect(self) -> None:
        while self._socket is None:
            if remaining := self._backoff.remaining:
                self._policy.hold(remaining, self._why)
                continue
            try:
                self._socket = self._opened()
            except OSError as error:
                self._why = f"cannot connect: {error.strerror or error}"
                self._backoff.failed()
            else:
                self._is_reset = False
                self._since = time.monotonic()

    def _disconnect(self) -> None:
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        self._why = "the server closed the connection"
        if time.monotonic() - self._since >= SOUND:
            self._backoff.reset()
        self._backoff.failed()

    def _unread(self) -> int:
        """Returns the amount of data that is not read, or over TCP not acknowledged."""
        assert self._socket is not None
        size = array.array("i", [0])
        fcntl.ioctl(self._socket, termios.TIOCOUTQ, size)  # SIOCOUTQ has the same number
        return size[0]

    def _watched(self, *, to_send: bool) -> Sequence[Watched]:
        assert self._socket is not None
        events = select.POLLRDHUP | (select.POLLOUT if to_send else 0)
        return [(self._socket.fileno(), events)]

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @abstractmethod
    def _opened(self) -> socket.socket:
        """Returns a new connection; raises OSError."""


class DatagramSink(SyslogSink):
    """Messages to a datagram socket of this host.

    What a server has not read when it ends is gone, and nothing reports that. So a line counts as
    read only if the socket at the path is still the one that it was sent to.
    """

    def __init__(
        self, address: Address, policy: StallPolicy, backoff: Backoff | None = None
    ) -> None:
        super().__init__(address, policy, backoff)
        self._cut_log = RateLimitedLog(log)
        self._identity: tuple[int, int, int] | None = None

    def _opened(self) -> socket.socket:
        identity = self._present()
        connection = _datagram_socket(self._address.path)
        self._identity = identity
        return connection

    def _present(self) -> tuple[int, int, int]:
        """Returns an identity of the socket at the path: a new server makes a new one."""
        status = Path(self._address.path).stat()
        return status.st_dev, status.st_ino, status.st_mtime_ns

    def _is_gone(self) -> bool:
        if self._socket is None:
            return False
        if self._is_reset:
            return True
        try:
            if self._present() != self._identity:
                return True
            _datagram_socket(self._address.path).close()  # refused if its server has ended
        except OSError:
            return True
        return False

    def _read(self, sent: int, read: int) -> int:
        """Returns `sent` or `read`: the kernel tells that something is unread, but not what."""
        # In this order: what a server leaves unread when it ends is no longer counted.
        if self._unread() or self._is_gone():
            return read
        return sent

    def _send(self, text: memoryview, start: int) -> int:
        assert self._socket is not None
        position = start
        for line in _lines(text, start):
            message = self._messages.header(line)
            most = self._address.max_bytes - len(message)
            is_cut = len(line) > most
            message += _cut(line, most) if is_cut else line
            try:
                self._socket.send(message, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                if position == start:
                    raise
                break
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise
                self._is_reset = True
                raise ConnectionError(*error.args) from error
            if is_cut:
                self._cut_log.warning(
                    "%s: cut an event of %d bytes to max-bytes (%d): later ones are cut, too",
                    self.name,
                    len(line),
                    self._address.max_bytes,
                )
            position += len(line) + 1
        return position - start


class _Frame(NamedTuple):
    """Some messages, each behind its length."""

    data: bytes
    size: int
    """Bytes of the text that are written with it; 0 if it is sent once more."""


class TcpSink(SyslogSink):
    """Messages to a TCP server, with octet counting.

    A line counts as written when the server's kernel has acknowledged it. If the server then
    resets the connection, it had not read everything: the latest messages are sent once more.
    """

    def __init__(
        self, address: Address, policy: StallPolicy, backoff: Backoff | None = None
    ) -> None:
        super().__init__(address, policy, backoff)
        self._frame: _Frame | None = None
        """The frame that is being sent."""
        self._left = memoryview(b"")
        """The rest of it."""
        self._sent: list[_Frame] = []
        """Frames that are not acknowledged."""
        self._recent: deque[_Frame] = deque()
        """Frames that are acknowledged, up to `RESENT` bytes."""
        self._again: deque[_Frame] = deque()
        """Frames that have to be sent once more."""

    @property
    def _owes(self) -> bool:
        return bool(self._again) or (self._frame is not None and not self._frame.size)

    def _opened(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address.host else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS)
            connection.connect_ex((self._address.host, self._address.port))
            self._await(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _await(self, connection: socket.socket) -> None:
        """Returns when a connection is open; raises OSError."""
        deadline = time.monotonic() + CONNECT_SECONDS
        watched = [(connection.fileno(), select.POLLOUT)]
        while not self._policy.wait(CONNECT_SECONDS, "connecting", watched):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))

    def _disconnect(self) -> None:
        super()._disconnect()
        # The text itself brings its own frames again, but not those that were sent once more.
        sent = [*self._sent, *([self._frame] if self._frame is not None else [])]
        again = [frame for frame in sent if not frame.size]
        if self._is_reset:
            again = [*self._recent, *again]
        self._again.extendleft(frame._replace(size=0) for frame in reversed(again))
        self._recent.clear()
        self._sent.clear()
        self._frame = None

    def _is_gone(self) -> bool:
        if self._socket is None:
            return False
        if self._is_reset:
            return True
        try:
            while self._socket.recv(4096):
                pass  # a server sends nothing; left unread, it would make our close a reset
        except BlockingIOError:
            return False
        except OSError:
            self._is_reset = True
        return True

    def _read(self, sent: int, read: int) -> int:
        """Returns `sent` or `read`: the kernel counts bytes of frames, not of the text."""
        if self._is_reset or self._frame is not None or self._unread():
            return read
        self._recent.extend(self._sent)
        self._sent.clear()
        size = sum(len(frame.data) for frame in self._recent)
        while size > RESENT:
            size -= len(self._recent.popleft().data)
        return sent

    def _send(self, text: memoryview, start: int) -> int:
        assert self._socket is not None
        if self._frame is None:
            self._frame = self._again.popleft() if self._again else self._framed(text, start)
            self._left = memoryview(self._frame.data)
        try:
            size = self._socket.send(self._left, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            raise
        except OSError as error:
            self._is_reset = True
            raise ConnectionError(*error.args) from error
        self._left = self._left[size:]
        if self._left:
            return 0
        frame, self._frame = self._frame, None
        self._sent.append(frame)
        return frame.size

    def _framed(self, text: memoryview, start: int) -> _Frame:
        pieces, size = [], 0
        for line in _lines(text, start):
            message = self._messages.header(line) + line
            pieces.append(b"%d %b" % (len(message), message))
            size += len(line) + 1
        return _Frame(b"".join(pieces), size)


def _lines(text: memoryview, start: int) -> Iterator[bytes]:
    """Yields some lines, without their line feeds: about `PIECE` bytes."""
    whole: bytes = text.obj  # type: ignore[assignment]
    end = start + PIECE
    while start < min(end, len(whole)):
        stop = whole.index(b"\n", start)
        yield whole[start:stop]
        start = stop + 1


def _datagram_socket(path: str) -> socket.socket:
    """Returns a socket that is connected to the one at `path`; raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        connection.setblocking(False)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


class SyslogDriver(Driver):
    """RFC 5424 messages over a datagram socket or TCP."""

    promises = (
        Promise(
            "`syslog:unix:/path`",
            "it is read",
            "at least once: messages that the server may not have read come again",
        ),
        Promise(
            "`syslog:tcp:address:port`",
            "the server's kernel has acknowledged it",
            "at least once: after a reset the last MiB comes again; lines that a server had not "
            "read are lost if its host, or laurel-mp as well, ends",
        ),
    )

    def problem(self, address: str) -> str:
        """See Driver."""
        try:
            parse(address)
        except ValueError as error:
            return str(error)
        return ""

    def open(self, address: str, target: Target, policy: StallPolicy) -> OpenSink:  # noqa: ARG002
        """See Driver."""
        parsed = parse(address)
        return DatagramSink(parsed, policy) if parsed.path else TcpSink(parsed, policy)

    def socket(self, address: str) -> str:
        """See Driver."""
        return parse(address).path


DRIVER = SyslogDriver()
