"""A person's word on the provider's own page: the address to send them to, and what comes back.

Source: Cloud Signature Consortium API 1.0.4.0, clause 8.3; RFC 6749, 4.1; proof keys (PKCE) after RFC 7636.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal
from urllib.parse import urlencode

from signing.csc_errors import RemoteDeniedError
from signing.secret import Secret

Scope = Literal["service", "credential"]


@dataclass(frozen=True)
class Question:
    """What a person is asked at the provider: to let this application in, or to authorise signatures.

    `state` and `verifier` are of this question alone: whoever keeps them until the answer comes can tell it
    from one that a stranger has sent, and only they can redeem it. Kept on the server, never in the browser.
    `hashes` are what is authorised, with their digest algorithm.
    """

    scope: Scope
    redirect_uri: str
    state: str = field(repr=False)
    verifier: Secret
    credential_id: str = ""
    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    digest: str = "sha256"

    def is_answered_by(self, answered: Mapping[str, str]) -> bool:
        """Whether a query is an answer to this question, whatever it says: not a stranger's."""
        return hmac.compare_digest(answered.get("state", "").encode(), self.state.encode())

    def url(self, oauth_url: str, *, client_id: str, language: str = "", description: str = "") -> str:
        """The address of the provider's page; `oauth_url` is the provider's base address of OAuth 2.0."""
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier.reveal()),
            "code_challenge_method": "S256",
        }
        if language:
            query["lang"] = language
        if self.scope == "credential":
            query["credentialID"] = self.credential_id
            query["numSignatures"] = str(len(self.hashes))
            query["hash"] = ",".join(_base64url(one) for one in self.hashes)
            if description:
                query["description"] = description
        return f"{oauth_url}oauth2/authorize?{urlencode(query, safe=',')}"


def new_question(
    scope: Scope,
    redirect_uri: str,
    *,
    credential_id: str = "",
    hashes: Sequence[bytes] = (),
    digest: str = "sha256",
    random_text: Callable[[int], str] = secrets.token_urlsafe,
) -> Question:
    """Make a question of its own state and proof key; the same hash twice is asked once."""
    return Question(
        scope,
        redirect_uri,
        random_text(32),
        Secret(random_text(48)),
        credential_id,
        tuple(dict.fromkeys(hashes)),
        digest,
    )


def code_of(question: Question, answered: Mapping[str, str]) -> Secret:
    """Take the code from the query with which the browser came back.

    Raises RemoteDeniedError when the person said no, and when the answer is not to this question.
    """
    if not question.is_answered_by(answered):
        raise RemoteDeniedError(
            "The answer from the provider's page is not to the question that was asked.",
            hint="Begin again, in the same browser.",
        )
    if "error" in answered or not answered.get("code"):
        raise RemoteDeniedError(
            "Nothing was authorised on the provider's page.", hint="Begin again, and say yes there."
        )
    return Secret(answered["code"])


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a proof key. Source: RFC 7636, 4.2."""
    return _base64url(sha256(verifier.encode()).digest()).rstrip("=")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
