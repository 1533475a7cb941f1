"""The part of HTTP/1.1 that metrics collectors need: GET, one response per connection."""

from __future__ import annotations

from collections.abc import Callable

PATH = b"/metrics"


def answering(metrics: Callable[[], bytes], content_type: str) -> Callable[[bytes], bytes | None]:
    """Returns an `Answer` for `laurel_mp.observe.server.Server` that serves the metrics."""

    def answer(request: bytes) -> bytes | None:
        head, end, _ = request.partition(b"\r\n\r\n")
        if not end:
            return None
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _response("400 Bad Request", b"Not an HTTP/1 request.\n")
        if words[0] not in (b"GET", b"HEAD"):
            return _response(
                "405 Method Not Allowed", b"Only GET is allowed.\n", "Allow: GET, HEAD"
            )
        if words[1].partition(b"?")[0] != PATH:
            return _response("404 Not Found", b"Metrics are at /metrics.\n")
        whole = _response("200 OK", metrics(), content_type=content_type)
        return whole if words[0] == b"GET" else whole[: whole.index(b"\r\n\r\n") + 4]

    return answer


def _response(
    status: str, body: bytes, more: str = "", content_type: str = "text/plain; charset=utf-8"
) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([more] if more else []),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body
