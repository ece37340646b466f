"""Files signed by somebody else's software: stock pyHanko, with the development PKI asked in this process.

What our own signer writes is one way of doing it; a verifier meets all the others.
"""

import asyncio
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import keys, tsp
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from pyhanko.sign.signers.pdf_signer import DSSContentSettings
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas

from certs.authority import DevelopmentAuthority
from certs.authority_timestamps import StampMaker
from certs.keystore import Credential


def plain_pdf(
    text: str = "The employee earns 4,000 euro a month.",
    *,
    pages: int = 1,
    form: bool = False,
    fields: Sequence[str] = ("remark",),
) -> bytes:
    """A small unsigned PDF; with `form`, it has text fields of these names."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True, pageCompression=0)
    for page in range(pages):
        canvas.drawString(72, 720, f"{text} ({page + 1})")
        for place, name in enumerate(fields if form and page == 0 else ()):
            canvas.acroForm.textfield(name=name, x=72, y=600 - 50 * place, width=300, height=24, value="none")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def with_fields(pdf: bytes, *specs: SigFieldSpec) -> bytes:
    """The PDF with empty signature fields, in an incremental update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    for spec in specs:
        fields.append_signature_field(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class InProcessTimeStamper(timestamps.TimeStamper):
    """Asks the development TSA without a network; `spoil` may change the answer."""

    def __init__(
        self,
        authority: DevelopmentAuthority,
        clock: Callable[[], datetime],
        spoil: Callable[[tsp.TimeStampReq], tsp.TimeStampReq] | None = None,
        stamper: Credential | None = None,
    ) -> None:
        super().__init__()
        self._clock, self._spoil = clock, spoil
        self._maker = _stamp_maker(authority, stamper) if stamper else authority.stamp_maker

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        asked = self._spoil(req) if self._spoil else req
        return tsp.TimeStampResp.load(self._maker.respond(asked.dump(), self._clock()))


def _stamp_maker(authority: DevelopmentAuthority, stamper: Credential) -> StampMaker:
    key = stamper.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return StampMaker(key, stamper.certificate, stamper.chain[:1])


def ocsp_answer(authority: DevelopmentAuthority, certificate: x509.Certificate, now: datetime) -> bytes:
    """The development responder's answer about a certificate of its issuing CA."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, authority.issuing, hashes.SHA256())
    return authority.ocsp(builder.build().public_bytes(Encoding.DER), now)


@dataclass(frozen=True)
class Stock:
    """Signs with stock pyHanko at a fixed time."""

    authority: DevelopmentAuthority
    now: datetime

    def signer(self, credential: Credential, *, pss: bool = False) -> signers.SimpleSigner:
        key = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return signers.SimpleSigner(
            signing_cert=_asn1(credential.certificate),
            signing_key=keys.PrivateKeyInfo.load(key),
            cert_registry=SimpleCertificateStore.from_certs([_asn1(link) for link in credential.chain]),
            prefer_pss=pss,
        )

    def timestamper(
        self,
        spoil: Callable[[tsp.TimeStampReq], tsp.TimeStampReq] | None = None,
        stamper: Credential | None = None,
    ) -> InProcessTimeStamper:
        return InProcessTimeStamper(self.authority, lambda: self.now, spoil, stamper)

    def context(self, credential: Credential) -> ValidationContext:
        answers = [
            ocsp_answer(self.authority, cert, self.now)
            for cert in (credential.certificate, self.authority.tsa)
        ]
        return ValidationContext(
            trust_roots=[_asn1(self.authority.root)],
            other_certs=[_asn1(self.authority.issuing)],
            ocsps=[asn1_ocsp.OCSPResponse.load(answer) for answer in answers],
            crls=[CertificateList.load(self.authority.crl("root", self.now))],
            moment=self.now,
            allow_fetching=False,
            revocation_mode="require",
        )

    def sign(
        self,
        pdf: bytes,
        credential: Credential,
        *,
        level: str = "B-B",
        field: str = "employer",
        subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES,
        certify: MDPPerm | None = None,
        spoil: Callable[[tsp.TimeStampReq], tsp.TimeStampReq] | None = None,
        box: tuple[int, int, int, int] | None = None,
        reason: str | None = None,
        change: Callable[[IncrementalPdfFileWriter], None] | None = None,
        strict: bool = True,
        type_name: str | None = None,
        tool_stamps: bool = True,
        stamper: Credential | None = None,
        digest: str = "sha256",
        pss: bool = False,
        lock: FieldMDPSpec | None = None,
        vri: bool = True,
        signer: signers.SimpleSigner | None = None,
    ) -> bytes:
        """Sign `field` (added when missing; visible with `box`) and return the whole file.

        `type_name` replaces the signature's /Type; without `tool_stamps` no metadata are written anew;
        `stamper` is another timestamp authority; `lock` names the fields that the signature locks.
        """
        archive = level in ("B-LT", "B-LTA")
        metadata = signers.PdfSignatureMetadata(
            field_name=field,
            md_algorithm=digest,
            subfilter=subfilter,
            embed_validation_info=archive,
            use_pades_lta=level == "B-LTA",
            validation_context=self.context(credential) if archive else None,
            certify=certify is not None,
            docmdp_permissions=certify or MDPPerm.FILL_FORMS,
            reason=reason,
            dss_settings=DSSContentSettings(include_vri=vri),
        )
        spec = SigFieldSpec(field, box=box, field_mdp_spec=lock) if box or lock else None
        pdf_signer = signers.PdfSigner(
            metadata,
            signer or self.signer(credential, pss=pss),
            timestamper=None if level == "B-B" else self.timestamper(spoil, stamper),
            new_field_spec=spec,
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=strict)
        if change is not None:
            change(writer)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(PdfSignedData, "__init__", _claiming(self.now, type_name))
            if not tool_stamps:
                patched.setattr(writer, "_update_meta", lambda: None)
            return asyncio.run(pdf_signer.async_sign_pdf(writer)).getvalue()

    def remember(self, pdf: bytes, certificate: x509.Certificate, *, forged: bool = False) -> bytes:
        """Add the revocation answer about a certificate to the file's validation data."""
        der = ocsp_answer(self.authority, certificate, self.now)
        if forged:
            signature = ocsp.load_der_ocsp_response(der).signature
            der = der.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1]))
        return remembered(pdf, certificates=[certificate], answers=[der])

    def remember_lists(self, pdf: bytes) -> bytes:
        """Add the root's revocation list to the file's validation data."""
        return remembered(pdf, lists=[self.authority.crl("root", self.now)])

    def stamp(
        self,
        pdf: bytes,
        *,
        type_name: str = "/DocTimeStamp",
        stamper: Credential | None = None,
        field: str | None = None,
        change: Callable[[IncrementalPdfFileWriter], None] | None = None,
        spoil: Callable[[tsp.TimeStampReq], tsp.TimeStampReq] | None = None,
    ) -> bytes:
        """Add a document timestamp, typed as told, and nothing behind it."""
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        embedding = PdfCMSEmbedder().write_cms(field or f"stamp-{len(pdf)}", writer)
        next(embedding)
        placeholder = PdfSignedData(
            pdf_name(type_name), subfilter=SigSeedSubFilter.ETSI_RFC3161, bytes_reserved=5120
        )
        embedding.send(SigObjSetup(placeholder))
        if change is not None:
            change(writer)
        digest, output = embedding.send(SigIOSetup("sha256"))
        timestamper = self.timestamper(spoil, stamper)
        token = asyncio.run(timestamper.async_timestamp(digest.document_digest, "sha256"))
        embedding.send(token)
        return output.getvalue()


