"""What trusted lists make of signatures, seals and timestamps; sample lists, sample countries."""

import argparse
import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.trust import TrustStore
from certs.trusted_lists import TrustedLists, load_trusted_lists
from cli import verify
from signing.verify.qualified import Lists as Listed
from signing.verify.report import Indication, Report, Role
from signing.verify.transport import packed, unpacked
from signing.verify.verdict import verify_pdf
from tests.trusted_lists import (
    EVERYBODY,
    SUPERVISED,
    WITHDRAWN,
    Entry,
    Lists,
    Sample,
    criteria,
    issued_with,
    policy,
    qualification,
    statements,
    usage,
)
from tests.vectors.stock import Stock, plain_pdf

NOW = datetime.now(UTC).replace(microsecond=0)
BEFORE = NOW - timedelta(days=400)
SIGN = statements()
SEAL = statements(types=("qct_eseal",))
SIGNER_POLICY = "1.2.3.4.5"


@dataclass(frozen=True)
class Case:
    """A certificate's own statements, what the list says of its issuer, and what a signature then is."""

    qc: bytes | None
    entries: tuple[Entry, ...]
    expected: str
    role: Role = Role.APPROVAL


def listed(*qualifiers: str, of: str = EVERYBODY, **more: object) -> tuple[Entry, ...]:
    extension = qualification(*qualifiers, criteria=of) if qualifiers else ""
    return (Entry(BEFORE, extensions=extension, **more),)  # type: ignore[arg-type]


PLAIN = statements(device=False)
NONE = criteria(usage("keyCertSign"))
CASES = {
    "signature": Case(SIGN, listed(), "QES"),
    "no device": Case(PLAIN, listed(), "AdES-QC"),
    "no compliance": Case(statements(compliance=False), listed(), "AdES"),
    "no statements": Case(None, listed(), "AdES"),
    "no type": Case(statements(types=()), listed(), "QES"),
    "seal": Case(SEAL, listed(), "QESeal", Role.SEAL),
    "seal, no device": Case(
        statements(device=False, types=("qct_eseal",)), listed(), "AdESeal-QC", Role.SEAL
    ),
    "seal, no compliance": Case(
        statements(compliance=False, types=("qct_eseal",)), listed(), "AdESeal", Role.SEAL
    ),
    "web site": Case(statements(types=("qct_web",)), listed(), "AdES"),
    "two types": Case(statements(types=("qct_esign", "qct_eseal")), listed(), "not_determinable"),
    "two types, the list decides": Case(
        statements(types=("qct_esign", "qct_eseal")), listed("QCForESig"), "QES"
    ),
    "foreign law": Case(statements(countries=("ZZ",)), listed(), "AdES"),
    "law of a member state": Case(statements(countries=("NL",)), listed(), "AdES"),
    "not qualified, says the list": Case(SIGN, listed("NotQualified"), "AdES"),
    "qualified, says the list": Case(statements(compliance=False), listed("QCStatement"), "QES"),
    "both, says the list": Case(SIGN, listed("QCStatement", "NotQualified"), "AdES"),
    "for legal persons": Case(SIGN, listed("QCForLegalPerson"), "AdES"),
    "in a device, says the list": Case(PLAIN, listed("QCWithQSCD"), "QES"),
    "in a device managed for the signer": Case(PLAIN, listed("QCQSCDManagedOnBehalf"), "QES"),
    "in no device, says the list": Case(SIGN, listed("QCNoQSCD"), "AdES-QC"),
    "device both ways": Case(SIGN, listed("QCWithQSCD", "QCNoQSCD"), "AdES-QC"),
    "device as in the certificate": Case(PLAIN, listed("QCQSCDStatusAsInCert"), "AdES-QC"),
    "a seal, says the list": Case(SIGN, listed("QCForESeal"), "QESeal"),
    "qualifier of others": Case(SIGN, listed("NotQualified", of=NONE), "QES"),
    "qualifier of a policy": Case(SIGN, listed("NotQualified", of=criteria(policy(SIGNER_POLICY))), "AdES"),
    "qualifier of another policy": Case(SIGN, listed("NotQualified", of=criteria(policy("1.2.3"))), "QES"),
    "qualifier unless": Case(SIGN, listed("NotQualified", of=criteria(usage("keyCertSign"), "none")), "AdES"),
    "qualifier of either": Case(
        SIGN,
        listed("NotQualified", of=criteria(usage("keyCertSign") + usage("nonRepudiation"), "atLeastOne")),
        "AdES",
    ),
    "qualifier of both": Case(
        SIGN, listed("NotQualified", of=criteria(usage("keyCertSign") + usage("nonRepudiation"))), "QES"
    ),
    "criterion unknown": Case(
        SIGN,
        listed(
            "NotQualified",
            of=criteria("<ecc:otherCriteriaList><tslx:Unheard/></ecc:otherCriteriaList>"),
        ),
        "not_determinable",
    ),
    "extension unknown": Case(
        SIGN,
        (Entry(BEFORE, extensions='<Extension Critical="true"><Unheard/></Extension>'),),
        "not_determinable",
    ),
    "listed for seals only": Case(SIGN, listed(types=("ForeSeals",)), "AdES"),
    "supervised is no longer enough": Case(SIGN, (Entry(BEFORE, SUPERVISED),), "not_determinable"),
    "granted later": Case(SIGN, (Entry(NOW + timedelta(days=1)),), "not_determinable"),
    "withdrawn": Case(SIGN, (Entry(NOW - timedelta(days=1), WITHDRAWN), Entry(BEFORE)), "not_determinable"),
    "withdrawn later": Case(SIGN, (Entry(NOW + timedelta(days=1), WITHDRAWN), Entry(BEFORE)), "QES"),
    "granted after issue": Case(SIGN, (Entry(NOW - timedelta(days=1)), Entry(BEFORE, WITHDRAWN)), "AdES"),
}


