"""A remote signing provider for development: it keeps keys for people, who authorise each use of theirs.

It speaks the API of the Cloud Signature Consortium, so that remote signing can be tried and tested before
there is a contract with anybody. Its keys lie in software and its certificates say "development". What is
here knows nothing of HTTP: see `certs.csc_http`. Source: Cloud Signature Consortium, "Architectures and
protocols for remote signature applications" 1.0.4.0, clauses 8 and 11.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from certs.csc_activations import Activations
from certs.csc_authorization import Access, AuthorizationServer
from certs.csc_people import (
    ECDSA_OIDS,
    ED25519_OID,
    RSA_OID,
    RSA_OIDS,
    SHA2_OIDS,
    CscApplication,
    CscCredential,
    CscPerson,
)
from certs.csc_refusal import Asked, Refusal
from certs.keystore import Credential

VERSION: Final = "1.0.4.0"
PATH: Final = "/csc/v1"
PIN_TRIES: Final = 3
PAGE: Final = 100
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_CURVES: Final = {"secp256r1": "1.2.840.10045.3.1.7", "secp384r1": "1.3.132.0.34"}
_GENERALIZED_TIME: Final = "%Y%m%d%H%M%SZ"
_LANGUAGE: Final = "en-US"
_CERTIFICATES: Final = ("none", "single", "chain")


@dataclass(frozen=True)
class CscRules:
    """How long what the provider gives out holds, in seconds, and how much one call may sign.

    `one_call` lets a SAD serve one signHash only: the next needs credentials/extendTransaction.
    """

    token_life_s: float = 3600.0
    sad_life_s: float = 300.0
    otp_life_s: float = 120.0
    hashes_a_call: int = 200
    one_call: bool = False


class DevelopmentProvider:
    """The provider's state and its methods: each takes a JSON object and gives one, or raises Refusal.

    `signed` lists every signature made, as credential and digest: what was signed twice can be counted.
    """

    def __init__(
        self,
        *,
        applications: Iterable[CscApplication],
        people: Iterable[CscPerson],
        credentials: Iterable[CscCredential],
        clock: Callable[[], datetime],
        rules: CscRules | None = None,
    ) -> None:
        self.rules = rules or CscRules()
        self.clock = clock
        self.credentials = {found.credential_id: found for found in credentials}
        self.activations = Activations(clock=clock, life_s=self.rules.sad_life_s)
        self.oauth = AuthorizationServer(
            applications=applications,
            people=people,
            credentials=self.credentials,
            activations=self.activations,
            clock=clock,
            token_life_s=self.rules.token_life_s,
        )
        self.signed: list[tuple[str, bytes]] = []
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._wrong_pins: dict[str, int] = {}

    def info(self, asked: Asked, *, base_url: str) -> dict[str, Any]:
        """Answer info (11.1): what the provider is and can do."""
        asked.optional("lang")
        return {
            "specs": VERSION,
            "name": "Development provider",
            "logo": f"{base_url}/logo.png",
            "region": "NL",
            "lang": _LANGUAGE,
            "description": "For development only: its signatures are nobody's.",
            "authType": ["basic", "oauth2code", "oauth2client"],
            "oauth2": f"{base_url}/",
            "methods": [*METHODS, "oauth2/authorize", "oauth2/token", "oauth2/revoke"],
        }

    def credentials_list(self, access: Access, asked: Asked) -> dict[str, Any]:
        """Answer credentials/list (11.4), a page at a time."""
        user_id = asked.optional("userID")
        if access.user_id and user_id:
            raise Refusal("userID parameter MUST be null")
        if not access.user_id and not user_id:
            raise Refusal("Invalid parameter userID")
        owner = access.user_id or user_id
        mine = sorted(key for key, one in self.credentials.items() if one.user_id == owner)
        most = asked.number("maxResults") if asked.has("maxResults") else PAGE
        if most < 1:
            raise Refusal("Invalid parameter maxResults")
        start = self._page(asked.optional("pageToken"))
        answer: dict[str, Any] = {"credentialIDs": mine[start : start + most]}
        if start + most < len(mine):
            answer["nextPageToken"] = str(start + most)
        return answer

    @staticmethod
    def _page(token: str) -> int:
        if not token:
            return 0
        if not token.isascii() or not token.isdigit():
            raise Refusal("Invalid parameter pageToken")
        return int(token)

    def credentials_info(self, access: Access, asked: Asked) -> dict[str, Any]:
        """Answer credentials/info (11.5): a key, its certificates, and what its use takes."""
        found = self._credential(access, asked)
        which = asked.optional("certificates", "single")
        if which not in _CERTIFICATES:
            raise Refusal("Invalid parameter certificates")
        with_details, with_factors = asked.flag("certInfo"), asked.flag("authInfo")
        asked.optional("lang")
        return {
            "description": "A development key",
            "key": _key_of(found),
            "cert": self._certificate_of(found, which, with_details=with_details),
            "authMode": found.mode,
            "SCAL": "2" if found.bound else "1",
            **(_factors_of(found) if with_factors and found.mode == "explicit" else {}),
            "multisign": found.multisign,
            "lang": _LANGUAGE,
        }

    def certificates_of(self, found: CscCredential) -> Credential:
        """Give the certificates that are told of a key."""
        return found.key

    def _certificate_of(self, found: CscCredential, which: str, *, with_details: bool) -> dict[str, Any]:
        told = self.certificates_of(found)
        certificate = told.certificate
        inside = certificate.not_valid_before_utc <= self.clock() <= certificate.not_valid_after_utc
        answer: dict[str, Any] = {"status": "valid" if inside else "expired"}
        if which != "none":
            chain = (certificate, *(told.chain if which == "chain" else ()))
            answer["certificates"] = [_base64(one.public_bytes(Encoding.DER)) for one in chain]
        if with_details:
            answer |= {
                "issuerDN": certificate.issuer.rfc4514_string(),
                "serialNumber": f"{certificate.serial_number:X}",
                "subjectDN": certificate.subject.rfc4514_string(),
                "validFrom": certificate.not_valid_before_utc.strftime(_GENERALIZED_TIME),
                "validTo": certificate.not_valid_after_utc.strftime(_GENERALIZED_TIME),
            }
        return answer

    def credentials_authorize(self, access: Access, asked: Asked) -> dict[str, Any]:
        """Answer credentials/authorize (11.6): a SAD for as many signatures, when the factors are right."""
        found = self._credential(access, asked)
        if not found.enabled:
            raise Refusal("The credential identified by credentialID is disabled")
        count = asked.number("numSignatures")
        if count < 1:
            raise Refusal("Invalid value for parameter numSignatures")
        if count > found.multisign:
            raise Refusal("Numbers of signatures is too high")
        over = asked.hashes(required=found.bound)
        if over and len(over) != count:
            raise Refusal("Invalid value for parameter numSignatures")
        if found.mode == "oauth2code":
            raise Refusal("The client is not authorized to use this method", error="unauthorized_client")
        if found.mode == "explicit":
            self._require_pin(found, asked)
            self._require_otp(found, asked)
        sad = self.activations.issue(
            credential_id=found.credential_id,
            client_id=access.client_id,
            count=count,
            hashes=over,
            bound=found.bound,
        )
        return {"SAD": sad, "expiresIn": int(self.activations.life_s)}

    def credentials_extend(self, access: Access, asked: Asked) -> dict[str, Any]:
        """Answer credentials/extendTransaction (11.7): a new SAD for what the old one has left."""
        found = self._credential(access, asked)
        over = asked.hashes(required=found.bound)
        sad = self.activations.extend(
            asked.text("SAD"), credential_id=found.credential_id, client_id=access.client_id, hashes=over
        )
        return {"SAD": sad, "expiresIn": int(self.activations.life_s)}

    def credentials_send_otp(self, access: Access, asked: Asked) -> None:
        """Answer credentials/sendOTP (11.8): make a code, which `otp_of` shows in place of a telephone."""
        found = self._credential(access, asked)
        if not found.otp:
            raise Refusal("Invalid parameter credentialID")
        until = self.clock() + timedelta(seconds=self.rules.otp_life_s)
        self._codes[found.credential_id] = f"{secrets.randbelow(10**6):06d}", until

    def otp_of(self, credential_id: str) -> str:
        """Show the code that was sent last for a credential, "" when there is none."""
        return self._codes.get(credential_id, ("", self.clock()))[0]

    def sign_hash(self, access: Access, asked: Asked) -> dict[str, Any]:
        """Answer signatures/signHash (11.9): raw signature values in the order of the hashes."""
        found = self._credential(access, asked)
        sad, over = asked.text("SAD"), asked.hashes()
        digest = _digest_of(found, asked)
        if any(len(one) != _HASHES[digest].digest_size for one in over):
            raise Refusal("Invalid digest value length")
        activation = self.activations.find(sad, credential_id=found.credential_id, client_id=access.client_id)
        if self.clock() > found.key.certificate.not_valid_after_utc:
            raise Refusal("Signing certificate is expired")
        if len(over) > self.rules.hashes_a_call or (self.rules.one_call and activation.calls):
            raise Refusal("Numbers of signatures is too high")
        self.activations.use(sad, over)
        self.signed += [(found.credential_id, one) for one in over]
        return {"signatures": [_base64(self.signature(found, one, digest)) for one in over]}

    def signature(self, found: CscCredential, digest: bytes, algorithm: str) -> bytes:
        """Sign one digest: PKCS #1 v1.5 with RSA, DER with ECDSA."""
        key, prehashed = found.key.private_key, utils.Prehashed(_HASHES[algorithm])
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(digest, padding.PKCS1v15(), prehashed)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(digest, ec.ECDSA(prehashed))
        raise Refusal("Invalid parameter credentialID")

    def _credential(self, access: Access, asked: Asked) -> CscCredential:
        found = self.credentials.get(asked.text("credentialID"))
        # Somebody else's is as unknown as one that does not exist.
        if found is None or access.user_id not in ("", found.user_id):
            raise Refusal("Invalid parameter credentialID")
        asked.optional("clientData")
        return found

    def _require_pin(self, found: CscCredential, asked: Asked) -> None:
        if not found.pin:
            return
        pin = asked.text("PIN")
        if self._wrong_pins.get(found.credential_id, 0) >= PIN_TRIES:
            raise Refusal("PIN locked")
        if not hmac.compare_digest(pin.encode(), found.pin.encode()):
            self._wrong_pins[found.credential_id] = self._wrong_pins.get(found.credential_id, 0) + 1
            raise Refusal("The PIN is invalid", error="invalid_pin")
        self._wrong_pins.pop(found.credential_id, None)

    def _require_otp(self, found: CscCredential, asked: Asked) -> None:
        if not found.otp:
            return
        given = asked.text("OTP")
        code, until = self._codes.get(found.credential_id, ("", self.clock()))
        if self.clock() >= until or not hmac.compare_digest(given.encode(), code.encode()):
            raise Refusal("The OTP is invalid", error="invalid_otp")
        del self._codes[found.credential_id]


