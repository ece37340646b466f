"""A development provider of remote signatures for the sample people, and their word for what they sign."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path

from certs.authority import DevelopmentAuthority
from certs.csc_sandbox import CLIENT_ID, Sandbox, SandboxPerson
from cli.files import write_whole
from documents.register import Register
from signing.csc import Authorisation, CscClient, RemoteCredential

SIGNING = "sample-signing.toml"
_SECRET = "sample-provider.secret"  # noqa: S105 (a file's name)
_SIGNS = ("signer", "manager")
"""Duties of those who sign declarations."""


def write_settings(folder: Path, at_provider: str = "", *, unsigned: bool) -> Path:
    """How the office signs while the demo runs; `unsigned`: that plans need no signature."""
    parts = ["# Written by `paraaf demo`, for trials only.\ndevelopment_keys = true\n"]
    if unsigned:
        parts.append('[minimum]\naction_plan = "none"\n')
    write_whole(folder / SIGNING, "\n".join((*parts, at_provider)).encode(), force=True)
    return folder / SIGNING


class SampleProvider:
    """The provider as the demo sets it up: a key for each sample person who signs, under a PIN made here."""

    def __init__(
        self, folder: Path, authority: DevelopmentAuthority, register: Register, *, unsigned: bool = False
    ) -> None:
        self._pins = {
            one.person_id: f"{secrets.randbelow(10**6):06}"
            for one in register.people()
            if any(map(one.has_duty, _SIGNS))
        }
        people = [
            SandboxPerson(person, register.person(person).name, secrets.token_urlsafe(), pin)
            for person, pin in self._pins.items()
        ]
        sandbox = Sandbox.create(authority, people=people)
        write_whole(folder / _SECRET, sandbox.client_secret.encode(), force=True, private=True)
        settings = _settings(sandbox, list(self._pins))
        self.settings = write_settings(folder, settings, unsigned=unsigned)

    def word_of(self, person: str) -> "_Word":
        """A person's word: their PIN."""
        return _Word(self._pins[person])


class _Word:
    def __init__(self, pin: str) -> None:
        self._pin = pin

    async def __call__(
        self, client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
    ) -> Authorisation:
        return await client.authorise(key.credential_id, hashes, digest=digest, pin=self._pin)


def _settings(sandbox: Sandbox, people: Sequence[str]) -> str:
    keys = "\n".join(f"{json.dumps(person)} = {json.dumps(f'{person}-pin')}" for person in people)
    return f"""# The development provider.
[signers.simulated-provider]
type = "csc"
url = "{sandbox.base_url}/csc/v1"
client_id = "{CLIENT_ID}"
client_secret_file = "{_SECRET}"

[signers.simulated-provider.keys]
{keys}

[profiles.qualified-remote]
title = "The person's own signature, at a provider"
kind = "person"
level = "B-LTA"
timestampers = ["development"]
reason = "Signed by the person named"
signer = "simulated-provider"
"""
