"""Write all vectors down into tests/vectors/files: `python -m tests.vectors.build`.

Makes a new development PKI each time, and signatures hold random numbers, so every file changes;
`expected.json` keeps the validation time and what must be said of each file. The files are committed all the
same: a committed file is what was looked at, a later version of the verifier must still say the same of it,
and another verifier can be held against `expected.json` without running anything of ours.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.trust import TrustStore
from signing.verify.report import Report
from signing.verify.verdict import verify_pdf
from tests.vectors.catalogue import Maker
from tests.vectors.every import EVERY, KNOWN_WRONG, make
from tests.vectors.vector import FAILED, Vector

FOLDER = Path(__file__).parent / "files"
BEGAN = timedelta(days=60)  # before the vectors were made: some were signed in the past
ALWAYS = {"development_certificate"}  # noted about every signer of the development PKI


def codes_of(report: Report) -> set[str]:
    """The codes of all findings, but for the one that is always there."""
    everything = [*report.findings, *(finding for each in report.signatures for finding in each.findings)]
    return {finding.code for finding in everything} - ALWAYS


def told(report: Report) -> dict[str, Any]:
    """What expected.json keeps of a report."""
    return {
        "indication": report.indication.value,
        "sub_indication": report.sub_indication,
        "verdict": report.verdict.value,
        "codes": sorted(codes_of(report)),
        "signatures": [
            {
                "role": each.role.value,
                "level": each.level,
                "indication": each.indication.value,
                "sub_indication": each.sub_indication,
            }
            for each in report.signatures
        ],
    }


def agrees(report: Report, vector: Vector) -> bool:
    """Whether a report says what the vector's maker asks for."""
    if (report.indication, report.verdict) != (vector.indication, vector.verdict):
        return False
    codes, wanted = codes_of(report), set(vector.codes)
    # what a forgery brings along besides is not told by its maker
    return wanted <= codes if vector.indication == FAILED else wanted == codes


def build(folder: Path) -> None:
    """Write the vectors, the trust to judge them by, and what is expected of each."""
    now = datetime.now(UTC).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as scratch:
        authority = DevelopmentAuthority.create(
            Path(scratch) / "pki", base_url=free_base_url(), now=now - BEGAN
        )
        maker = Maker(authority, now)
        vectors = {name: make(maker, name) for name in EVERY}
        trust = maker.trust()
    at = now + timedelta(minutes=1)
    expected = {name: _expected(name, vector, trust, at) for name, vector in vectors.items()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, vector in vectors.items():
        (folder / f"{name}.pdf").write_bytes(vector.pdf)
    write_trust(folder / "trust", trust)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(wanted)}" for name, wanted in expected.items())
    written = f'{{\n "at": "{at.isoformat()}",\n "files": {{\n{lines}\n }}\n}}\n'
    (folder / "expected.json").write_text(written, encoding="utf-8")


def _expected(name: str, vector: Vector, trust: TrustStore, at: datetime) -> Mapping[str, Any]:
    """What the maker asks for, and what was said of each signature when it was looked at."""
    report = verify_pdf(vector.pdf, trust=trust, now=at, name=name)
    group = {"group": EVERY[name].group}
    if name in KNOWN_WRONG:
        wanted = {"indication": vector.indication, "verdict": vector.verdict, "codes": sorted(vector.codes)}
        return {**group, **wanted, "known_wrong": KNOWN_WRONG[name]}
    assert agrees(report, vector), (name, report.sentence, told(report))
    return {**group, **told(report)}


def write_trust(folder: Path, trust: TrustStore) -> None:
    """Write certificates and revocation lists down as `load_trust` reads them."""
    folder.mkdir()
    for kind, certificates in (("root", trust.anchors), ("issuing", trust.intermediates)):
        for number, certificate in enumerate(certificates):
            (folder / f"{kind}-{number}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    for number, crl in enumerate(trust.crls):
        (folder / f"{number}.crl").write_bytes(crl)


if __name__ == "__main__":
    build(FOLDER)