def _claiming(moment: datetime, type_name: str | None) -> Callable[..., None]:
    original = PdfSignedData.__init__

    def made(self: PdfSignedData, *arguments: Any, **more: Any) -> None:
        told = {**more, "timestamp": moment} if more.get("timestamp") else more
        original(self, **({**told, "obj_type": pdf_name(type_name)} if type_name else told))
        assert not arguments

    return made


def self_signed(like: Credential, now: datetime) -> Credential:
    """A credential that bears another's name and vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(like.certificate.subject)
        .issuer_name(like.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=300))
        .add_extension(_key_usage(like), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Credential(name="stranger", certificate=certificate, chain=(), private_key=key)


def _key_usage(like: Credential) -> x509.KeyUsage:
    return like.certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def update(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], object]) -> bytes:
    """An incremental update that does whatever it is told to: the attacker's pen."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def remembered(
    pdf: bytes,
    *,
    certificates: Sequence[x509.Certificate] = (),
    answers: Sequence[bytes] = (),
    lists: Sequence[bytes] = (),
) -> bytes:
    """Add certificates, OCSP answers and revocation lists to the file's validation data."""
    return update(
        pdf,
        lambda writer: DocumentSecurityStore.supply_dss_in_writer(
            writer,
            None,
            certs=[_asn1(certificate) for certificate in certificates],
            ocsps=[asn1_ocsp.OCSPResponse.load(answer) for answer in answers],
            crls=[CertificateList.load(crl) for crl in lists],
        ),
    )


def levels() -> Sequence[str]:
    """The PAdES baseline levels."""
    return ("B-B", "B-T", "B-LT", "B-LTA")
