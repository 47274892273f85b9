"""One request by hand: is somebody there, and what exactly does an answer look like."""
import dataclasses
import re
import socket

TIMEOUT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    head_bytes: int
    body_bytes: int
    # The body is the canned upstream's own.
    is_canned: bool

    @property
    def total_bytes(self):
        return self.head_bytes + self.body_bytes


def ask(where, path, method="GET", headers=(), body=None, timeout=TIMEOUT_SECONDS):
    """The answer to one request, or None when nobody answers. `where` is a port or the path of a socket."""
    unix = not isinstance(where, int)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(where) if unix else ("127.0.0.1", where))
            fields = [f"Host: 127.0.0.1:{where}", *headers, *([] if body is None else [f"Content-Length: {body}"])]
            head = "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "", ""])
            connection.sendall(head.encode() + b"x" * (body or 0))
            return _read(connection)
        except OSError:
            return None


def _read(connection):
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        more = connection.recv(65536)
        if not more:
            return None
        received += more
    head = received[:end + 4]
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    status = re.match(rb"HTTP/1\.1 (\d{3})", head)
    if status is None:
        return None
    body = received[end + 4:]
    while length is not None and len(body) < int(length[1]):
        more = connection.recv(1 << 20)
        if not more:
            return None
        body += more
    return Answer(int(status[1]), len(head), len(body), body.strip(b"x") == b"")
