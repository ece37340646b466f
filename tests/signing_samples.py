"""What the tests of signing share: small PDFs from other hands, and a desk at the development PKI."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from cryptography.x509 import Certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter, copy_into_new_writer
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from reportlab.pdfgen.canvas import Canvas

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from signing.admission import check_may_add_fields
from signing.authorities import TimestampAuthority
from signing.composition import Composer, NewField
from signing.opened import OpenedPdf, box_of
from signing.pades import SigningDesk
from signing.profile import Level, Profile
from signing.signers import SoftwareSigner
from signing.stamp import Appearance

KEY_TYPES = ("RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384", "Ed25519")


def now() -> datetime:
    return datetime.now(UTC)


def plain_pdf(*, pages: int = 2) -> bytes:
    """A PDF without a form, from reportlab."""
    stream = BytesIO()
    canvas = Canvas(stream)
    for page in range(pages):
        canvas.drawString(72, 700, f"Nothing but a sample, page {page + 1}")
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def writer_of(pdf: bytes, *, stream_xrefs: bool = False) -> PdfFileWriter:
    writer = copy_into_new_writer(PdfFileReader(BytesIO(pdf)))
    writer.stream_xrefs = stream_xrefs
    return writer


def written(writer: PdfFileWriter) -> bytes:
    stream = BytesIO()
    writer.write(stream)
    return stream.getvalue()


def form_pdf(
    fields: Sequence[str] = ("employer", "manager"), *, archive: bool = True, stream_xrefs: bool = False
) -> bytes:
    """A PDF whose signature fields pyHanko made beforehand."""
    writer = writer_of(plain_pdf(), stream_xrefs=stream_xrefs)
    for index, name in enumerate(fields):
        box = (50 + index * 250, 60, 280 + index * 250, 140)
        append_signature_field(writer, SigFieldSpec(name, on_page=1, box=box))
    if archive:
        append_signature_field(writer, SigFieldSpec("archive-timestamp", on_page=1))
    return written(writer)


def add_fields(source: bytes, fields: Sequence[NewField]) -> bytes:
    """Signature fields of our own making, in an update."""
    opened = OpenedPdf(source)
    check_may_add_fields(opened)
    composer = Composer(opened)
    for field in fields:
        composer.add_field(field)
    return source + composer.build(None).data


@dataclass(frozen=True)
class SignatureField:
    """A signature field: its page's index, its box in points, whether it holds a value."""

    name: str
    page: int | None
    box: tuple[float, float, float, float]
    signed: bool

    @property
    def visible(self) -> bool:
        return self.box[2] > self.box[0] and self.box[3] > self.box[1]


def signature_fields(pdf: bytes) -> list[SignatureField]:
    opened = OpenedPdf(pdf)
    pages = list(opened.pages())
    found = []
    for name in opened.field_names():
        widget = opened.dictionary(opened.widget_ref(name))
        page = pages.index(widget["/P"]) if "/P" in widget else None
        found.append(SignatureField(name, page, box_of(opened, widget), opened.is_signed(name)))
    return found


def changed_pdf(key: str, value: generic.PdfObject) -> bytes:
    """A PDF with one more entry in its catalog."""
    writer = writer_of(plain_pdf())
    writer.root[generic.NameObject(key)] = value
    return written(writer)


def profile(level: Level, *timestampers: str, **more: object) -> Profile:
    return Profile(
        name="test",
        title="Test",
        kind="person",
        level=level,
        timestampers=timestampers or ("development",),
        reason="Tested",
        **more,  # type: ignore[arg-type]
    )


def appearance(certificate: Certificate, level: Level) -> Appearance:
    return Appearance.of(
        name="Zoë Voorbeeld",
        role="Signer",
        claimed_at=now(),
        level=level,
        certificate=certificate,
    )


@asynccontextmanager
async def open_desk(
    authority: DevelopmentAuthority, *, tsa_url: str = "", timeout_s: float = 10.0
) -> AsyncIterator[SigningDesk]:
    async with SigningDesk.open(
        trust=authority.trust,
        clock=now,
        timestamp_authorities=[TimestampAuthority("development", tsa_url or authority.tsa_url)],
        timeout_s=timeout_s,
    ) as desk:
        yield desk


async def signed(
    desk: SigningDesk,
    credential: Credential,
    level: Level,
    *,
    pdf: bytes | None = None,
    field: str = "employer",
) -> bytes:
    """A PDF signed in one go; the desk reached the level or raised."""
    finished = await desk.sign_document(
        pdf or form_pdf(),
        field=field,
        signer=SoftwareSigner(credential),
        profile=profile(level),
        appearance=appearance(credential.certificate, level),
        claimed_at=now(),
    )
    assert finished.level_reached is level
    return finished.pdf
