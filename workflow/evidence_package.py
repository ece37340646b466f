"""The evidence package: one zip file that an auditor takes home, and checks without the office.

(1) every document as delivered, with the certificates and revocation answers that it carries, as files
(2) our own verification of each: whole, as JSON, as ETSI TS 119 102-2 has it, and to be read
(3) the run of events up to an anchor, and the anchor in a form for OpenSSL
(4) manifest.json, README.txt; SHA256SUMS over all of it, under the organisation's seal

The same evidence gives the same entries in the same order, without names of anybody, dates or places of this
machine; only seals differ, which take a random number each.
"""

import asyncio
import json
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from sqlalchemy.orm import Session

from certs.keystore import is_development
from certs.trust import TrustStore
from signing.evidence import material
from signing.profile import Profile
from signing.signers import Signer
from signing.verify.bulk import verify_sources
from signing.verify.etsi import etsi_report
from signing.verify.report import Report
from signing.verify.sources import Source
from signing.verify.summary import summary_pdf
from workflow.anchors import Anchor
from workflow.eventlog import utc_text
from workflow.evidence import Evidence, SignedDocument
from workflow.evidence_readme import Facts, readme
from workflow.office import ANCHOR_PROFILE, Office

FORM = "evidence/1"
MANIFEST, README, SUMS, SEAL = "manifest.json", "README.txt", "SHA256SUMS", "SHA256SUMS.p7s"
RUN, BODIES = "log/run.jsonl", "log/bodies.jsonl"
ANCHOR, STATEMENT = "log/anchor.json", "log/anchor-statement.json"
PROOFS = {"timestamp": "log/anchor.tst", "seal": "log/anchor.p7s"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a zip entry can say, and what none of ours tells more than


def write(
    office: Office,
    session: Session,
    evidence: Evidence,
    file: IO[bytes],
    *,
    release: str,
    with_bodies: bool,
) -> None:
    """Write the package; the authority's server has to run, for the seal. Raises SigningError."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        package, profile = _Package(archive), office.profiles[ANCHOR_PROFILE]
        signer = office.own_seal(profile)  # before the time is taken: its certificate may be made just now
        _fill(package, office, session, evidence, signer=signer, release=release, with_bodies=with_bodies)
        sums = package.sums()
        package.add(SUMS, sums)
        package.add(SEAL, asyncio.run(_sealed(office, sums, signer, profile)))


def _fill(
    package: "_Package",
    office: Office,
    session: Session,
    evidence: Evidence,
    *,
    signer: Signer,
    release: str,
    with_bodies: bool,
) -> None:
    now = office.clock()
    run, documents = evidence.run, evidence.documents
    judged = reports(documents, office.trust, now=now)
    carried = list(dict.fromkeys(each for document in documents for each in material(document.pdf)))
    for document, report in zip(documents, judged, strict=True):
        package.add(f"documents/{document.stem}.pdf", document.pdf)  # (1)
        package.add(f"reports/{document.stem}.json", report.to_json().encode() + b"\n")  # (2)
        package.add(f"reports/{document.stem}.xml", etsi_report(report))
        package.add(
            f"reports/{document.stem}.pdf",
            summary_pdf(partial(iter, [report]), made_at=now, trust=office.trust),
        )
    for each in carried:
        package.add(each.name, each.content)
    package.add_lines(RUN, run.event_lines(session))  # (3)
    if with_bodies:
        package.add_lines(BODIES, run.body_lines(session))
    _add_anchor(package, run.anchor)
    manifest = _manifest(evidence, judged, package, signer=signer, release=release, made_at=now)
    package.add(README, readme(Facts.of(evidence, carried, made_at=now, with_bodies=with_bodies)).encode())
    manifest["members"] = dict(sorted(package.digests.items()))
    package.add(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")  # (4)


def reports(documents: Sequence[SignedDocument], trust: TrustStore, *, now: datetime) -> tuple[Report, ...]:
    """The whole validation of each document, in a fenced process as of any file."""
    names = [f"documents/{document.stem}.pdf" for document in documents]
    found = verify_sources(
        [
            Source(name, Path(name), content=document.pdf)
            for name, document in zip(names, documents, strict=True)
        ],
        trust,
        now=now,
    )
    return tuple(replace(report, duration_us=0) for report in found)  # how long it took is no evidence


async def _sealed(office: Office, content: bytes, signer: Signer, profile: Profile) -> bytes:
    async with office.desk() as desk:
        return await desk.seal(content, signer=signer, profile=profile)


def _add_anchor(package: "_Package", anchor: Anchor) -> None:
    package.add(ANCHOR, anchor.line)
    package.add(STATEMENT, anchor.statement.encode())
    package.add(PROOFS[anchor.kind], anchor.proof)


def _manifest(
    evidence: Evidence,
    judged: Sequence[Report],
    package: "_Package",
    *,
    signer: Signer,
    release: str,
    made_at: datetime,
) -> dict[str, Any]:
    request, run = evidence.request, evidence.run
    return {
        "paraaf": FORM,
        "release": release,
        "made_at": utc_text(made_at),
        "keys": _kind_of_keys(judged, signer),
        "request": {
            "id": request.id,
            "key": request.key,
            "variant": request.variant,
            "definition": request.definition_sha256,
            "outcome": request.outcome,
        },
        "documents": [
            {
                "file": report.name,
                "document": document.name,
                "revision": document.revision,
                "number": document.number,
                "sha256": document.sha256,
                "delivered": document.delivered,
                "indication": report.indication.value,
                "sentence": report.sentence,
                "levels": [each.level for each in report.signatures],
            }
            for document, report in zip(evidence.documents, judged, strict=True)
        ],
        "log": {
            "first": run.first,
            "last_of_request": run.last_of_request,
            "head": {"seq": run.anchor.head.seq, "hash": run.anchor.head.hash},
            "anchor": {
                "kind": run.anchor.kind,
                "made_at": utc_text(run.anchor.made_at),
                "proof": PROOFS[run.anchor.kind],
            },
        },
        "with_bodies": BODIES in package.digests,
    }


def _kind_of_keys(judged: Sequence[Report], seal: Signer) -> str:
    """Those of the signatures in the documents, of which there may be none, and of the package's own seal."""
    if is_development(seal.certificate) or any(
        signature.development for report in judged for signature in report.signatures
    ):
        return "development: they prove nothing about anyone"
    return "not development"


class _Package:
    """A zip file in the making, and the digests of what is in it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self.digests: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a member."""
        self.add_lines(name, (content,))

    def add_lines(self, name: str, pieces: Iterable[bytes]) -> None:
        """Add a member piece by piece."""
        about = zipfile.ZipInfo(name, _EARLIEST)
        about.compress_type = zipfile.ZIP_DEFLATED
        about.create_system, about.external_attr = 3, 0o100644 << 16  # the same from every machine
        digest = sha256()
        with self._zip.open(about, "w", force_zip64=True) as member:
            for piece in pieces:
                digest.update(piece)
                member.write(piece)
        self.digests[name] = digest.hexdigest()

    def sums(self) -> bytes:
        """The digests so far, as `sha256sum -c` reads them."""
        return "".join(f"{digest}  {name}\n" for name, digest in sorted(self.digests.items())).encode()
