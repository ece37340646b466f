"""Every level × every kind of key × our documents: we, Poppler, OpenSSL, qpdf and veraPDF agree."""

from dataclasses import replace
from pathlib import Path

import pytest

from signing.profile import Level
from signing.verify.report import Indication, Role
from signing.verify.verdict import verify_pdf
from tests.signing_samples import now
from tests.witness_files import CASES, NUMBER, Matrix, SignedFile
from tests.witnesses import (
    POPPLER_NO_ED25519,
    POPPLER_VALID,
    OpenSsl,
    cuts,
    poppler,
    qpdf_faults,
    run,
    verapdf,
)

pytestmark = [pytest.mark.witness, pytest.mark.slow]


@pytest.fixture
def openssl(matrix: Matrix, tmp_path: Path) -> OpenSsl:
    return OpenSsl(tmp_path, matrix.root)


def archive_timestamps(file: SignedFile) -> int:
    """One after each signature of level B-LTA: the next signature's own covers the one before."""
    return len(file.fields) if file.level is Level.B_LTA else 0


def unable(file: SignedFile) -> tuple[str, ...]:
    """What Poppler may say of this file's signatures because it cannot judge them."""
    return (POPPLER_NO_ED25519,) if file.key_type == "Ed25519" else ()


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_we_say_passed_at_the_level_asked(matrix: Matrix, level: Level, key_type: str) -> None:
    for file in matrix.files(level, key_type):
        report = verify_pdf(file.pdf, trust=matrix.trust, now=now())
        assert report.indication is Indication.PASSED, (file.path.name, report.sentence)
        signatures = [each for each in report.signatures if each.role is not Role.TIMESTAMP]
        assert [each.field for each in signatures] == list(file.fields)
        assert [each.level for each in signatures] == [level] * len(file.fields)
        assert len(report.signatures) - len(signatures) == archive_timestamps(file)


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_poppler_calls_every_signature_valid(matrix: Matrix, level: Level, key_type: str) -> None:
    """But for document timestamps and Ed25519, which Poppler 22.12 lists without being able to judge them."""
    for file in matrix.files(level, key_type):
        seen = poppler(file.path)
        signatures, timestamps = seen[: len(file.fields)], seen[len(file.fields) :]
        assert [each.field for each in signatures] == list(file.fields)
        for each in signatures:
            assert each.signer.startswith(f"Zoë {each.field.title()}")
            assert each.kind == "ETSI.CAdES.detached"
            assert each.validation in (POPPLER_VALID, *unable(file)), file.path.name
        assert len(timestamps) == archive_timestamps(file)
        assert all(each.field.startswith("archive-timestamp") for each in timestamps)
        assert sum(each.whole_file for each in seen) == (file.level is not Level.B_LT)


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_openssl_verifies_every_signature_and_timestamp(
    matrix: Matrix, openssl: OpenSsl, level: Level, key_type: str
) -> None:
    for file in matrix.files(level, key_type):
        found = cuts(file.pdf)
        signatures = [cut for cut in found if not cut.is_timestamp]
        assert len(signatures) == len(file.fields)
        assert len(found) - len(signatures) == archive_timestamps(file)
        assert all((cut.token is not None) == level.reaches(Level.B_T) for cut in signatures)
        assert openssl.faults(file.pdf) == [], file.path.name


def test_the_last_signature_covers_the_file_but_for_its_own_validation_data(matrix: Matrix) -> None:
    for file in matrix.every_file:
        behind = file.pdf[cuts(file.pdf)[-1].end :]
        assert (b"/DSS" in behind) == bool(behind) == (file.level is Level.B_LT), file.path.name


def test_qpdf_finds_nothing_wrong(matrix: Matrix) -> None:
    assert {file.path.name: qpdf_faults(file.path) for file in matrix.every_file} == {
        file.path.name: "" for file in matrix.every_file
    }


def test_verapdf_calls_every_signed_file_pdf_a_3b(matrix: Matrix) -> None:
    verdicts = verapdf([file.path for file in matrix.every_file])
    assert len(verdicts) == len(matrix.every_file)
    assert [verdict for verdict in verdicts.values() if not verdict["passed"]] == []


# The witnesses would notice: otherwise the tests above could not fail.


def changed(original: SignedFile, folder: Path, old: bytes, new: bytes) -> SignedFile:
    """The file with some bytes replaced wherever they stand, nothing moved."""
    assert len(old) == len(new)
    assert old in original.pdf
    path = folder / original.path.name
    path.write_bytes(original.pdf.replace(old, new))
    return replace(original, path=path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_a_changed_number_in_the_description_is_noticed(
    matrix: Matrix, openssl: OpenSsl, tmp_path: Path, case: tuple[Level, str]
) -> None:
    file = changed(matrix.files(*case)[0], tmp_path, NUMBER.encode(), b"2024-000124")
    assert qpdf_faults(file.path) == ""  # a sound file, only not the one that was signed
    assert verify_pdf(file.pdf, trust=matrix.trust, now=now()).indication is Indication.FAILED
    faults = openssl.faults(file.pdf)
    assert len(faults) == 1 + archive_timestamps(file)  # the signature timestamp covers the value alone
    seen = poppler(file.path)[0]
    assert seen.validation in ("Digest Mismatch.", *unable(file))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_a_changed_signature_value_is_noticed(
    matrix: Matrix, openssl: OpenSsl, tmp_path: Path, case: tuple[Level, str]
) -> None:
    original = matrix.files(*case)[0]
    value = cuts(original.pdf)[0].value
    forged = value[:-1] + bytes([value[-1] ^ 1])
    file = changed(original, tmp_path, value.hex().upper().encode(), forged.hex().upper().encode())
    assert verify_pdf(file.pdf, trust=matrix.trust, now=now()).indication is Indication.FAILED
    faults = openssl.faults(file.pdf)
    # the value itself, the timestamp over it, and the archive timestamp over the file
    assert len(faults) == 1 + file.level.reaches(Level.B_T) + archive_timestamps(file)
    seen = poppler(file.path)[0]
    assert seen.validation in ("Signature is Invalid.", *unable(file))


def test_another_root_is_not_trusted(matrix: Matrix, tmp_path: Path) -> None:
    key = run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=Stranger"),
        *("-keyout", tmp_path / "stranger.key", "-out", tmp_path / "stranger.pem"),
    )
    assert key.returncode == 0
    stranger = OpenSsl(tmp_path, tmp_path / "stranger.pem")
    for level, key_type in CASES:
        assert stranger.faults(matrix.files(level, key_type)[0].pdf) != []


def test_verapdf_notices_a_signed_file_without_its_output_intent(matrix: Matrix, tmp_path: Path) -> None:
    file = changed(matrix.files(Level.B_LTA, "P-256")[0], tmp_path, b"/GTS_PDFA1", b"/GTS_PDFX1")
    assert not verapdf([file.path])[file.path]["passed"]
