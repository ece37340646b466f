"""NIST PKITS, every case of sections 4.1 to 4.16, through the trust layer as `paraaf verify` uses it."""

import asyncio
import json
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from pyhanko_certvalidator.policy_decl import PKIXValidationParams
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from signing.verify.paths import NoPath, valid_path
from signing.verify.trust import Trust, TrustMaterial, ValidationData

FOLDER = Path(__file__).parents[1] / "pkits"
AT = datetime(2022, 5, 1, tzinfo=UTC)  # all of the suite that has not expired on purpose is valid then
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())

# Valid by RFC 5280, refused here, and why.
STRICTER = {
    "4.1.4": "DSA with 1,024 bits and SHA-1, which prove nothing any more",
    "4.1.5": "as 4.1.4",
    "4.15.5": "put on hold by a complete list, released by a delta list: what any answer revokes stays so",
}


@dataclass(frozen=True)
class Suite:
    """The files of the suite, by name."""

    files: dict[str, bytes]

    def certificates(self, names: list[str]) -> tuple[asn1_x509.Certificate, ...]:
        return tuple(asn1_x509.Certificate.load(self.files[f"certs/{name}"]) for name in names)

    def lists(self, names: list[str]) -> tuple[bytes, ...]:
        return tuple(self.files[f"crls/{name}"] for name in names)


@pytest.fixture(scope="module")
def suite() -> Suite:
    with tarfile.open(FOLDER / "nist-pkits.tar.xz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return Suite({m.name: archive.extractfile(m).read() for m in members})  # type: ignore[union-attr]


def outcome(case: dict[str, Any], suite: Suite) -> str:
    anchor = suite.files["certs/TrustAnchorRootCertificate.crt"]
    lists = suite.lists(["TrustAnchorRootCRL.crl", *case["lists"]])
    others = suite.certificates([*case["others"], *case.get("intermediates", [])])
    trust = Trust(TrustMaterial(anchors=(anchor,), crls=lists[:1]))  # the other lists come from the file
    crls = tuple(CRLContainer(CertificateList.load(each)) for each in lists[1:])
    (certificate,) = suite.certificates([case["certificate"]])
    given = dict(case.get("inputs", {}))
    if "user_initial_policy_set" in given:
        given["user_initial_policy_set"] = frozenset(given["user_initial_policy_set"])
    try:
        asyncio.run(
            valid_path(
                certificate,
                trust,
                ValidationData(certificates=others, crls=crls),
                at=AT,
                inputs=PKIXValidationParams(**given),
            )
        )
    except NoPath as why:
        return str(why)
    return "valid"


@pytest.mark.parametrize("case", CASES, ids=[f"{case['case']}-{case['name']}" for case in CASES])
def test_each_case_is_right(case: dict[str, Any], suite: Suite) -> None:
    told = outcome(case, suite)
    assert (told == "valid") == (case["valid"] and case["case"] not in STRICTER), told


def test_every_section_is_there() -> None:
    assert {".".join(case["case"].split(".")[:2]) for case in CASES} == {f"4.{n}" for n in range(1, 17)}
    assert len(CASES) == 246
