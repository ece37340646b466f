"""Every level with every key type, read by outside witnesses and by stock pyHanko."""

import asyncio
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import ocsp, x509
from asn1crypto.crl import CertificateList
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    EmbeddedPdfSignature,
    SignatureCoverageLevel,
    async_validate_pdf_signature,
)
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from documents.kinds import KINDS
from documents.render import SignatureSlot, render
from signing.opened import OpenedPdf
from signing.profile import Level
from signing.verify.verdict import verify_pdf
from tests.signing_samples import KEY_TYPES, form_pdf, now, open_desk, signed
from tests.vectors.catalogue import trust_of

CASES = [(level, key_type) for level in Level for key_type in KEY_TYPES]
Signed = dict[tuple[Level, str], bytes]
VERAPDF = Path(__file__).parents[1] / "witness" / "verapdf.sh"


@pytest.fixture(scope="module")
def signed_pdfs(authority: DevelopmentAuthority, authority_server: AuthorityServer) -> Signed:
    """One document, signed at every level with every key type, by one desk."""

    async def sign_all() -> Signed:
        async with open_desk(authority) as desk:
            return {
                (level, key_type): await signed(
                    desk, authority.person("e-7", "Zoë Voorbeeld", key_type=key_type, now=now()), level
                )
                for level, key_type in CASES
            }

    return asyncio.run(sign_all())


def embedded(pdf: bytes, field: str = "employer") -> EmbeddedPdfSignature:
    found = [each for each in PdfFileReader(BytesIO(pdf)).embedded_signatures if each.field_name == field]
    assert len(found) == 1
    return found[0]


def root_of(authority: DevelopmentAuthority) -> x509.Certificate:
    return x509.Certificate.load(authority.root.public_bytes(Encoding.DER))


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_stock_pyhanko_accepts_it(
    signed_pdfs: Signed, authority: DevelopmentAuthority, level: Level, key_type: str
) -> None:
    signature = embedded(signed_pdfs[level, key_type])
    context = ValidationContext(trust_roots=[root_of(authority)])
    status = asyncio.run(async_validate_pdf_signature(signature, context, context))
    assert status.bottom_line
    expected = SignatureCoverageLevel.ENTIRE_FILE
    if level.reaches(Level.B_LT):
        expected = SignatureCoverageLevel.ENTIRE_REVISION
    assert status.coverage is expected
    assert (status.timestamp_validity is not None) == level.reaches(Level.B_T)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_pyhanko_judges_the_archive_level_passed_offline(
    signed_pdfs: Signed, authority: DevelopmentAuthority, key_type: str
) -> None:
    signature = embedded(signed_pdfs[Level.B_LTA, key_type])
    store = DocumentSecurityStore.read_dss(signature.reader)
    answers = [ocsp.OCSPResponse.load(bytes(each.get_object().data)) for each in store.ocsps]
    crls = [CRLContainer(CertificateList.load(bytes(each.get_object().data))) for each in store.crls]
    spec = SignatureValidationSpec(
        CertValidationPolicySpec(
            SimpleTrustManager.build([root_of(authority)]), revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO)
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY
        ),
        local_knowledge=LocalKnowledge(
            known_ocsps=[each for answer in answers for each in OCSPContainer.load_multi(answer)],
            known_crls=crls,
            known_certs=list(store.load_certs()),
        ),
    )
    result = asyncio.run(ades_lta_validation(signature, PdfSignatureValidationSpec(spec)))
    assert result.ades_subindic.name == "OK"


@pytest.mark.witness
@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_poppler_openssl_and_qpdf_agree(
    signed_pdfs: Signed, authority: DevelopmentAuthority, tmp_path: Path, level: Level, key_type: str
) -> None:
    pdf = signed_pdfs[level, key_type]
    file = tmp_path / "signed.pdf"
    file.write_bytes(pdf)
    assert run("qpdf", "--check", str(file)).returncode == 0
    signature = embedded(pdf)
    if key_type == "Ed25519":  # neither Poppler's NSS nor OpenSSL 3.0's cms command can verify it
        assert openssl_accepts_value(tmp_path, signature, authority)
    else:
        said = run("pdfsig", "-nocert", str(file)).stdout
        assert said.count("Signature Validation: Signature is Valid.") == 1
        assert said.count("Total document signed") == (level is not Level.B_LT)
        assert openssl_accepts(tmp_path, signature, authority)
    if level.reaches(Level.B_T):
        info = signature.signer_info
        (token,) = info["unsigned_attrs"]
        assert token["type"].native == "signature_time_stamp_token"
        wrapped = token["values"][0].dump()
        assert openssl_accepts_token(tmp_path, wrapped, info["signature"].native, authority)
    if level is Level.B_LTA:
        archive = embedded(pdf, "archive-timestamp")
        assert openssl_accepts_token(tmp_path, archive.pkcs7_content, covered(archive), authority)


def covered(signature: EmbeddedPdfSignature) -> bytes:
    start, first, second, last = signature.byte_range
    pdf = signature.reader.stream.getvalue()
    return bytes(pdf[start : start + first] + pdf[second : second + last])


def openssl_accepts(folder: Path, signature: EmbeddedPdfSignature, authority: DevelopmentAuthority) -> bool:
    (folder / "content").write_bytes(covered(signature))
    (folder / "cms").write_bytes(signature.pkcs7_content)
    (folder / "root.pem").write_bytes(authority.root_pem)
    files = {"-in": "cms", "-content": "content", "-CAfile": "root.pem", "-out": "signed"}
    options = [word for option, name in files.items() for word in (option, str(folder / name))]
    said = run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", *options)
    return said.returncode == 0


