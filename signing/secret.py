"""Secrets that are shown to nobody: a PIN, a password, what authorises a signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from signing.csc_errors import RemoteSettingsError

_LONGEST_FILE = 64 * 1024


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


def secret_from_file(path: Path) -> Secret:
    """Read a secret from a file of its own, without the line's end; raises RemoteSettingsError."""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_FILE).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        raise RemoteSettingsError(
            f"{path} can't be read as a secret.", hint="Check its owner, its permissions and its text."
        ) from None
    return _filled(text, str(path))


def secret_from_environment(environ: Mapping[str, str], variable: str) -> Secret:
    """Take a secret from an environment variable; raises RemoteSettingsError when it is empty."""
    return _filled(environ.get(variable, ""), variable)


def _filled(text: str, where: str) -> Secret:
    if not text:
        raise RemoteSettingsError(f"{where} holds no secret.", hint="Write the secret there.")
    return Secret(text)
