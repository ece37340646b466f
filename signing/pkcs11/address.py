"""Where a key in a token is: a `pkcs11:` URI. Source: RFC 7512.

A URI may stand in a profile, on a command line and in a log, so it never holds the PIN: it may say in which
file the PIN is.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from signing.errors import KeyAddressError

MODULE: Final = "PARAAF_PKCS11_MODULE"
_SCHEME = "pkcs11:"
# What tells tokens apart, and the key in one.
_PATH = ("token", "serial", "manufacturer", "model", "slot-id", "object", "id", "type")
_QUERY = ("module-path", "pin-source")
_PIN_VALUE = "pin-value"
_FILE = "file:"
_MOST_DIGITS = 20  # of a slot's number, which has 64 bits


@dataclass(frozen=True)
class KeyAddress:
    """What a URI says of a token and of a private key in it; None: it says nothing.

    `label` and `key_id` are the key's CKA_LABEL and CKA_ID. `pin_file` holds the token's PIN.
    """

    module: Path | None = None
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    slot_id: int | None = None
    label: str | None = None
    key_id: bytes | None = None
    pin_file: Path | None = None

    @property
    def token_words(self) -> str:
        """The token, for a message."""
        if self.token is not None:
            return f"the token “{self.token}”"
        if self.serial is not None:
            return f"the token with the serial number {self.serial}"
        return "the token" if self.slot_id is None else f"the token in slot {self.slot_id}"

    @property
    def key_words(self) -> str:
        """The key, for a message."""
        named = [f"“{self.label}”"] if self.label is not None else []
        named += [f"with the id {self.key_id.hex()}"] if self.key_id is not None else []
        return " ".join(["the key", *named])


def is_key_address(text: str) -> bool:
    """Tell whether a text names a key in a token, rather than a file."""
    return text.lower().startswith(_SCHEME)


def parse_key_address(uri: str) -> KeyAddress:
    """Read a `pkcs11:` URI; what is not understood is refused. Raises KeyAddressError.

    No message repeats a value: somebody may have put a PIN where it does not belong.
    """
    if not is_key_address(uri):
        raise KeyAddressError("A key in a token is named by a URI that begins with “pkcs11:”.", hint=_EXAMPLE)
    path, _, query = uri[len(_SCHEME) :].partition("?")
    if any(part.partition("=")[0] == _PIN_VALUE for part in (*path.split(";"), *query.split("&"))):
        raise KeyAddressError(
            "The key's URI holds the PIN itself, where others can read it.",
            hint="Put the PIN into a file that only you may read, and name that as pin-source=file:/…; if the"
            " URI was on a command line or in a log, change the PIN.",
        )
    named = _attributes(path, ";", _PATH)
    asked = _attributes(query, "&", _QUERY)
    if named.get("type", "private") != "private":
        raise KeyAddressError("The key's URI names no private key.", hint="Leave `type` out of it.")
    return KeyAddress(
        module=_absolute("module-path", asked["module-path"]) if "module-path" in asked else None,
        token=_text(named, "token"),
        serial=_text(named, "serial"),
        manufacturer=_text(named, "manufacturer"),
        model=_text(named, "model"),
        slot_id=_number(named, "slot-id"),
        label=_text(named, "object"),
        key_id=unquote_to_bytes(named["id"]) if "id" in named else None,
        pin_file=_pin_file(asked["pin-source"]) if "pin-source" in asked else None,
    )


def module_path(address: KeyAddress) -> Path | None:
    """The module that reaches a key: its URI's, else PARAAF_PKCS11_MODULE; None when nobody names one."""
    return address.module or (Path(os.environ[MODULE]) if os.environ.get(MODULE) else None)


def _attributes(part: str, separator: str, known: tuple[str, ...]) -> dict[str, str]:
    """The attributes of one part of a URI, still escaped."""
    found: dict[str, str] = {}
    for attribute in filter(None, part.split(separator)):
        name, equals, value = attribute.partition("=")
        if name not in known or not equals:
            raise KeyAddressError(
                "The key's URI says something that is not understood.",
                hint=f"It may hold {', '.join(known)}, parted by “{separator}”. {_EXAMPLE}",
            )
        if name in found:
            raise KeyAddressError(f"The key's URI says {name} twice.", hint="Leave one out.")
        found[name] = value
    return found


def _text(named: Mapping[str, str], name: str) -> str | None:
    if name not in named:
        return None
    try:
        return unquote(named[name], errors="strict")
    except UnicodeDecodeError:
        raise KeyAddressError(f"In the key's URI {name} is no UTF-8.", hint=_EXAMPLE) from None


def _number(named: Mapping[str, str], name: str) -> int | None:
    if name not in named:
        return None
    if not (named[name].isascii() and named[name].isdigit() and len(named[name]) <= _MOST_DIGITS):
        raise KeyAddressError(f"In the key's URI {name} is no number.", hint=_EXAMPLE)
    return int(named[name])


def _pin_file(escaped: str) -> Path:
    """The file of a pin-source; a program to run for the PIN (“|…”) is not run here."""
    return _absolute("pin-source", escaped.removeprefix(_FILE))


def _absolute(name: str, escaped: str) -> Path:
    value = unquote(escaped)
    if value.startswith("//"):  # file:///path: no host
        value = value[2:]
    if not value.startswith("/") or "\0" in value:
        raise KeyAddressError(
            f"In the key's URI {name} is no absolute path of a file.", hint=f"Write {name}=…/…. {_EXAMPLE}"
        )
    return Path(value)


_EXAMPLE = "For instance: pkcs11:token=office;object=seal;id=%01?pin-source=file:/etc/paraaf/pin"
