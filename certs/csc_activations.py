"""What a remote signing provider remembers of each authorisation: for which key, how often, over what."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from certs.csc_refusal import Refusal


@dataclass
class Activation:
    """One authorisation to sign: `left` signatures with one credential, before `expires_at`.

    `hashes` None leaves open over what; else only these digests may be signed.
    """

    credential_id: str
    client_id: str
    left: int
    hashes: frozenset[bytes] | None
    expires_at: datetime
    calls: int = field(default=0)


class Activations:
    """The signature activation data (SAD) that are out: texts that nobody can guess."""

    def __init__(self, *, clock: Callable[[], datetime], life_s: float) -> None:
        self._clock = clock
        self.life_s = life_s
        self._out: dict[str, Activation] = {}

    def issue(
        self, *, credential_id: str, client_id: str, count: int, hashes: Sequence[bytes], bound: bool
    ) -> str:
        """Give a SAD for `count` signatures; `bound` ties it to these hashes."""
        return self._put(
            Activation(credential_id, client_id, count, frozenset(hashes) if bound else None, self._expiry())
        )

    def find(self, sad: str, *, credential_id: str, client_id: str) -> Activation:
        """Give what a SAD allows; raises Refusal when it allows nothing here, or nothing any more."""
        found = self._out.get(sad)
        if found is None or (found.credential_id, found.client_id) != (credential_id, client_id):
            raise Refusal("Invalid parameter SAD")
        if self._clock() >= found.expires_at:
            raise Refusal("SAD expired")
        return found

    def extend(self, sad: str, *, credential_id: str, client_id: str, hashes: Sequence[bytes]) -> str:
        """Give a new SAD for what the old one has left, over these hashes; the old one ends."""
        found = self.find(sad, credential_id=credential_id, client_id=client_id)
        del self._out[sad]
        bound = None if found.hashes is None else frozenset(hashes)
        return self._put(Activation(credential_id, client_id, found.left, bound, self._expiry()))

    def use(self, sad: str, hashes: Sequence[bytes]) -> None:
        """Take the right to sign these hashes from a SAD; it ends with its last signature."""
        found = self._out[sad]
        if found.hashes is not None and not found.hashes.issuperset(hashes):
            raise Refusal("Hash is not authorized by the SAD")
        if len(hashes) > found.left:
            raise Refusal("Numbers of signatures is too high")
        found.left -= len(hashes)
        found.calls += 1
        if not found.left:
            del self._out[sad]

    def expire_all(self) -> None:
        """Let every SAD be out of date."""
        for found in self._out.values():
            found.expires_at = self._clock()

    def _expiry(self) -> datetime:
        return self._clock() + timedelta(seconds=self.life_s)

    def _put(self, activation: Activation) -> str:
        sad = secrets.token_urlsafe(48)
        self._out[sad] = activation
        return sad
