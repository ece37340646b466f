"""Asks a provider of OpenID Connect who somebody is: by a code, good for this office alone.

What is asked and believed, in order:

  (1) where its addresses are, by its discovery document, which has to be of the very issuer in the settings
  (2) a code, for a challenge (PKCE) whose answer only this office has, and an identity token for it
  (3) the token's signature, by a public key of the provider's; never `none`, never a secret
  (4) that it is from this issuer, for this client, for this very sign-in (nonce), and of now

Nobody else is asked: addresses are over https, or of this machine; redirects are not followed.
Sources: OpenID Connect Core 1.0, 3.1; Discovery 1.0; RFC 7636; RFC 9207; RFC 9700.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests.adapters import HTTPAdapter

from workflow.elsewhere_settings import Elsewhere, may_be_asked
from workflow.entrance import Vouched
from workflow.errors import WorkflowError

ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
SKEW_S: Final = 60
"""So far may the provider's clock be from ours."""
TIMEOUT_S: Final = 10
MOST: Final = 512 * 1024
KEPT_S: Final = 3600.0
"""Discovery and keys are asked anew after this."""
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_METHODS: Final = ("client_secret_basic", "client_secret_post")


class ElsewhereFailed(WorkflowError):
    """The organisation's sign-in could not be asked, or its answer is not to be believed."""

    code = "workflow-elsewhere"
    impersonal = True


class ElsewhereRefused(WorkflowError):
    """The organisation's sign-in did not say who somebody is."""

    code = "workflow-elsewhere-refused"


@dataclass(frozen=True)
class Begun:
    """A sign-in that is to be answered: what its answer has to fit, and where the person is sent."""

    address: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Looked:
    """A provider that can be asked: how many keys it has, and by how much its clock is ahead of ours (None:
    it does not say)."""

    keys: int
    ahead_by: timedelta | None