METHODS: Final[Mapping[str, Callable[[DevelopmentProvider, Access, Asked], dict[str, Any] | None]]] = {
    "credentials/list": DevelopmentProvider.credentials_list,
    "credentials/info": DevelopmentProvider.credentials_info,
    "credentials/authorize": DevelopmentProvider.credentials_authorize,
    "credentials/extendTransaction": DevelopmentProvider.credentials_extend,
    "credentials/sendOTP": DevelopmentProvider.credentials_send_otp,
    "signatures/signHash": DevelopmentProvider.sign_hash,
}
"""What an access token opens; a method that gives nothing answers with HTTP 204."""


def _digest_of(found: CscCredential, asked: Asked) -> str:
    """Say over which digest is to be signed: by the signature algorithm, or beside it."""
    algorithm = asked.text("signAlgo")
    if algorithm not in found.algorithms or algorithm == ED25519_OID:
        raise Refusal("Invalid parameter signAlgo")
    if algorithm != RSA_OID:
        return (RSA_OIDS | ECDSA_OIDS)[algorithm]
    name = asked.text("hashAlgo")
    if name not in SHA2_OIDS:
        raise Refusal("Invalid parameter hashAlgo")
    return SHA2_OIDS[name]


def _key_of(found: CscCredential) -> dict[str, Any]:
    public_key = found.key.certificate.public_key()
    answer: dict[str, Any] = {
        "status": "enabled" if found.enabled else "disabled",
        "algo": list(found.algorithms),
    }
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return answer | {"len": public_key.key_size, "curve": _CURVES[public_key.curve.name]}
    return answer | {"len": public_key.key_size if isinstance(public_key, rsa.RSAPublicKey) else 256}


def _factors_of(found: CscCredential) -> dict[str, Any]:
    pin: dict[str, Any] = {"presence": "true" if found.pin else "false"}
    if found.pin:
        pin |= {"format": "N", "label": "PIN", "description": "The PIN of the development key"}
    otp: dict[str, Any] = {"presence": "true" if found.otp else "false"}
    if found.otp:
        otp |= {
            "type": "online",
            "format": "N",
            "label": "Code",
            "description": "The code that the provider's page shows",
            "ID": f"otp-{found.credential_id}",
            "provider": "Development provider",
        }
    return {"PIN": pin, "OTP": otp}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
