"""Poppler and OpenSSL over all vectors that pass with us: they see nothing wrong either."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.vectors.build import FOLDER
from tests.witnesses import POPPLER_VALID, OpenSsl, poppler

pytestmark = [pytest.mark.witness, pytest.mark.slow]

_WRITTEN = json.loads((FOLDER / "expected.json").read_text())
AT, EXPECTED = _WRITTEN["at"], _WRITTEN["files"]
PASSED = sorted(
    name
    for name, report in EXPECTED.items()
    if report["indication"] == "TOTAL-PASSED" and "known_wrong" not in report
)
FAILED_BY_DIGEST = sorted(
    name for name, report in EXPECTED.items() if report.get("codes") == ["digest_differs"]
)
_UNJUDGED = "Signature has not yet been verified."
# What Poppler can't judge, or judges by rules of its own: why.
POPPLER = {
    "signed_by_key_identifier": "it knows a signer by issuer and number only",
    "signed_with_brainpoolp256r1": "its library has no brainpool curves",
    "signed_with_ed25519": "it knows no EdDSA",
    "signed_with_ed448": "it knows no EdDSA",
}
# OpenSSL is asked for CAdES signatures as of the vectors' time, and knows no proof of an earlier one.
OPENSSL = {
    "certificate_not_named": "CAdES asks for the signer's certificate to be named",
    "certificate_not_named_in_the_older_format": "CAdES asks for the signer's certificate to be named",
    "expired_after_the_timestamp_with_answers": "the certificate has expired",
    "expired_but_archived": "the certificate has expired",
    "signed_with_ed448": "its CMS knows no SHAKE256",
}


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(b"".join(path.read_bytes() for path in sorted((FOLDER / "trust").glob("*.pem"))))
    return OpenSsl(tmp_path, anchors, at=datetime.fromisoformat(AT))


def _signatures(name: str) -> int:
    return sum(each["role"] != "timestamp" for each in EXPECTED[name]["signatures"])


@pytest.mark.parametrize("name", PASSED)
def test_poppler_calls_every_signature_valid(name: str) -> None:
    """But for document timestamps, which it lists without judging them, and empty fields."""
    words = [
        each.validation for each in poppler(FOLDER / f"{name}.pdf") if each.validation not in (_UNJUDGED, "")
    ]
    assert (words == [POPPLER_VALID] * _signatures(name)) == (name not in POPPLER), words


@pytest.mark.parametrize("name", PASSED)
def test_openssl_verifies_every_signature_and_timestamp(name: str, openssl: OpenSsl) -> None:
    faults = openssl.faults((FOLDER / f"{name}.pdf").read_bytes())
    assert (faults == []) == (name not in OPENSSL), faults


@pytest.mark.parametrize("name", FAILED_BY_DIGEST)
def test_both_notice_another_digest(name: str, openssl: OpenSsl) -> None:
    path = FOLDER / f"{name}.pdf"
    assert {each.validation for each in poppler(path)} != {POPPLER_VALID}
    assert openssl.faults(path.read_bytes()) != []
