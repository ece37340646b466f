"""Addresses that only this machine can reach: the development authority serves nowhere else."""

import secrets
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

from certs.errors import AuthorityError

HOST: Final = "127.0.0.1"
_LOOPBACK_HOSTS: Final = frozenset({HOST, "localhost", "::1"})
# Below the range that Linux hands out for outgoing connections (32768–60999): the port is written into
# certificates and must still be free when the server starts again later.
_PORTS: Final = range(20000, 32000)
_ATTEMPTS: Final = 100


def free_base_url() -> str:
    """Pick a random port that is free now, and give its URL; raises AuthorityError when none is found."""
    for _ in range(_ATTEMPTS):
        port = secrets.choice(_PORTS)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return f"http://{HOST}:{port}"
    raise AuthorityError(f"No port of {HOST} is free.", hint="Close programs that hold many ports.")


def split_base_url(base_url: str) -> SplitResult:
    """Split a URL such as http://127.0.0.1:20333; raises AuthorityError unless it is plain and loopback."""
    try:
        parts = urlsplit(base_url)
        plain = parts.port is not None and not (parts.query or parts.fragment or parts.path or parts.username)
    except ValueError:
        plain = False
    if not plain or parts.scheme != "http" or parts.hostname not in _LOOPBACK_HOSTS:
        raise AuthorityError(
            f"“{base_url}” cannot be the development authority's address.",
            hint=f"It serves this machine only: for instance http://{HOST}:20333.",
        )
    return parts
