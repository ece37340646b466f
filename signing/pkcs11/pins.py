"""The PIN of a token: where it comes from, and how it stays out of sight.

It comes from a file or from the environment, never from an argument, which everybody on the machine can read.
It is read anew at every login, so that a changed one counts without a restart.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from signing.errors import TokenPinError
from signing.secret import Secret, secret_in

PIN = "PARAAF_PKCS11_PIN"
PIN_FILE = "PARAAF_PKCS11_PIN_FILE"


@dataclass(frozen=True)
class PinSource:
    """Where a token's PIN is: in a file, else where the environment says.

    PARAAF_PKCS11_PIN_FILE comes before PARAAF_PKCS11_PIN.
    """

    file: Path | None = None

    def read(self) -> Secret | None:
        """The PIN as it is now; None when nobody gives one. Raises TokenPinError."""
        # The environment is no argument here: it would be one of the values that a traceback can show.
        if self.file is not None:
            return _read(self.file)
        if os.environ.get(PIN_FILE):
            return _read(Path(os.environ[PIN_FILE]))
        return Secret(os.environ[PIN]) if os.environ.get(PIN) else None


class WrongPins:
    """The PINs that a token refused: a third try may lock it, so none is made twice.

    Kept for as long as the process lives, as digests under a salt of this process.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._refused: set[tuple[object, bytes]] = set()

    def remember(self, token: object, pin: Secret) -> None:
        """Note that this token refused this PIN."""
        self._refused.add((token, self._digest(pin)))

    def knows(self, token: object, pin: Secret) -> bool:
        """Tell whether this token refused this PIN before."""
        return (token, self._digest(pin)) in self._refused

    def _digest(self, pin: Secret) -> bytes:
        return hashlib.sha256(self._salt + pin.reveal().encode()).digest()


def _read(file: Path) -> Secret:
    try:
        pin = secret_in(file)
    except OSError as error:
        raise TokenPinError(
            f"The PIN's file {file} can't be read: {error.strerror}.",
            hint="Check the path, and that whoever runs this may read it.",
        ) from error
    if pin is None:
        raise TokenPinError(
            f"The file {file} holds no PIN.", hint="Write the PIN into it, in one line, and nothing else."
        )
    return pin
