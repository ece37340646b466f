"""What releases before decision 0012 made: validation data in the signature's own revision, under it.

Files of that layout are with the offices that signed them, and a row that was prepared so may be finished
after an upgrade. `python -m tests.earlier` writes tests/vectors/layouts anew: a file of each level in that
layout and in today's, what to trust, and when to judge them.
"""

import asyncio
import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from signing.belonging import require_belongs
from signing.cms import template_for
from signing.composition import TIMESTAMP_ENTRIES, Composer, signature_entries
from signing.opened import OpenedPdf
from signing.pades import ARCHIVE_FIELD, SigningDesk
from signing.placeholder import fill_contents, pdf_date, placeholder
from signing.prepared import Prepared
from signing.profile import Level
from signing.revision import digest_around
from signing.selfcheck import carried_data
from signing.signed_data import load_certificate
from signing.signers import SoftwareSigner, mechanism_for
from tests.signing_samples import now, open_desk, profile, signed
from tests.vectors.build import write_trust
from tests.vectors.catalogue import trust_of
from tests.witness_files import rendered

FOLDER = Path(__file__).parent / "vectors" / "layouts"
_TOKEN_ROOM = 8192


async def prepared_before(
    desk: SigningDesk, source: bytes, credential: Credential, level: Level, *, field: str = "employer"
) -> Prepared:
    """A signature prepared with the validation data in its revision."""
    signer = SoftwareSigner(credential)
    today = await desk.prepare(
        source, field=field, signer=signer, profile=profile(level), appearance=None, claimed_at=now()
    )
    evidence = carried_data(await signed(desk, credential, Level.B_LT))
    composer = Composer(OpenedPdf(source))
    entries = signature_entries(name="", reason="Tested", location="", date=pdf_date(now()))
    made = placeholder(entries, today.gap.capacity_bytes)
    number = composer.sign(field, made, None)
    composer.embed(evidence)
    composed = composer.build((number, made))
    template = template_for(
        today.certificates, mechanism_for(load_certificate(today.signer_cert_der), today.digest_algorithm)
    )
    gap = composed.gap
    digest = digest_around((source, composed.data), gap.start, gap.end, today.digest_algorithm)
    attributes = template.signed_attributes(digest)
    return replace(today, revision=composed.data, gap=gap, signed_attributes=attributes)


def row_before(prepared: Prepared) -> dict[str, Any]:
    """The row as version 1 had it, with what it noted for the revisions to come."""
    columns = prepared.to_columns()
    rest = json.loads(str(columns["rest"]))
    layout = {"length": 1, "startxref": 1, "size": 1, "root": "1 0", "info": "", "first_id": ""}
    more = {
        "version": 1,
        "layout": {**layout, "stream_xref": False},
        "slot": [4, 0, "PDw+Pg=="],
        "evidenced_timestampers": ["01" * 32],
        "evidence_until": "2026-11-20T14:30:05+00:00",
    }
    return {**columns, "rest": json.dumps({**rest, **more})}


async def signed_before(
    desk: SigningDesk, source: bytes, credential: Credential, level: Level, *, field: str = "employer"
) -> bytes:
    """A file of B-LT or B-LTA as it was finished then."""
    prepared = await prepared_before(desk, source, credential, level, field=field)
    value = await desk.sign(source, prepared, SoftwareSigner(credential))
    token = await desk.timestamp(value, profile=profile(level))
    cms = require_belongs(source, prepared).content_info(
        prepared.signed_attributes, value, timestamp_token=token.token_der
    )
    pdf = source + fill_contents(prepared.revision, len(source), prepared.gap, cms)
    if level is not Level.B_LTA:
        return pdf
    composer = Composer(OpenedPdf(pdf))
    made = placeholder(TIMESTAMP_ENTRIES, _TOKEN_ROOM)
    composed = composer.build((composer.sign(ARCHIVE_FIELD, made, None), made))
    gap, revision = composed.gap, composed.data
    covered = pdf + revision[: gap.start - len(pdf)] + revision[gap.end - len(pdf) :]
    token = await desk.timestamp(covered, profile=profile(level))
    assert hashlib.sha256(covered).digest() == digest_around((pdf, revision), gap.start, gap.end, "sha256")
    return pdf + fill_contents(revision, len(pdf), gap, token.token_der)


async def _every(authority: DevelopmentAuthority) -> dict[str, bytes]:
    people = [authority.person(f"l-{number}", "Zoë Voorbeeld", now=now()) for number in range(2)]
    made: dict[str, bytes] = {}
    async with open_desk(authority) as desk:
        for level in (Level.B_LT, Level.B_LTA):
            for when, sign in (("before", signed_before), ("now", _signed_now)):
                name = f"{when}_{level.value.lower().replace('-', '_')}"
                paper = rendered("temporary", archive_timestamp=level is Level.B_LTA)
                once = await sign(desk, paper, people[0], level)
                made[name] = once
                made[f"{name}_then_now"] = await signed(desk, people[1], level, pdf=once, field="manager")
    return made


async def _signed_now(desk: SigningDesk, source: bytes, credential: Credential, level: Level) -> bytes:
    return await signed(desk, credential, level, pdf=source)


def build(folder: Path) -> None:
    """Write the files, the trust to judge them by, and the time to judge them at."""
    with tempfile.TemporaryDirectory() as scratch:
        authority = DevelopmentAuthority.create(
            Path(scratch) / "pki", base_url=free_base_url(), now=now() - timedelta(hours=1)
        )
        with AuthorityServer(authority.folder):
            files = asyncio.run(_every(authority))
        at = now() + timedelta(minutes=1)
        trust = trust_of(authority, now())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, pdf in files.items():
        (folder / f"{name}.pdf").write_bytes(pdf)
    write_trust(folder / "trust", trust)
    (folder / "at").write_text(f"{at.isoformat(timespec='seconds')}\n", encoding="utf-8")


if __name__ == "__main__":
    build(FOLDER)
