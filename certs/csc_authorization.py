"""The development provider's OAuth 2.0 server: who may use it, and a person's word on its own page.

Source: Cloud Signature Consortium API 1.0.4.0, clause 8.3; RFC 6749; proof keys (PKCE) after RFC 7636.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote_plus, urlencode, urlsplit

from certs.csc_activations import Activations
from certs.csc_people import CscApplication, CscCredential, CscPerson
from certs.csc_refusal import Refusal

CODE_LIFE_S: Final = 60


@dataclass(frozen=True)
class Access:
    """What an access token of scope `service` stands for; `user_id` "" is the application itself."""

    client_id: str
    user_id: str
    expires_at: datetime
    family: str
    """Shared by all tokens that came from one grant."""


@dataclass(frozen=True)
class Question:
    """What an application asks a person on the provider's page, as its address says."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str
    credential: CscCredential | None
    count: int
    hashes: tuple[bytes, ...]
    challenge: str
    description: str

    def back(self, **answer: str) -> str:
        """Where the browser goes with the answer."""
        given = {**answer, "state": self.state} if self.state else answer
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{separator}{urlencode(given)}"


class AuthorizationServer:
    """Gives tokens to applications, and codes to browsers."""

    def __init__(
        self,
        *,
        applications: Iterable[CscApplication],
        people: Iterable[CscPerson],
        credentials: Mapping[str, CscCredential],
        activations: Activations,
        clock: Callable[[], datetime],
        token_life_s: float,
    ) -> None:
        self._applications = {found.client_id: found for found in applications}
        self._people = {found.user_id: found for found in people}
        self._credentials = credentials
        self._activations = activations
        self._clock = clock
        self._token_life_s = token_life_s
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Access] = {}
        self._codes: dict[str, tuple[Question, str, datetime]] = {}

    def access(self, token: str) -> Access:
        """Give what an access token stands for; raises Refusal with status 401."""
        found = self._access.get(token)
        if found is None:
            raise Refusal("The access token is not valid", error="invalid_token", status=401)
        if self._clock() >= found.expires_at:
            raise Refusal("The access token is expired", error="expired_token", status=401)
        return found

    def login(self, user_id: str, password: str, *, remember: bool) -> dict[str, Any]:
        """Give a person a service token for name and password, as auth/login does."""
        self._require_person(user_id, password, error="authentication_error")
        answer = self._service("", user_id, with_refresh=remember)
        return {key: value for key, value in answer.items() if key != "token_type"}

    def login_again(self, refresh_token: str) -> dict[str, Any]:
        """Give a new service token for what auth/login gave to be remembered; raises Refusal."""
        found = self._refresh.get(refresh_token)
        if found is None or found.client_id:
            raise Refusal("Invalid refresh_token")
        answer = self._service("", found.user_id, with_refresh=False, family=found.family)
        return {key: value for key, value in answer.items() if key != "token_type"}

    def question(self, query: Mapping[str, str]) -> Question:
        """Read a request to oauth2/authorize.

        Raises Refusal: with a redirect once it is sure that the address to go back to is the application's.
        """
        application = self._applications.get(query.get("client_id", ""))
        if application is None:
            raise Refusal("Invalid parameter client_id")
        redirect_uri = query.get("redirect_uri", "")
        if redirect_uri not in application.redirect_uris:
            raise Refusal("Invalid parameter redirect_uri")
        scope = query.get("scope", "service")
        plain = Question(
            application.client_id,
            redirect_uri,
            scope,
            query.get("state", ""),
            None,
            0,
            (),
            query.get("code_challenge", ""),
            query.get("description", ""),
        )
        try:
            return self._checked(plain, query)
        except Refusal as refusal:
            back = plain.back(error=refusal.error, error_description=refusal.description)
            raise Refusal(refusal.description, error=refusal.error, redirect=back) from refusal

    def _checked(self, plain: Question, query: Mapping[str, str]) -> Question:
        if query.get("response_type") != "code":
            raise Refusal("Invalid parameter response_type", error="unsupported_response_type")
        if plain.challenge and query.get("code_challenge_method", "plain") != "S256":
            raise Refusal("Invalid parameter code_challenge_method")
        if plain.scope == "service":
            return plain
        if plain.scope != "credential":
            raise Refusal("Invalid parameter scope", error="invalid_scope")
        credential = self._credentials.get(query.get("credentialID", ""))
        if credential is None or credential.mode != "oauth2code":
            raise Refusal("Invalid parameter credentialID")
        count = query.get("numSignatures", "")
        if not count.isascii() or not count.isdigit() or not int(count):
            raise Refusal("Invalid value for parameter numSignatures")
        if int(count) > credential.multisign:
            raise Refusal("Numbers of signatures is too high")
        hashes = _hashes(query.get("hash", ""))
        if credential.bound and len(hashes) != int(count):
            raise Refusal("Invalid parameter hash")
        return Question(
            plain.client_id,
            plain.redirect_uri,
            plain.scope,
            plain.state,
            credential,
            int(count),
            hashes,
            plain.challenge,
            plain.description,
        )

    def grant(self, question: Question, user_id: str, password: str) -> str:
        """Take a person's yes; gives the address to go back to. Raises Refusal for who may not say it."""
        self._require_person(user_id, password, error="access_denied")
        if question.credential is not None and question.credential.user_id != user_id:
            raise Refusal("The user denied the request", error="access_denied")
        code = secrets.token_urlsafe(24)
        self._codes[code] = question, user_id, self._clock() + timedelta(seconds=CODE_LIFE_S)
        return question.back(code=code)

    def token(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """Answer oauth2/token; raises Refusal."""
        kind = form.get("grant_type", "")
        if not kind:
            raise Refusal("Missing parameter grant_type")
        application = self._authenticated(form, authorization)
        if kind == "client_credentials":
            return self._service(application.client_id, "", with_refresh=False)
        if kind == "refresh_token":
            return self._refreshed(form, application)
        if kind == "authorization_code":
            return self._redeemed(form, application)
        raise Refusal("Invalid parameter grant_type", error="unsupported_grant_type")

    def revoke(self, form: Mapping[str, str], authorization: str) -> None:
        """Answer oauth2/revoke: a refresh token takes its access tokens with it. Raises Refusal."""
        application = self._authenticated(form, authorization)
        self.end(form.get("token", ""), application.client_id)

    def end(self, token: str, client_id: str) -> None:
        """End a token of this application's; an unknown one changes nothing: RFC 7009, 2.2."""
        if not token:
            raise Refusal("Missing (or invalid type) string parameter token")
        refresh = self._refresh.get(token)
        if refresh is not None and refresh.client_id == client_id:
            del self._refresh[token]
            self._access = {key: one for key, one in self._access.items() if one.family != refresh.family}
        access = self._access.get(token)
        if access is not None and access.client_id == client_id:
            del self._access[token]

    def expire_all(self) -> None:
        """Let every access token be out of date."""
        self._access = {
            token: Access(one.client_id, one.user_id, self._clock(), one.family)
            for token, one in self._access.items()
        }

    def _authenticated(self, form: Mapping[str, str], authorization: str) -> CscApplication:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization:
            client_id, secret = (unquote_plus(part) for part in basic(authorization))
        elif not client_id:
            raise Refusal("Missing parameter client_id")
        elif not secret:
            raise Refusal("Client authorization required")
        found = self._applications.get(client_id)
        if found is None:
            raise Refusal("Invalid parameter client_id", error="invalid_client")
        if not hmac.compare_digest(found.secret.encode(), secret.encode()):
            raise Refusal("Invalid parameter client_secret", error="invalid_client")
        return found

    def _require_person(self, user_id: str, password: str, *, error: str) -> None:
        found = self._people.get(user_id)
        if found is None or not hmac.compare_digest(found.password.encode(), password.encode()):
            raise Refusal("An error occurred during authentication process", error=error)

    def _service(
        self, client_id: str, user_id: str, *, with_refresh: bool, family: str = ""
    ) -> dict[str, Any]:
        expires_at = self._clock() + timedelta(seconds=self._token_life_s)
        access = Access(client_id, user_id, expires_at, family or secrets.token_hex(8))
        token = secrets.token_urlsafe(32)
        self._access[token] = access
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(self._token_life_s)}
        if with_refresh:
            answer["refresh_token"] = secrets.token_urlsafe(32)
            self._refresh[str(answer["refresh_token"])] = access
        return answer

    def _refreshed(self, form: Mapping[str, str], application: CscApplication) -> dict[str, Any]:
        if not form.get("refresh_token"):
            raise Refusal("Missing parameter refresh_token")
        found = self._refresh.get(form["refresh_token"])
        if found is None or found.client_id != application.client_id:
            raise Refusal("Invalid parameter refresh_token", error="invalid_grant")
        return self._service(found.client_id, found.user_id, with_refresh=False, family=found.family)

    def _redeemed(self, form: Mapping[str, str], application: CscApplication) -> dict[str, Any]:
        if not form.get("code"):
            raise Refusal("Missing parameter code")
        # Taken out before it is looked at: a code is good for one try.
        question, user_id, until = self._codes.pop(form["code"], (None, "", self._clock()))
        if question is None or question.client_id != application.client_id:
            raise Refusal("Invalid parameter code", error="invalid_grant")
        if self._clock() >= until:
            raise Refusal("Authorization code is invalid or expired", error="invalid_grant")
        if form.get("redirect_uri") != question.redirect_uri:
            raise Refusal("redirect_uri parameter does not match", error="invalid_grant")
        if question.challenge and challenge_of(form.get("code_verifier", "")) != question.challenge:
            raise Refusal("Invalid parameter code_verifier", error="invalid_grant")
        if question.credential is None:
            return self._service(application.client_id, user_id, with_refresh=True)
        sad = self._activations.issue(
            credential_id=question.credential.credential_id,
            client_id=application.client_id,
            count=question.count,
            hashes=question.hashes,
            bound=question.credential.bound,
        )
        return {"access_token": sad, "token_type": "Bearer", "expires_in": int(self._activations.life_s)}


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a code verifier. Source: RFC 7636, 4.2."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def basic(authorization: str) -> tuple[str, str]:
    """Read name and password from an Authorization header; raises Refusal."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Refusal("Malformed authentication parameter", status=401)
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:
        raise Refusal("Malformed authentication parameter", status=401) from error
    if not colon:
        raise Refusal("Malformed username-password")
    return name, password


def _hashes(joined: str) -> tuple[bytes, ...]:
    """Read digests in base64url, with commas between them."""
    try:
        return tuple(
            base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
            for part in joined.split(",")
            if part
        )
    except ValueError as error:
        raise Refusal("Invalid Base64 hash string parameter") from error
