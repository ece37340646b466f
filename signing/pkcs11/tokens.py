"""A module's tokens: finding one, logging in, and starting anew when a session is lost.

Everything here runs in the module's thread.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pkcs11
from pkcs11 import Attribute, Mechanism, PKCS11Error, Session, Token, TokenFlag

from signing.errors import TokenError, TokenPinError, TokenUnavailableError
from signing.pkcs11.address import KeyAddress
from signing.pkcs11.keys import TokenKey, find_key
from signing.pkcs11.pins import PinSource, WrongPins
from signing.secret import Secret
from watching.logs import note

if TYPE_CHECKING:
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 (the binding writes its classes small)

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Identity = tuple[str, bytes]  # a token's label and serial number

# For this process: a module started anew forgets nothing of this.
_wrong_pins = WrongPins()

_REFUSED = pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange
_UNUSABLE = {
    pkcs11.PinLocked: ("is locked", "Unlock it with the token's own program."),
    pkcs11.PinExpired: ("has expired", "Change it with the token's own program."),
    pkcs11.UserPinNotInitialized: ("has not been set", "Set it with the token's own program."),
}


class Tokens:
    """The tokens that a module shows, with one session for each that is in use, and the keys found there."""

    def __init__(self, path: Path, *, inherited: bool) -> None:
        self._path = path
        self._inherited = inherited  # the module was initialised by the process of which this is a copy
        self._sessions: dict[_Identity, Session] = {}
        self._keys: dict[KeyAddress, TokenKey] = {}

    def twice(self, job: "Callable[[Tokens], _T]") -> _T:
        """Do a job; when a session or the token turns out to be lost, start the module anew and do it again.

        Raises TokenUnavailableError when that does not help, and what the job raises.
        """
        try:
            if self._inherited:
                self._start_anew()
            return job(self)
        except (PKCS11Error, TokenUnavailableError) as error:
            if self._sessions:  # else it was never there
                note(log, logging.WARNING, "token_lost", error=error)
        try:
            self._start_anew()
            return job(self)
        except PKCS11Error as error:
            raise TokenUnavailableError(
                f"The module {self._path} does not answer as it should: {_name(error)}.",
                hint="See that the token is plugged in and that its service runs; a step is tried again by"
                " itself.",
            ) from error

    def key(self, address: KeyAddress, pins: PinSource) -> TokenKey:
        """The key at this address, logged in. Raises TokenError, TokenPinError, PKCS11Error."""
        if address not in self._keys:
            token = self._find(address)
            identity = token.label, token.serial
            if identity not in self._sessions:
                self._sessions[identity] = _log_in(token, self._path, pins)
            session = self._sessions[identity]
            self._require_alive(session)
            self._keys[address] = find_key(session, address)
        return self._keys[address]

    def searchable_key(self, address: KeyAddress, pins: PinSource) -> TokenKey:
        """As `key`, for whoever searches beside it. Raises TokenError, TokenPinError, PKCS11Error."""
        key = self.key(address, pins)
        self._require_alive(key.session)
        return key

    def writing(self, address: KeyAddress, pins: PinSource) -> Session:
        """A session of its own that may write into the token, logged in; whoever asks for it closes it.

        Raises TokenError, TokenPinError, PKCS11Error.
        """
        return _log_in(self._find(address), self._path, pins, writing=True)

    def _require_alive(self, session: Session) -> None:
        """See that a session is not lost; raises PKCS11Error.

        A search in a lost one raises too, but the binding then complains a second time, on standard error.
        """
        for key in self._keys.values():
            if key.session is session:
                key.private_key[Attribute.CLASS]
                return

    def sign(self, key: TokenKey, pins: PinSource, data: bytes, mechanism: Mechanism) -> bytes:
        """Use a key; one that asks for the PIN at each use is given it. Raises TokenPinError, PKCS11Error."""
        if not key.confirms_each_use:
            return bytes(key.private_key.sign(data, mechanism=mechanism))
        token = key.session.token.slot.get_token()  # as it is now: how many tries are left
        pin = _pin_for(token, self._path, pins)
        try:
            return bytes(key.private_key.sign(data, mechanism=mechanism, pin=pin.reveal()))
        # without the frames in which the PIN is an argument
        except _REFUSED as error:
            raise _refused(token, self._path, pin) from error.with_traceback(None)
        except PKCS11Error as error:
            raise error.with_traceback(None) from None

    def _find(self, address: KeyAddress) -> Token:
        tokens = list(self._tokens())
        found = [token for token in tokens if _is_meant(token, address)]
        if len(found) > 1:
            raise TokenError(
                f"The module {self._path} shows {len(found)} tokens that can be meant by the key's URI.",
                hint="Name one: add token=… or serial=….",
            )
        if not found:
            shown = ", ".join(f"“{token.label}”" for token in tokens)
            raise TokenUnavailableError(
                f"The module {self._path} does not show {address.token_words}.",
                hint="Plug it in, or have its service started. "
                + (f"There is {shown}." if shown else "No token is there."),
            )
        return found[0]

    def _tokens(self) -> Iterator[Token]:
        for slot in self._library().get_slots(token_present=True):
            with suppress(pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised):
                token = slot.get_token()
                if token.flags & TokenFlag.TOKEN_INITIALIZED:
                    yield token

    def _library(self) -> "Library":
        if not os.path.isfile(self._path):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
            raise TokenError(
                f"There is no PKCS#11 module at {self._path}.",
                hint="Install the token's software, and name its library in the key's URI (module-path=…) or"
                " as PARAAF_PKCS11_MODULE.",
            )
        try:
            return pkcs11.lib(str(self._path))
        except PKCS11Error as error:
            if "while loading" not in str(error):
                raise
            raise TokenError(
                f"{self._path} can't be loaded as a PKCS#11 module.",
                hint="Name the library of the token's software, for this machine's processor.",
            ) from error

    def _start_anew(self) -> None:
        """Initialise the module anew: only so does SoftHSM see a token that was put back."""
        self._sessions.clear()
        self._keys.clear()
        library = self._library()
        with suppress(PKCS11Error):  # it may not be initialised any more; then there is nothing to end
            library.finalize()
        library.initialize()
        self._inherited = False


def _is_meant(token: Token, address: KeyAddress) -> bool:
    serial = token.serial.decode("utf-8", errors="replace")
    return all(
        wanted is None or wanted == is_there
        for wanted, is_there in (
            (address.token, token.label),
            (address.serial, serial),
            (address.manufacturer, token.manufacturer_id),
            (address.model, token.model),
            (address.slot_id, token.slot.slot_id),
        )
    )


def _log_in(token: Token, module: Path, pins: PinSource, *, writing: bool = False) -> Session:
    """Open a session and log in, with one try. Raises TokenPinError, PKCS11Error."""
    if not token.flags & TokenFlag.LOGIN_REQUIRED:
        return token.open(rw=writing)
    pin = _pin_for(token, module, pins)
    try:
        return token.open(rw=writing, user_pin=pin.reveal())
    except pkcs11.UserAlreadyLoggedIn:  # a login counts for every session of the process
        return token.open(rw=writing)
    except _REFUSED as error:
        raise _refused(token, module, pin) from error
    except tuple(_UNUSABLE) as error:
        state, hint = _UNUSABLE[type(error)]
        raise TokenPinError(f"The PIN of the token “{token.label}” {state}.", hint=hint) from error


def _pin_for(token: Token, module: Path, pins: PinSource) -> Secret:
    """The PIN to try on a token; what may lock the token is not tried. Raises TokenPinError."""
    whose = f"the token “{token.label}”"
    if token.flags & TokenFlag.USER_PIN_LOCKED:
        raise TokenPinError(f"The PIN of {whose} is locked.", hint="Unlock it with the token's own program.")
    pin = pins.read()
    if pin is None:
        raise TokenPinError(
            f"No PIN is given for {whose}.",
            hint="Put it into a file that only you may read, and name that in the key's URI"
            " (pin-source=file:/…) or as PARAAF_PKCS11_PIN_FILE; or set PARAAF_PKCS11_PIN.",
        )
    if _wrong_pins.knows((module, token.label, token.serial), pin):
        raise TokenPinError(f"The PIN of {whose} is wrong, and is not tried again.", hint=_MEND_PIN)
    if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
        raise TokenPinError(
            f"One more wrong PIN would lock {whose}, so none is tried.",
            hint="Log in once by hand with the right PIN, which gives back the tries:"
            " pkcs11-tool --module … --token-label … --login --list-objects.",
        )
    return pin


def _refused(token: Token, module: Path, pin: Secret) -> TokenPinError:
    _wrong_pins.remember((module, token.label, token.serial), pin)
    return TokenPinError(f"The token “{token.label}” refused the PIN as wrong.", hint=_MEND_PIN)


def _name(error: PKCS11Error) -> str:
    return type(error).__name__ if type(error) is not PKCS11Error else str(error).removesuffix(".")


_MEND_PIN = (
    "Correct the PIN where it is kept: a changed one is tried at once. If it is the token's PIN that was"
    " changed, start the worker anew."
)
