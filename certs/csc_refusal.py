"""How a remote signing provider says no, and how it reads what it is asked.

Source: Cloud Signature Consortium, "Architectures and protocols for remote signature applications" 1.0.4.0,
clause 10 and the error tables of clauses 8.3 and 11.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

INVALID_REQUEST: Final = "invalid_request"


class Refusal(Exception):
    """The provider refuses a call: HTTP status, the specification's error word and its description.

    Part of the protocol, and told to nobody but the caller. With `redirect` the browser takes it back.
    """

    def __init__(
        self, description: str, *, error: str = INVALID_REQUEST, status: int = 400, redirect: str = ""
    ) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.redirect = redirect

    @property
    def body(self) -> dict[str, str]:
        """The error object."""
        return {"error": self.error, "error_description": self.description}


class Asked:
    """The parameters of a call; raises Refusal for one that is missing or of another type."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def text(self, name: str) -> str:
        """Take a required string."""
        value = self._body.get(name)
        if not isinstance(value, str) or not value:
            raise Refusal(f"Missing (or invalid type) string parameter {name}")
        return value

    def optional(self, name: str, default: str = "") -> str:
        """Take a string that may be left out, or null."""
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Refusal(f"Invalid parameter {name}")
        return value

    def flag(self, name: str) -> bool:
        """Take a boolean that is false when it is left out."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise Refusal(f"Invalid parameter {name}")
        return value

    def number(self, name: str) -> int:
        """Take a required integer."""
        value = self._body.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refusal(f"Missing (or invalid type) integer parameter {name}")
        return value

    def has(self, name: str) -> bool:
        """Say whether a parameter is given at all."""
        return self._body.get(name) is not None

    def hashes(self, name: str = "hash", *, required: bool = True) -> tuple[bytes, ...]:
        """Take an array of Base64-encoded digests; raises Refusal when it is empty."""
        values = self._body.get(name)
        if values is None and not required:
            return ()
        if not isinstance(values, list):
            raise Refusal(f"Missing (or invalid type) array parameter {name}")
        if not values:
            raise Refusal("Empty hash array")
        return tuple(_digest(value) for value in values)


def _digest(value: object) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "!", validate=True)
    except ValueError as error:
        raise Refusal("Invalid Base64 hash string parameter") from error
