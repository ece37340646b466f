"""The same file and key through stock pyHanko and through ours: the same structures come out."""

import asyncio
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession
from asn1crypto import keys, ocsp, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.serve_authority import AuthorityServer
from signing.profile import Level
from tests.signing_samples import form_pdf, now, open_desk, signed

CASES = [(level, key_type) for level in Level for key_type in ("RSA-2048", "P-256", "P-384", "Ed25519")]


def loaded(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


async def stock(
    authority: DevelopmentAuthority, credential: Credential, level: Level, pdf: bytes, digest: str
) -> bytes:
    store = SimpleCertificateStore()
    store.register_multiple([loaded(above) for above in credential.chain])
    key = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    async with ClientSession() as session:
        context = ValidationContext(
            trust_roots=[loaded(authority.root)],
            allow_fetching=True,
            revocation_mode="hard-fail",
            fetcher_backend=AIOHttpFetcherBackend(session),
        )
        long_term = level.reaches(Level.B_LT)
        signer = PdfSigner(
            PdfSignatureMetadata(
                field_name="employer",
                subfilter=SigSeedSubFilter.PADES,
                md_algorithm=digest,
                embed_validation_info=long_term,
                use_pades_lta=level is Level.B_LTA,
                validation_context=context if long_term else None,
            ),
            signer=SimpleSigner(
                signing_cert=loaded(credential.certificate),
                signing_key=keys.PrivateKeyInfo.load(key),
                cert_registry=store,
            ),
            timestamper=HTTPTimeStamper(authority.tsa_url, session=session)
            if level.reaches(Level.B_T)
            else None,
        )
        out = await signer.async_sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf)))
        return bytes(out.getvalue())


def pair(authority: DevelopmentAuthority, level: Level, key_type: str) -> tuple[bytes, bytes]:
    credential = authority.person("e-12", "Zoë Voorbeeld", key_type=key_type, now=now())
    digest = {"P-384": "sha384", "Ed25519": "sha512"}.get(key_type, "sha256")
    source = form_pdf(archive=False)

    async def both() -> tuple[bytes, bytes]:
        async with open_desk(authority) as desk:
            ours = await signed(desk, credential, level, pdf=source)
        return ours, await stock(authority, credential, level, source, digest)

    return asyncio.run(both())


def structure(pdf: bytes) -> dict[str, Any]:
    """What both must agree on: dictionaries, attributes, embedded certificates, validation data."""
    reader = PdfFileReader(BytesIO(pdf))
    signature = reader.embedded_regular_signatures[0]
    info = signature.signer_info
    found: dict[str, Any] = {
        "subfilter": str(signature.sig_object["/SubFilter"]),
        "filter": str(signature.sig_object["/Filter"]),
        "has time": "/M" in signature.sig_object,
        "signed": {each["type"].native for each in info["signed_attrs"]},
        "unsigned": {each["type"].native for each in info["unsigned_attrs"] or ()},
        "mechanism": info["signature_algorithm"]["algorithm"].native,
        "digest": info["digest_algorithm"]["algorithm"].native,
        "certificates": {each.chosen.dump() for each in signature.signed_data["certificates"]},
        "timestamps": [str(each.sig_object["/SubFilter"]) for each in reader.embedded_timestamp_signatures],
        "flags": int(reader.root["/AcroForm"]["/SigFlags"]),
    }
    if "/DSS" in reader.root:
        store = DocumentSecurityStore.read_dss(reader)
        found["dss certificates"] = {each.dump() for each in store.load_certs()}
        found["dss ocsp"] = sorted(
            single["cert_id"]["serial_number"].native
            for each in store.ocsps
            for single in ocsp.OCSPResponse.load(bytes(each.get_object().data)).response_data["responses"]
        )
        found["dss crls"] = len(store.crls)
    return found


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_the_structures_are_the_same(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level, key_type: str
) -> None:
    ours, theirs = pair(authority, level, key_type)
    assert structure(ours) == structure(theirs)


async def verdict(signature: EmbeddedPdfSignature, root: x509.Certificate) -> tuple[bool, bool, bool]:
    context = ValidationContext(trust_roots=[root])
    status = await async_validate_pdf_signature(signature, context, context)
    stamped = status.timestamp_validity
    return status.bottom_line, status.docmdp_ok is True, stamped is not None and stamped.trusted


@pytest.mark.parametrize("level", list(Level))
def test_pyhanko_says_the_same_of_both(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level
) -> None:
    ours, theirs = pair(authority, level, "P-256")
    root = loaded(authority.root)
    said = []
    for pdf in (ours, theirs):
        reader = PdfFileReader(BytesIO(pdf))
        archives = [
            asyncio.run(async_validate_pdf_timestamp(each, ValidationContext(trust_roots=[root])))
            for each in reader.embedded_timestamp_signatures
        ]
        said.append(
            (
                asyncio.run(verdict(reader.embedded_regular_signatures[0], root)),
                [(each.valid, each.trusted) for each in archives],
            )
        )
    assert said[0] == said[1]
    assert said[0][0][:2] == (True, True)
    assert said[0][0][2] == level.reaches(Level.B_T)
