"""PDFs from other hands, signed at every level: the same witnesses agree."""

import asyncio
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from signing.composition import NewField
from signing.pades import sign_pdf
from signing.profile import Level
from signing.signers import SoftwareSigner
from signing.verify.report import Indication, Role
from signing.verify.verdict import verify_pdf
from tests.signing_samples import now, open_desk, profile
from tests.witnesses import POPPLER_VALID, OpenSsl, cuts, poppler, qpdf_faults, run

pytestmark = [pytest.mark.witness, pytest.mark.slow]

KEY_TYPES = ("P-256", "RSA-2048")
Signed = Mapping[tuple[str, Level, str], Path]


def report(path: Path) -> None:
    """A few pages by reportlab: compressed, with fonts of the viewer's."""
    styles = getSampleStyleSheet()
    story = [Paragraph("A report from elsewhere", styles["Title"])]
    for number in range(60):
        story += [Paragraph(f"Paragraph {number}: nothing but a sample.", styles["Normal"]), Spacer(1, 9)]
    stream = BytesIO()
    SimpleDocTemplate(stream, pagesize=A4, title="A report").build(story)
    path.write_bytes(stream.getvalue())


def by_qpdf(*options: str) -> Callable[[Path], None]:
    """The same report, written anew by qpdf."""

    def make(path: Path) -> None:
        source = path.with_suffix(".source")
        report(source)
        assert run("qpdf", *options, source, path).returncode == 0

    return make


PRODUCERS: Mapping[str, Callable[[Path], None]] = {
    "reportlab": report,
    "linearised": by_qpdf("--linearize"),
    "object-streams": by_qpdf("--object-streams=generate"),
    "linearised-object-streams": by_qpdf("--linearize", "--object-streams=generate"),
}
CASES = [(producer, level) for producer in PRODUCERS for level in Level]


@pytest.fixture(scope="module")
def signed(
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Signed:
    """Each producer's file, signed in a visible field that it did not have, by both kinds of keys in turn."""
    folder = tmp_path_factory.mktemp("foreign")

    async def sign_all() -> dict[tuple[str, Level, str], Path]:
        made = {}
        async with open_desk(authority) as desk:
            for number, (producer, level) in enumerate(CASES):
                key_type = KEY_TYPES[(number + number // len(Level)) % len(KEY_TYPES)]
                source, path = folder / f"{producer}.pdf", folder / f"{producer}-{level}.pdf"
                if not source.exists():
                    PRODUCERS[producer](source)
                credential = authority.person(key_type, "Zoë Elders", key_type=key_type, now=now())
                finished = await sign_pdf(
                    desk,
                    source.read_bytes(),
                    signer=SoftwareSigner(credential),
                    profile=profile(level),
                    claimed_at=now(),
                    role="Reader",
                    new_field=NewField("approval", page=1, box=(60, 60, 290, 140), label="Approval"),
                )
                path.write_bytes(finished.pdf)
                made[producer, level, key_type] = path
        return made

    return asyncio.run(sign_all())


@pytest.fixture(scope="module")
def trust(authority: DevelopmentAuthority, authority_server: AuthorityServer) -> TrustStore:
    """The root and its revocation lists."""
    crls = (authority.crl("root", now()), authority.crl("issuing", now()))
    return TrustStore(authority.trust.anchors, authority.trust.intermediates, crls)


def test_both_kinds_of_keys_sign_at_every_level(signed: Signed) -> None:
    assert {(level, key_type) for _, level, key_type in signed} == {
        (level, key_type) for level in Level for key_type in KEY_TYPES
    }


def test_we_say_passed_at_the_level_asked(signed: Signed, trust: TrustStore) -> None:
    for (_, level, _), path in signed.items():
        said = verify_pdf(path.read_bytes(), trust=trust, now=now())
        assert said.indication is Indication.PASSED, (path.name, said.sentence)
        signatures = [each for each in said.signatures if each.role is not Role.TIMESTAMP]
        assert [(each.field, each.level) for each in signatures] == [("approval", level)]


def test_poppler_openssl_and_qpdf_agree(
    signed: Signed, authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root_pem)
    openssl = OpenSsl(tmp_path, root)
    for (_, level, _), path in signed.items():
        seen, pdf = poppler(path), path.read_bytes()
        assert (seen[0].field, seen[0].validation) == ("approval", POPPLER_VALID), path.name
        assert len(seen) == len(cuts(pdf)) == 1 + (level is Level.B_LTA)
        assert openssl.faults(pdf) == [], path.name
        assert qpdf_faults(path) == "", path.name


def test_the_stamp_stands_on_the_page_and_the_text_is_still_there(signed: Signed) -> None:
    for (_, level, _), path in signed.items():
        text = run("pdftotext", "-f", "2", "-l", "2", path, "-").stdout
        assert "Zoë Elders" in text
        assert f"PAdES {level}" in text
        assert "Paragraph 59: nothing but a sample." in run("pdftotext", path, "-").stdout


def test_a_changed_reason_is_noticed(signed: Signed, authority: DevelopmentAuthority, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    openssl = OpenSsl(tmp_path, tmp_path / "root.pem")
    tested, jested = (f"/Reason <FEFF{ord(letter):04X}".encode() for letter in "TJ")
    for (_, level, _), path in signed.items():
        pdf = path.read_bytes()
        assert pdf.count(tested) == 1
        forged = tmp_path / path.name
        forged.write_bytes(pdf.replace(tested, jested))
        assert qpdf_faults(forged) == ""  # a sound file, only not the one that was signed
        assert poppler(forged)[0].validation == "Digest Mismatch."
        assert len(openssl.faults(forged.read_bytes())) == 1 + (level is Level.B_LTA)
