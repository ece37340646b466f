"""An office whose signers' keys are at the development provider, and the people's words for it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from types import MappingProxyType

from certs.csc_http import CscPace
from certs.csc_sandbox import CLIENT_ID, Sandbox, SandboxPerson
from certs.serve_authority import AuthorityServer
from certs.serve_csc import CscServer
from signing.csc import Authorisation, CscClient, RemoteCredential
from tests.steps_office import MANAGER, OTHER_SIGNER, SIGNER, Sample
from workflow import faults
from workflow.office import Office

PIN = "482915"
REDIRECT = "http://127.0.0.1:9/authorised"
PEOPLE = (SIGNER, OTHER_SIGNER, MANAGER)
NONE: Mapping[str, str] = MappingProxyType({})


def write_settings(
    folder: Path,
    office: Office,
    *,
    kind: str = "pin",
    redirect: str = REDIRECT,
    others: Mapping[str, str] = NONE,
) -> None:
    """Make the provider with a key for each signer, and the office's `signing.toml`.

    `others` have a key of another kind.
    """
    assert office.register is not None
    people = [
        SandboxPerson(person, office.register.person(person).name, "password", PIN) for person in PEOPLE
    ]
    sandbox = Sandbox.create(office.authority, people=people, redirect_uris=[redirect])
    secret = folder / "provider.secret"
    secret.write_text(sandbox.client_secret)
    keys = "\n".join(f'{person} = "{person}-{others.get(person, kind)}"' for person in PEOPLE)
    (folder / "signing.toml").write_text(f"""
development_keys = true
[signers.provider]
type = "csc"
url = "{sandbox.base_url}/csc/v1"
client_id = "{CLIENT_ID}"
client_secret_file = "{secret.name}"
[signers.provider.keys]
{keys}
[profiles.qualified-remote]
kind = "person"
level = "B-LTA"
timestampers = ["development"]
signer = "provider"
""")


@contextmanager
def remote_office(
    folder: Path,
    *,
    kind: str = "pin",
    pace: CscPace | None = None,
    environ: Mapping[str, str] | None = None,
    redirect: str = REDIRECT,
    others: Mapping[str, str] = NONE,
) -> Iterator[Sample]:
    """A sample office with its authority and its provider at work."""
    first = Sample.open(folder, environ)
    write_settings(folder, first.office, kind=kind, redirect=redirect, others=others)
    first.office.close()
    sample = Sample.open(folder, environ)
    try:
        with (
            AuthorityServer(sample.office.authority.folder),
            CscServer(sample.office.authority.folder, pace=pace),
        ):
            yield sample
    finally:
        sample.office.close()


async def by_pin(
    client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
) -> Authorisation:
    """A person types their PIN."""
    return await client.authorise(key.credential_id, hashes, digest=digest, pin=PIN)


def authorise_to_point(folder: Path, kill_point: str, ready: Event) -> None:
    """Authorise all that waits, or be killed at a point, written as in PARAAF_KILL_POINT."""
    faults._fuses[:] = [faults._Fuse(kill_point)]
    office = Office.open(folder, make=False)

    async def authorise() -> None:
        async with office.authorising() as authorising:
            ready.set()
            numbers = [one.request_id for one in authorising.folder(SIGNER)]
            await authorising.authorise(SIGNER, numbers, by_pin)

    asyncio.run(authorise())
