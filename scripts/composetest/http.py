"""One request over a fresh connection, so that a client's pool never hides what a server does."""

import http.client
import json
from typing import NamedTuple, Optional


class Answer(NamedTuple):
    """A complete answer; `status` is None when there was none, and `body` says why."""

    status: Optional[int]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def is_success(self):
        return self.status is not None and 200 <= self.status < 300


def request(port, method, path, body=None, headers=None, timeout=10.0):
    """Asks 127.0.0.1:port; never raises for what a network or a server may do."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = dict(headers or {})
        if body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, f"{type(error).__name__}: {error}".encode())
    finally:
        connection.close()