@pytest.fixture(scope="module")
def signed(authority: DevelopmentAuthority) -> Callable[[bytes | None], bytes]:
    """Files signed with a timestamp, one for each kind of certificate, issued a month ago."""
    made: dict[bytes | None, bytes] = {}

    def sign(qc: bytes | None) -> bytes:
        if qc not in made:
            signer = issued(authority, qc)
            made[qc] = Stock(authority, NOW).sign(plain_pdf(), signer, level="B-T")
        return made[qc]

    return sign


def issued(authority: DevelopmentAuthority, qc: bytes | None) -> Credential:
    issued_at = NOW - timedelta(days=30)
    return issued_with(authority, "Quirijn Voorbeeld", now=issued_at, qc=qc, policies=(SIGNER_POLICY,))


def lists_of(authority: DevelopmentAuthority, folder: Path, *services: Sample) -> TrustedLists:
    found = load_trusted_lists(Lists.make(NOW).of("XA", *services).write(folder), now=NOW)
    assert found.unused == ()
    return found


def judged(authority: DevelopmentAuthority, pdf: bytes, lists: TrustedLists | None, **more: object) -> Report:
    trust = TrustStore(crls=(authority.crl("issuing", NOW),), lists=lists)
    report = verify_pdf(pdf, trust=replace(trust, **more), now=NOW)  # type: ignore[arg-type]
    assert unpacked(packed(report)) == report
    return report


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_status_follows_from_certificate_and_list(
    case: Case, authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    lists = lists_of(authority, tmp_path, Sample(authority.issuing, case.entries))
    report = judged(authority, signed(case.qc), lists)
    (signature,) = report.signatures
    assert signature.qualified.qualified == case.expected, signature.qualified
    assert signature.role is case.role
    assert ("qualified electronic" in report.sentence) == (case.expected in ("QES", "QESeal"))
    if case.expected != "not_determinable":
        assert report.passed, report.sentence
        assert signature.qualified.service == "XA: Sample provider / Sample service"


def test_a_listed_root_anchors_what_is_issued_below_it(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    lists = lists_of(authority, tmp_path, Sample(authority.root, (Entry(BEFORE),)))
    both = (authority.crl("issuing", NOW), authority.crl("root", NOW))
    report = judged(authority, signed(SIGN), lists, crls=both)
    assert report.passed, report.sentence
    assert report.signatures[0].qualified.qualified == "QES"
    assert len(report.signatures[0].chain) == 3


def test_without_lists_nothing_is_called_qualified(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes]
) -> None:
    report = judged(authority, signed(SIGN), None, anchors=(authority.issuing,))
    assert report.passed, report.sentence
    assert report.signatures[0].qualified.qualified == "not_determinable"
    assert "qualified" not in report.sentence


def test_a_service_that_was_not_in_good_standing_anchors_nobody(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    entries = (Entry(NOW - timedelta(days=1), WITHDRAWN), Entry(BEFORE))
    lists = lists_of(authority, tmp_path, Sample(authority.issuing, entries))
    report = judged(authority, signed(SIGN), lists)
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "NO_CERTIFICATE_CHAIN_FOUND_NO_POE",
    )
    named = judged(authority, signed(SIGN), lists, anchors=(authority.issuing,))
    assert named.passed, named.sentence  # whoever is trusted by name needs no list
    assert named.signatures[0].qualified.qualified == "AdES"


def test_who_is_listed_for_timestamps_vouches_for_no_signer(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    lists = lists_of(authority, tmp_path, Sample(authority.issuing, (Entry(BEFORE, types=()),), "TSA/QTST"))
    report = judged(authority, signed(SIGN), lists)
    assert report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert report.signatures[0].proven_at is not None  # while the timestamp is good


def test_a_good_service_for_timestamps_saves_no_withdrawn_one_for_certificates(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    """One authority may be listed for both, by the same certificate."""
    services = [
        Sample(authority.issuing, (Entry(NOW - timedelta(days=1), WITHDRAWN), Entry(BEFORE))),
        Sample(authority.issuing, (Entry(BEFORE, types=()),), "TSA/QTST"),
    ]
    report = judged(authority, signed(SIGN), lists_of(authority, tmp_path, *services))
    assert report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    assert report.signatures[0].proven_at is not None  # its timestamp is good


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((Entry(BEFORE, types=()),), ["QES", "QTST"]),
        (None, ["QES", "TST"]),
        # the authority is an anchor by that entry alone, and proves no time any more
        ((Entry(NOW - timedelta(days=1), WITHDRAWN, ()), Entry(BEFORE, types=())), ["not_determinable"] * 2),
    ],
)
def test_a_document_timestamp_has_a_status_too(
    entries: tuple[Entry, ...] | None, expected: list[str], authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    stamped = Stock(authority, NOW).stamp(
        Stock(authority, NOW).sign(plain_pdf(), issued(authority, SIGN), level="B-T")
    )
    services = [Sample(authority.issuing, (Entry(BEFORE),))]
    if entries is not None:
        services.append(Sample(authority.tsa, entries, "TSA/QTST"))
    report = judged(authority, stamped, lists_of(authority, tmp_path, *services))
    assert report.signatures[1].role is Role.TIMESTAMP
    assert [each.qualified.qualified for each in report.signatures] == expected


def test_a_changed_file_carries_no_signature_of_any_kind(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    lists = lists_of(authority, tmp_path, Sample(authority.issuing, (Entry(BEFORE),)))
    changed = signed(SIGN).replace(b"4,000 euro", b"9,000 euro")
    report = judged(authority, changed, lists)
    assert report.indication is Indication.FAILED
    assert report.signatures[0].qualified.qualified == "none"
    assert "qualified" not in report.sentence


def test_an_issuer_on_no_list_makes_advanced_signatures(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    lists = lists_of(authority, tmp_path)
    report = judged(authority, signed(SIGN), lists, anchors=(authority.issuing,))
    assert report.signatures[0].qualified.qualified == "AdES"


def test_a_list_that_is_missing_leaves_the_status_open(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    folder = Lists.make(NOW).write(tmp_path, lambda files: files.pop("xb.xml") and None)
    lists = load_trusted_lists(folder, now=NOW)
    report = judged(authority, signed(SIGN), lists, anchors=(authority.issuing,))
    assert report.signatures[0].qualified.qualified == "not_determinable"
    assert "trusted_lists_unused" in {finding.code for finding in report.findings}
    assert report.verdict == "authentic"  # a list that is missing says nothing against the file


def test_lists_that_contradict_each_other_leave_it_open(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    services = [
        Sample(authority.issuing, (Entry(BEFORE),)),
        Sample(authority.issuing, listed("NotQualified"), name="The same again"),
    ]
    report = judged(authority, signed(SIGN), lists_of(authority, tmp_path, *services))
    assert report.signatures[0].qualified.qualified == "not_determinable"


def test_of_two_services_the_one_for_its_type_counts(
    authority: DevelopmentAuthority, signed: Callable[[bytes | None], bytes], tmp_path: Path
) -> None:
    services = [
        Sample(authority.issuing, listed("NotQualified", types=("ForeSeals",)), name="For seals"),
        Sample(authority.issuing, listed(types=("ForeSignatures",)), name="For signatures"),
    ]
    report = judged(authority, signed(SIGN), lists_of(authority, tmp_path, *services))
    assert report.signatures[0].qualified.qualified == "QES"
    assert report.signatures[0].qualified.service == "XA: Sample provider / For signatures"


@pytest.mark.parametrize(
    ("policies", "statement", "expected"),
    [
        (("0.4.0.1456.1.1",), None, "AdES-QC"),
        (("0.4.0.1456.1.2",), None, "QES"),
        ((), statements(types=()), "QES"),
        ((), None, "AdES"),
    ],
)
def test_before_eidas_supervision_and_policies_counted(
    policies: tuple[str, ...],
    statement: bytes | None,
    expected: str,
    authority: DevelopmentAuthority,
    tmp_path: Path,
) -> None:
    then = datetime(2014, 5, 1, tzinfo=UTC)
    signer = issued_with(authority, "Oud Voorbeeld", now=then, qc=statement, policies=policies)
    path = [asn1_x509.Certificate.load(signer.cert_der)]
    path += [asn1_x509.Certificate.load(signer.chain[0].public_bytes(Encoding.DER))]
    entry = Entry(datetime(2010, 1, 1, tzinfo=UTC), SUPERVISED, types=())
    lists = Listed(lists_of(authority, tmp_path, Sample(authority.issuing, (entry,))))
    status = lists.status(path, datetime(2015, 5, 1, tzinfo=UTC), seal=False)
    assert status.qualified == expected
    assert lists.status(path, datetime(2017, 5, 1, tzinfo=UTC), seal=False).qualified == "AdES"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verify.add_parser(parser.add_subparsers())
    return verify.run(parser.parse_args(["verify", *words]))


def test_the_command_reads_lists_and_warns_of_those_it_does_not_use(
    authority: DevelopmentAuthority,
    signed: Callable[[bytes | None], bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lists = Lists.make(NOW).of("XA", Sample(authority.issuing, (Entry(BEFORE),)))
    folder = lists.write(
        tmp_path / "lists", lambda files: files.update({"xb.xml": lists.national("XB").encode()})
    )
    (tmp_path / "signed.pdf").write_bytes(signed(SIGN))
    (tmp_path / "trust.pem").write_bytes(authority.root_pem)
    (tmp_path / "issuing.crl").write_bytes(authority.crl("issuing", NOW))
    (tmp_path / "root.crl").write_bytes(authority.crl("root", NOW))
    trust = [f"--trust={tmp_path}"]
    file = str(tmp_path / "signed.pdf")
    assert run(file, *trust, "--trusted-lists", str(folder), "--json") == 0
    told = capsys.readouterr()
    assert "trusted list XB (xb.xml) is not used: it is not signed." in told.err
    (signature,) = json.loads(told.out)["files"][0]["signatures"]
    assert signature["qualified"] == "QES"
    assert signature["qualified_by"] == "XA: Sample provider / Sample service"
    assert signature["qc_statements"]["types"] == ["esign"]
    monkeypatch.setenv("PARAAF_TRUSTED_LISTS", str(folder))
    assert run(file, *trust, "--csv") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["qualified"], row["revocation"], row["good_until"]) == ("QES", "good", "")
    assert run(file, *trust) == 0
    assert "B-T, QES, TOTAL-PASSED" in capsys.readouterr().out
    (folder / "signer.pem").unlink()
    assert run(file) == 2
    refused = capsys.readouterr()
    assert refused.out == ""
    assert "Nobody is named who may sign the list of the lists" in refused.err
