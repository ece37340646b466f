"""Read what a remote signing provider answers, strictly by the specification.

A field that the specification knows must be of its type; one that it does not know is left alone. Source:
Cloud Signature Consortium API 1.0.4.0, clauses 7 and 11.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, cast

from cryptography import x509

from certs.der import DerError
from certs.errors import UNREADABLE
from signing.signed_data import load_certificate

Mode = Literal["explicit", "implicit", "oauth2code"]
Presence = Literal["true", "false", "optional"]
_MODES = ("explicit", "implicit", "oauth2code")
_PRESENCES = ("true", "false", "optional")
_LONGEST_LIFE_S = 366 * 24 * 3600
_USUAL_LIFE_S = 3600  # of tokens and SADs whose answer does not say it: 8.3.3, 11.6


class Unspecified(ValueError):
    """An answer is not as the specification has it; the text names the field, never its value."""


class Answer:
    """The fields of a JSON object; raises Unspecified for one that is missing or of another type."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    @classmethod
    def read(cls, body: bytes) -> "Answer":
        """Read a JSON object that names nothing twice."""
        try:
            fields = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_number)
        except Unspecified:
            raise
        except RecursionError:
            raise Unspecified("too deep") from None
        except ValueError:
            raise Unspecified("no JSON") from None
        if not isinstance(fields, dict):
            raise Unspecified("no JSON object")
        return cls(fields)

    def has(self, name: str) -> bool:
        """Say whether a field is there; null is as good as not."""
        return self._fields.get(name) is not None

    def text(self, name: str) -> str:
        """Take a text that is not empty."""
        value = self._fields.get(name)
        if not isinstance(value, str) or not value:
            raise Unspecified(f"no text {name}")
        return value

    def optional(self, name: str, default: str = "") -> str:
        """Take a text that may be missing."""
        return self.text(name) if self.has(name) else default

    def token(self, name: str) -> str:
        """Take a text that can stand in a header. Source: RFC 6750, 2.1."""
        value = self.text(name)
        if not value.isascii() or not value.isprintable() or " " in value:
            raise Unspecified(f"no token {name}")
        return value

    def one_of(self, name: str, allowed: Sequence[str], default: str = "") -> str:
        """Take one of the specification's words."""
        value = self.optional(name, default) if default else self.text(name)
        if value not in allowed:
            raise Unspecified(f"an unknown {name}")
        return value

    def number(self, name: str, *, least: int = 1) -> int:
        """Take a whole number."""
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Unspecified(f"no number {name}")
        return value

    def life_s(self, name: str) -> int:
        """Take for how many seconds something holds; an hour where it is not said."""
        return min(self.number(name), _LONGEST_LIFE_S) if self.has(name) else _USUAL_LIFE_S

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts."""
        values = self._fields.get(name)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise Unspecified(f"no list {name}")
        return tuple(values)

    def blobs(self, name: str) -> tuple[bytes, ...]:
        """Take a list of bytes in Base64."""
        try:
            return tuple(base64.b64decode(value, validate=True) for value in self.texts(name))
        except (binascii.Error, ValueError) as error:
            if isinstance(error, Unspecified):
                raise
            raise Unspecified(f"no Base64 in {name}") from None

    def part(self, name: str) -> "Answer":
        """Take an object within this one."""
        value = self._fields.get(name)
        if not isinstance(value, dict):
            raise Unspecified(f"no object {name}")
        return Answer(value)


@dataclass(frozen=True)
class Factor:
    """A PIN or a one-time code: whether it is asked for, and in which form a person types it.

    `online` codes are sent when `send_code` is called; the others come from a device of the person's.
    """

    presence: Presence = "false"
    numeric: bool = False
    online: bool = False
    label: str = ""
    description: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether there is no authorisation without it."""
        return self.presence == "true"

    @property
    def is_possible(self) -> bool:
        """Whether it may be given at all."""
        return self.presence != "false"


@dataclass(frozen=True)
class RemoteCredential:
    """A key that a remote signing provider keeps for somebody, with its certificates.

    `multisign` is the most signatures of one authorisation; `bound` says that an authorisation is for given
    hashes only; `chain` starts with the issuer.
    """

    credential_id: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = field(repr=False)
    mode: Mode
    enabled: bool
    status: str
    bound: bool
    multisign: int
    algorithms: tuple[str, ...]
    pin: Factor = Factor()
    otp: Factor = Factor()
    description: str = ""


@dataclass(frozen=True)
class ServiceInfo:
    """What a remote signing provider says of itself: `oauth_url` ends with a slash, or is empty."""

    name: str
    methods: frozenset[str]
    authorisations: frozenset[str]
    oauth_url: str


def service_info(answer: Answer) -> ServiceInfo:
    """Read the answer to info (11.1); raises Unspecified, also for another version of the API."""
    version = answer.text("specs")
    if not version.startswith("1.0."):
        raise Unspecified("another version of the API than 1.0.4.0")
    oauth_url = answer.optional("oauth2")
    return ServiceInfo(
        name=answer.text("name"),
        methods=frozenset(answer.texts("methods")),
        authorisations=frozenset(answer.texts("authType")),
        oauth_url=oauth_url if oauth_url.endswith("/") or not oauth_url else f"{oauth_url}/",
    )


def remote_credential(credential_id: str, answer: Answer) -> RemoteCredential:
    """Read the answer to credentials/info (11.5), asked with its chain and all information."""
    key, cert = answer.part("key"), answer.part("cert")
    mode = cast(Mode, answer.one_of("authMode", _MODES))
    certificates = tuple(_certificate(found) for found in cert.blobs("certificates"))
    if not certificates:
        raise Unspecified("no certificate")
    _require_same_key(key, certificates[0])
    asks = mode == "explicit"
    return RemoteCredential(
        credential_id=credential_id,
        certificate=certificates[0],
        chain=certificates[1:],
        mode=mode,
        enabled=key.one_of("status", ("enabled", "disabled")) == "enabled",
        status=cert.one_of("status", ("valid", "expired", "revoked", "suspended"), "valid"),
        bound=answer.one_of("SCAL", ("1", "2"), "1") == "2",
        multisign=answer.number("multisign"),
        algorithms=key.texts("algo"),
        pin=_factor(answer.part("PIN")) if asks and answer.has("PIN") else Factor(),
        otp=_factor(answer.part("OTP")) if asks and answer.has("OTP") else Factor(),
        description=answer.optional("description"),
    )


def _factor(answer: Answer) -> Factor:
    presence = cast(Presence, answer.one_of("presence", _PRESENCES))
    if presence == "false":
        return Factor()
    return Factor(
        presence=presence,
        numeric=answer.one_of("format", ("A", "N")) == "N",
        online=answer.one_of("type", ("offline", "online"), "offline") == "online",
        label=answer.optional("label"),
        description=answer.optional("description"),
    )


def _certificate(cert_der: bytes) -> x509.Certificate:
    try:
        return load_certificate(cert_der)
    except DerError:
        raise Unspecified("an unreadable certificate") from None


def _require_same_key(key: Answer, certificate: x509.Certificate) -> None:
    """The length told is that of the certificate's key."""
    try:
        bits = getattr(certificate.public_key(), "key_size", None)
    except UNREADABLE:
        raise Unspecified("a certificate with an unknown kind of key") from None
    if bits is not None and key.number("len") != bits:
        raise Unspecified("a certificate with another key")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unspecified("a field twice")
    return fields


def _no_number(name: str) -> NoReturn:
    raise Unspecified(f"{name} for a number")
