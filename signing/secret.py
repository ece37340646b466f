"""Secrets that are shown to nobody: a PIN, a password, what authorises a signature."""

from pathlib import Path
from typing import NoReturn

from signing.csc_errors import RemoteSettingsError

_LONGEST_FILE = 8 * 1024  # bytes; whoever names a film as the secret's file is told so


class Secret:
    """A text that no message, log line or traceback shows, and that can't be stored by mistake."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: only for the request that needs it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is neither copied nor stored.")


def secret_in(path: Path) -> Secret | None:
    """The secret in a file, without the lines' ends behind it; None when it holds none, or no line of text.

    Raises OSError; nothing is raised while the bytes are in a variable, which a traceback could show.
    """
    with path.open("rb") as file:
        content = file.read(_LONGEST_FILE + 1)
    try:
        text = content.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        return None
    return Secret(text) if text and text.isprintable() and len(content) <= _LONGEST_FILE else None


def secret_from_file(path: Path) -> Secret:
    """Read a secret from a file of its own, as `secret_in`; raises RemoteSettingsError."""
    try:
        secret = secret_in(path)
    except OSError as error:
        raise RemoteSettingsError(
            f"{path} can't be read as a secret: {error.strerror}.",
            hint="Check the path, its owner and its permissions.",
        ) from None
    if secret is None:
        raise RemoteSettingsError(
            f"{path} holds no secret.", hint="Write the secret into it, in one line, and nothing else."
        )
    return secret