def openssl_accepts_value(
    folder: Path, signature: EmbeddedPdfSignature, authority: DevelopmentAuthority
) -> bool:
    info = signature.signer_info
    (folder / "attributes").write_bytes(info["signed_attrs"].untag().dump())
    (folder / "value").write_bytes(info["signature"].native)
    (folder / "key").write_bytes(signature.signer_cert.public_key.dump())
    files = {"-in": "attributes", "-sigfile": "value", "-inkey": "key"}
    options = [word for option, name in files.items() for word in (option, str(folder / name))]
    said = run("openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", *options)
    return said.returncode == 0


def openssl_accepts_token(folder: Path, token: bytes, data: bytes, authority: DevelopmentAuthority) -> bool:
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(data)
    (folder / "root.pem").write_bytes(authority.root_pem)
    (folder / "issuing.pem").write_bytes(authority.issuing.public_bytes(Encoding.PEM))
    files = {"-in": "token", "-data": "data", "-CAfile": "root.pem", "-untrusted": "issuing.pem"}
    options = [word for option, name in files.items() for word in (option, str(folder / name))]
    return run("openssl", "ts", "-verify", "-token_in", *options).returncode == 0


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def declaration(*slots: str) -> bytes:
    kind = KINDS["employer_declaration"]
    return render(
        "employer_declaration",
        kind.json_of(kind.parse(kind.example())),
        number="2026-000001",
        verification_code="K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS",
        issued_on=now().date(),
        valid_until=None,
        slots=[SignatureSlot(slot) for slot in slots],
        archive_timestamp=True,
        verify_url=None,
        note=None,
    )


def test_each_signature_of_a_document_has_its_archive_timestamps_field_beforehand(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    source = declaration("employer", "manager")
    fields = OpenedPdf(source).field_names()
    assert fields == ["employer", "manager", "archive-timestamp", "archive-timestamp-2"]

    async def sign_both() -> bytes:
        pdf = source
        async with open_desk(authority) as desk:
            for index, field in enumerate(("employer", "manager")):
                credential = authority.person(f"e-2{index}", "Zoë Voorbeeld", now=now())
                pdf = await signed(desk, credential, Level.B_LTA, pdf=pdf, field=field)
        return pdf

    pdf = asyncio.run(sign_both())
    opened = OpenedPdf(pdf)
    assert opened.field_names() == fields
    assert all(opened.is_signed(field) for field in fields)
    reader = PdfFileReader(BytesIO(pdf))
    assert [each.field_name for each in reader.embedded_timestamp_signatures] == fields[2:]
    context = ValidationContext(trust_roots=[root_of(authority)])
    assert len(reader.embedded_regular_signatures) == 2
    for signature in reader.embedded_regular_signatures:
        status = asyncio.run(async_validate_pdf_signature(signature, context))
        assert status.bottom_line
        assert status.docmdp_ok
    report = verify_pdf(pdf, trust=trust_of(authority, now()), now=now())
    assert (report.indication, report.findings) == ("TOTAL-PASSED", ())


@pytest.mark.witness
@pytest.mark.slow
def test_a_signed_declaration_stays_pdf_a(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, tmp_path: Path
) -> None:
    source = declaration("employer")

    async def sign_all() -> None:
        async with open_desk(authority) as desk:
            for level, key_type in CASES:
                credential = authority.person("e-7", "Zoë Voorbeeld", key_type=key_type, now=now())
                pdf = await signed(desk, credential, level, pdf=source)
                (tmp_path / f"{level}-{key_type}.pdf").write_bytes(pdf)

    asyncio.run(sign_all())
    files = sorted(str(file) for file in tmp_path.glob("*.pdf"))
    assert len(files) == len(CASES)
    said = run("sh", str(VERAPDF), *files)
    assert said.returncode == 0, said.stdout
    assert said.stdout.count('"passed":true') == len(CASES)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_no_version_and_no_extension_for_a_keys_sake(signed_pdfs: Signed, key_type: str) -> None:
    before = PdfFileReader(BytesIO(form_pdf())).root
    for level in Level:
        root = PdfFileReader(BytesIO(signed_pdfs[level, key_type])).root
        assert root.get("/Version") == before.get("/Version")
        extensions = set(root["/Extensions"]) if "/Extensions" in root else set()
        assert extensions <= {"/ESIC"}


def test_only_what_was_there_before_is_kept_and_more_is_appended(signed_pdfs: Signed) -> None:
    for (level, _), pdf in signed_pdfs.items():
        reader = PdfFileReader(BytesIO(pdf))
        assert reader.total_revisions == (3 if level.reaches(Level.B_LT) else 2)
        assert len(reader.embedded_regular_signatures) == 1
        assert len(reader.embedded_timestamp_signatures) == (1 if level is Level.B_LTA else 0)


def test_nobody_elses_revocation_answer_leaks_into_a_document(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    people = [authority.person(f"e-{number}", f"Person {number}", now=now()) for number in range(3)]

    async def sign_all() -> list[bytes]:
        async with open_desk(authority) as desk:
            return await asyncio.gather(*(signed(desk, person, Level.B_LT) for person in people))

    for pdf, person in zip(asyncio.run(sign_all()), people, strict=True):
        store = DocumentSecurityStore.read_dss(PdfFileReader(BytesIO(pdf)))
        serials = {
            single["cert_id"]["serial_number"].native
            for each in store.ocsps
            for single in ocsp.OCSPResponse.load(bytes(each.get_object().data)).response_data["responses"]
        }
        assert person.certificate.serial_number in serials
        assert not serials & {other.certificate.serial_number for other in people if other is not person}
