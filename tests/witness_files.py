"""Files for the outside witnesses: every level with every kind of key, over documents that we render.

Parallel test processes share one set: the first one that comes makes it, under a lock.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore, load_trust
from documents.kinds import KINDS
from documents.render import SignatureSlot, render
from signing.pades import SigningDesk
from signing.profile import Level
from signing.signers import Signer
from tests.csc_office import provider_beside
from tests.signers import CASES as SIGNER_CASES
from tests.signers import Case, Holders, persons_key
from tests.signing_samples import KEY_TYPES, appearance, form_pdf, now, open_desk, profile, signed
from tests.softhsm import SoftToken

CODE = "K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS"
NUMBER = "2024-000123"
# name: kind, what the example is asked for, language, the fields in the order in which they are signed
DOCUMENTS: Mapping[str, tuple[str, Mapping[str, Any], str, tuple[str, ...]]] = {
    "declaration": ("employer_declaration", {}, "en", ("employer",)),
    "temporary": ("employer_declaration", {"temporary": True}, "nl", ("employer", "manager")),
    "plan": ("action_plan", {"safety": True}, "da", ("approver",)),
}
CASES = [(level, key_type) for level in Level for key_type in KEY_TYPES]


@dataclass(frozen=True)
class SignedFile:
    """A signed file and what was asked for it."""

    path: Path
    level: Level
    key_type: str
    fields: tuple[str, ...]

    @property
    def pdf(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True)
class Matrix:
    """Every document at every level with every kind of key, under one development PKI."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "trust" / "root.pem"

    @property
    def trust(self) -> TrustStore:
        """The root and both revocation lists, without which B-B and B-T are indeterminate."""
        return load_trust([self.folder / "trust"])

    def files(self, level: Level, key_type: str) -> list[SignedFile]:
        return [
            SignedFile(self.folder / f"{name}_{level}_{key_type}.pdf", level, key_type, fields)
            for name, (*_, fields) in DOCUMENTS.items()
        ]

    def signed_by(self, case: Case) -> list[SignedFile]:
        """A small document signed by a signer of some kind, at every level."""
        return [
            SignedFile(self.folder / f"{case}_{level}.pdf", level, case.key_type, ("employer",))
            for level in Level
        ]

    @property
    def every_file(self) -> list[SignedFile]:
        return [file for case in CASES for file in self.files(*case)]


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all parallel test processes of this run share."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, make: Callable[[], None]) -> None:
    """Fill a shared folder, or wait until another test process has filled it."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        if not complete.exists():
            make()
            complete.touch()


def make_matrix(matrix: Matrix, token: Callable[[], SoftToken]) -> None:
    """Sign everything, and keep what an auditor needs to trust it; `token` gives an empty one."""
    authority = DevelopmentAuthority.create(
        matrix.folder / "authority", base_url=free_base_url(), now=now() - timedelta(hours=1)
    )
    with AuthorityServer(authority.folder):
        asyncio.run(_sign_all(matrix, authority))
        _sign_by_all(matrix, authority, token())
    matrix.root.parent.mkdir()
    matrix.root.write_bytes(authority.root_pem)
    for issuer in ("root", "issuing"):
        (matrix.root.parent / f"{issuer}.crl").write_bytes(authority.crl(issuer, now()))


async def _sign_all(matrix: Matrix, authority: DevelopmentAuthority) -> None:
    async with open_desk(authority) as desk:
        for level, key_type in CASES:
            for name, file in zip(DOCUMENTS, matrix.files(level, key_type), strict=True):
                file.path.write_bytes(await _signed(desk, authority, name, file))


def _sign_by_all(matrix: Matrix, authority: DevelopmentAuthority, token: SoftToken) -> None:
    """With the kinds of keys that the provider knows, and the software's own keys again."""
    keys = {case.key_type: persons_key(authority, case.key_type) for case in SIGNER_CASES}
    with provider_beside(authority, keys) as provider:
        holders = Holders(authority, matrix.folder, lambda: token, lambda: provider)
        signers = {case: holders.open(case) for case in SIGNER_CASES}
        asyncio.run(_sign_at_every_level(matrix, authority, signers))


async def _sign_at_every_level(
    matrix: Matrix, authority: DevelopmentAuthority, signers: Mapping[Case, Signer]
) -> None:
    async with open_desk(authority) as desk:
        for case, signer in signers.items():
            for file in matrix.signed_by(case):
                finished = await desk.sign_document(
                    form_pdf(),
                    field="employer",
                    signer=signer,
                    profile=replace(profile(file.level), kind=case.holder),
                    appearance=appearance(signer.certificate, file.level),
                    claimed_at=now(),
                )
                assert finished.level_reached is file.level
                file.path.write_bytes(finished.pdf)


async def _signed(
    desk: SigningDesk, authority: DevelopmentAuthority, document: str, file: SignedFile
) -> bytes:
    """One file: each of its fields is signed by another person."""
    pdf = rendered(document, archive_timestamp=file.level is Level.B_LTA)
    for field in file.fields:
        person = authority.person(
            f"{field}-{file.key_type}", f"Zoë {field.title()}", key_type=file.key_type, now=now()
        )
        pdf = await signed(desk, person, file.level, pdf=pdf, field=field)
    return pdf


def rendered(document: str, *, archive_timestamp: bool, language: str | None = None) -> bytes:
    """One of DOCUMENTS, ready to be signed."""
    name, choice, usual_language, fields = DOCUMENTS[document]
    kind = KINDS[name]
    return render(
        name,
        kind.json_of(kind.parse(kind.example(**choice))),
        number=NUMBER,
        verification_code=CODE,
        issued_on=now().date(),
        valid_until=None,
        slots=[SignatureSlot(field) for field in fields],
        archive_timestamp=archive_timestamp,
        verify_url="https://example.org/v",
        note=None,
        language=language or usual_language,
    )
