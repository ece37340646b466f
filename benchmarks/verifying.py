"""How long judging takes, by level, beside a plain pyHanko call: `python -m benchmarks.verifying`."""

import asyncio
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from documents.kinds import KINDS
from documents.render import SAMPLE_NOTE, SignatureSlot, render
from signing.pades import SigningDesk
from signing.profile import Level, Profile
from signing.signers import SoftwareSigner
from signing.stamp import Appearance
from signing.timestamps import TimestampAuthority
from signing.verify.bulk import verify_paths
from signing.verify.verdict import verify_pdf

REPEATS = 30
FILES = 200


def table() -> str:
    """Milliseconds a file in this process, and files a second through the fence on one and two processes."""
    folder = Path(tempfile.mkdtemp())
    try:
        authority = DevelopmentAuthority.open_or_create(folder / "pki", now=datetime.now(UTC))
        with AuthorityServer(authority.folder):
            signed = asyncio.run(_signed(authority))
        return _in_process(signed, authority) + "\n" + _fenced(signed[Level.B_LT], authority, folder)
    finally:
        shutil.rmtree(folder)


async def _signed(authority: DevelopmentAuthority) -> dict[Level, bytes]:
    now = datetime.now(UTC)
    signer = SoftwareSigner(authority.person("bench", "B. Sample", now=now))
    timestampers = [TimestampAuthority("development", authority.tsa_url)]
    clock = lambda: datetime.now(UTC)  # noqa: E731
    found = {}
    async with SigningDesk.open(
        trust=authority.trust, clock=clock, timestamp_authorities=timestampers
    ) as desk:
        for level in Level:
            profile = Profile("bench", "Bench", "person", level, timestampers=("development",))
            appearance = Appearance(("B. Sample", f"Level: {level}"))
            finished = await desk.sign_document(
                _declaration(),
                field="employer",
                signer=signer,
                profile=profile,
                appearance=appearance,
                claimed_at=now,
            )
            found[level] = finished.pdf
    return found


def _declaration() -> bytes:
    kind, today = KINDS["employer_declaration"], date(2024, 11, 20)
    return render(
        kind.name,
        kind.example(),
        number="2024-000001",
        verification_code="AAAA-BBBB",
        issued_on=today,
        valid_until=None,
        slots=[SignatureSlot("employer")],
        archive_timestamp=True,
        verify_url=None,
        note=SAMPLE_NOTE,
    )


def _in_process(signed: dict[Level, bytes], authority: DevelopmentAuthority) -> str:
    now, revocation = datetime.now(UTC), datetime.now(UTC)
    crls = (authority.crl("issuing", revocation), authority.crl("root", revocation))
    trust = TrustStore(authority.trust.anchors, authority.trust.intermediates, crls)
    lines = ["| level | Paraaf, ms CPU | plain pyHanko call, ms CPU | indication |", "|---|---|---|---|"]
    for level, pdf in signed.items():
        report = verify_pdf(pdf, trust=trust, now=now)
        ours = _milliseconds(lambda pdf=pdf: verify_pdf(pdf, trust=trust, now=now))
        plain = _milliseconds(lambda pdf=pdf: _plain(pdf, authority))
        lines.append(f"| {level} | {ours:.1f} | {plain:.1f} | {report.indication} |")
    return "\n".join(lines) + "\n"


def _plain(pdf: bytes, authority: DevelopmentAuthority) -> bool:
    """What a first script does: each embedded signature against one root, no revocation asked for."""
    root = asn1_x509.Certificate.load(authority.root.public_bytes(Encoding.DER))
    context = ValidationContext(trust_roots=[root], allow_fetching=False)
    reader = PdfFileReader(io.BytesIO(pdf))
    return all(validate_pdf_signature(each, context).intact for each in reader.embedded_regular_signatures)


def _milliseconds(call: Callable[[], object]) -> float:
    call()
    begun = time.process_time()
    for _ in range(REPEATS):
        call()
    return (time.process_time() - begun) / REPEATS * 1000


def _fenced(pdf: bytes, authority: DevelopmentAuthority, folder: Path) -> str:
    files = folder / "files"
    files.mkdir()
    for number in range(FILES):
        (files / f"{number}.pdf").write_bytes(pdf)
    rates = []
    for jobs in (1, 2):
        begun = time.monotonic()
        passed = sum(
            r.passed for r in verify_paths([files], authority.trust, jobs=jobs, now=datetime.now(UTC))
        )
        assert passed == FILES
        rates.append(FILES / (time.monotonic() - begun))
    return (
        f"Fenced, {FILES} files at B-LT: {rates[0]:.0f} files/s on one process, {rates[1]:.0f} on two"
        f" ({rates[1] / rates[0]:.2f} ×).\n"
    )


if __name__ == "__main__":
    print(table())