class Provider:
    """The provider that the settings name. `back`: where it sends people back to."""

    def __init__(self, settings: Elsewhere, *, back: str, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._back = back
        self._clock = clock
        self._lock = Lock()
        self._documents: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._ahead_by: timedelta | None = None

    @property
    def settings(self) -> Elsewhere:
        """What is said of it."""
        return self._settings

    def look(self) -> Looked:
        """Ask for what every sign-in needs, anew. Raises ElsewhereFailed."""
        with self._lock:
            self._documents.clear()
        for name in _NEEDED:
            self._address(name)
        offered = self._document(self._discovery, KEPT_S).get("id_token_signing_alg_values_supported")
        if isinstance(offered, list) and not set(ALGORITHMS) & {str(one) for one in offered}:
            raise ElsewhereFailed(
                "The provider signs identity tokens by no algorithm that is believed.",
                hint=f"Have it sign by one of: {', '.join(ALGORITHMS)}.",
            )
        keys = len(self._keys(self._address("jwks_uri"), KEPT_S).keys)
        if not keys:
            raise ElsewhereFailed("The provider has no public key.", hint="Look at its jwks_uri.")
        return Looked(keys, self._ahead_by)

    def begin(self, state: str) -> Begun:
        """Where to send somebody, who comes back with this state. Raises ElsewhereFailed."""
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        with self._session() as session:
            address, _ = session.create_authorization_url(
                self._address("authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(address, nonce, verifier)

    def vouched(self, code: str, *, nonce: str, verifier: str, issuer: str = "") -> Vouched:
        """Whom a code is about; `issuer` is who sent it, where that was said.

        Raises ElsewhereFailed, ElsewhereRefused.
        """
        if issuer and issuer != self._settings.issuer:
            raise ElsewhereRefused("The answer is of another provider.", hint="Begin again.")
        token = self._token(code, verifier)
        claims = self._claims(token, nonce)
        return Vouched(self._person(claims), self._groups(claims), str(token["id_token"]))

    def leaving(self, id_token: str, *, back: str) -> str:
        """Where somebody is sent to sign out there, too; "" where there is no such place."""
        try:
            address = self._address("end_session_endpoint")
        except ElsewhereFailed:
            return ""
        asked = {
            "id_token_hint": id_token,
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": back,
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def _token(self, code: str, verifier: str) -> Mapping[str, Any]:
        address = self._address("token_endpoint")
        try:
            with self._session() as session:
                token = session.fetch_token(
                    address,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    allow_redirects=False,
                )
        except OAuthError as error:
            raise ElsewhereRefused(
                "The organisation's sign-in takes this code for none of its own.", hint="Begin again."
            ) from error
        except (requests.RequestException, ValueError) as error:
            raise _unasked(address, error) from error
        if not isinstance(token.get("id_token"), str):
            raise ElsewhereFailed(
                "The organisation's sign-in gave no identity token.",
                hint="Look at the client's settings there.",
            )
        return dict(token)

    def _claims(self, token: Mapping[str, Any], nonce: str) -> CodeIDToken:
        """The claims of an identity token that is to be believed. Raises ElsewhereRefused."""
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        params = {
            "nonce": nonce,
            "client_id": self._settings.client_id,
            "access_token": token.get("access_token"),
        }
        try:
            read = self._read(token["id_token"])
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(now=int(self._clock().timestamp()), leeway=SKEW_S)
        except (JoseError, ValueError, TypeError) as error:
            raise ElsewhereRefused(
                "The identity token is not to be believed: of another provider, client, sign-in or time.",
                hint="Begin again; if that does not help, see that the clocks of both machines are right.",
            ) from error
        return claims

    def _read(self, token: str) -> jwt.Token:
        """The token, by a key that the provider has now: keys change."""
        address = self._address("jwks_uri")
        try:
            return jwt.decode(token, self._keys(address, KEPT_S), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, self._keys(address, 0.0), algorithms=ALGORITHMS)

    def _keys(self, address: str, age_s: float) -> KeySet:
        """Raises ElsewhereFailed."""
        found = self._document(address, age_s).get("keys")
        usable = [
            one
            for one in (found if isinstance(found, list) else ())
            if isinstance(one, dict) and one.get("kty") in {"RSA", "EC", "OKP"} and one.get("use") != "enc"
        ]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, KeyError) as error:
            raise ElsewhereFailed(
                "The provider's keys can't be read.", hint="Look at its jwks_uri."
            ) from error

    def _person(self, claims: Mapping[str, Any]) -> str:
        said, name = claims.get(self._settings.person), self._settings.person
        if name == "email" and claims.get("email_verified") is not True:
            said = None  # anybody may write any address there
        if isinstance(said, int) and not isinstance(said, bool):
            said = str(said)
        if not isinstance(said, str) or not said or len(said) > 100:
            raise ElsewhereRefused(
                f"The organisation's sign-in does not tell your number (claim {name!r}).",
                hint="Whoever looks after it has it tell that, or names another claim in identity.toml.",
            )
        return said

    def _groups(self, claims: Mapping[str, Any]) -> frozenset[str]:
        said = claims.get(self._settings.groups) if self._settings.groups else None
        listed = said if isinstance(said, list) else ()
        return frozenset(one for one in listed if isinstance(one, str))

    def _address(self, name: str) -> str:
        """An address of the provider's, by its discovery document. Raises ElsewhereFailed."""
        found = self._document(self._discovery, KEPT_S)
        if found.get("issuer") != self._settings.issuer:
            raise ElsewhereFailed(
                "The provider calls itself otherwise than identity.toml does.",
                hint="Write the issuer there as its discovery document does.",
            )
        address = found.get(name)
        if not isinstance(address, str) or not may_be_asked(address, here=self._settings.is_here):
            raise ElsewhereFailed(
                f"The provider has no {name} that can be asked.", hint="It has to be over https."
            )
        return address

    def _document(self, address: str, age_s: float) -> Mapping[str, Any]:
        """A JSON document, no older than this. Raises ElsewhereFailed."""
        with self._lock:
            at, kept = self._documents.get(address, (0.0, None))
            if kept is not None and monotonic() - at < age_s:
                return kept
            try:
                with self._session() as session:
                    answer = session.get(address, withhold_token=True, allow_redirects=False)
                found = json.loads(answer.content) if answer.status_code == requests.codes.ok else None
            except (requests.RequestException, ValueError) as error:
                raise _unasked(address, error) from error
            if not isinstance(found, dict):
                raise _unasked(address, None)
            self._documents[address] = (monotonic(), found)
            self._ahead_by = _ahead_by(answer.headers.get("Date", ""), self._clock())
            return found

    def _session(self) -> OAuth2Session:
        known = self._documents.get(self._discovery, (0.0, {}))[1]
        methods = known.get("token_endpoint_auth_methods_supported")
        offered = methods if isinstance(methods, list) else _METHODS[:1]
        session = OAuth2Session(
            self._settings.client_id,
            self._settings.client_secret.reveal(),
            token_endpoint_auth_method=next((one for one in _METHODS if one in offered), _METHODS[0]),
            scope=" ".join(self._settings.scopes),
            redirect_uri=self._back,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_S,
        )
        session.trust_env = False  # no proxies, no passwords out of somebody's .netrc
        if self._settings.ca_file is not None:
            session.verify = str(self._settings.ca_file)
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Fence(here=self._settings.is_here))
        return session

    @property
    def _discovery(self) -> str:
        return f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"


class _Fence(HTTPAdapter):
    """Asks only where it may, and takes no more than a bounded answer."""

    def __init__(self, *, here: bool) -> None:
        self._here = here
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        """The whole answer, in memory. Raises requests.RequestException."""
        if not may_be_asked(str(request.url), here=self._here):
            raise requests.exceptions.InvalidURL("not over https")
        request.headers["Accept-Encoding"] = "identity"
        response = super().send(request, *args, **{**more, "stream": True})
        body = response.raw.read(MOST + 1, decode_content=False)
        if len(body) > MOST or response.headers.get("Content-Encoding", "identity") != "identity":
            raise requests.exceptions.ContentDecodingError("too long, or packed")
        response._content = body  # noqa: SLF001 (how requests keeps what it has read)
        response.close()
        return response


def _ahead_by(said: str, now: datetime) -> timedelta | None:
    """By how much the clock of who said what time it is, is ahead; None where that is no time."""
    try:
        return parsedate_to_datetime(said) - now
    except (ValueError, TypeError):
        return None


def _unasked(address: str, error: Exception | None) -> ElsewhereFailed:
    why = type(error).__name__ if error is not None else "no JSON document"
    return ElsewhereFailed(
        f"{address[:200]} gave no usable answer ({why}).",
        hint="Try again; if that does not help, see that the provider is there, and its certificate.",
    )
