"""The CMS template: what asn1crypto reads in it, and that stock pyHanko makes the same thing."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import cms, keys, x509
from cryptography import x509 as pyca
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.sign import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certs import der
from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from signing.cms import CmsTemplate
from signing.errors import UnsupportedKeyError
from signing.signed_data import SignedData, parse_signed_data, verify_signed_data
from signing.signers import SoftwareSigner, mechanism_for
from tests.signing_samples import KEY_TYPES, now

DOCUMENT = b"the bytes around /Contents"


def template(credential: Credential) -> CmsTemplate:
    path = (credential.cert_der, *(above.public_bytes(Encoding.DER) for above in credential.chain))
    return CmsTemplate(path, mechanism_for(credential.certificate))


def made(credential: Credential) -> bytes:
    ours = template(credential)
    digest = hashlib.new(ours.mechanism.digest_algorithm, DOCUMENT).digest()
    attributes = ours.signed_attributes(digest)
    signer = SoftwareSigner(credential)
    value = asyncio.run(signer.sign(attributes, ours.mechanism.digest_algorithm))
    return ours.content_info(attributes, value, timestamp_token=None)


def stock(credential: Credential, digest_algorithm: str) -> bytes:
    store = SimpleCertificateStore()
    store.register_multiple(
        [x509.Certificate.load(above.public_bytes(Encoding.DER)) for above in credential.chain]
    )
    key = credential.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = SimpleSigner(
        signing_cert=x509.Certificate.load(credential.cert_der),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=store,
    )
    digest = hashlib.new(digest_algorithm, DOCUMENT).digest()
    return asyncio.run(signer.async_sign(digest, digest_algorithm, use_pades=True)).dump()


def comparable(data: bytes) -> dict[str, Any]:
    """Everything in a SignedData but the signature value and the order of the certificates."""
    signed = cms.ContentInfo.load(data, strict=True)["content"]
    info = signed["signer_infos"][0]
    return {
        "version": signed["version"].native,
        "digest_algorithms": [each["algorithm"].native for each in signed["digest_algorithms"]],
        "content": signed["encap_content_info"].native,
        "certificates": {each.chosen.dump() for each in signed["certificates"]},
        "signers": len(signed["signer_infos"]),
        "sid": info["sid"].native,
        "digest": info["digest_algorithm"]["algorithm"].native,
        "mechanism": info["signature_algorithm"]["algorithm"].native,
        "attributes": {each["type"].native: each["values"].native for each in info["signed_attrs"]},
        "unsigned": info["unsigned_attrs"].native,
    }


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_ours_is_what_stock_pyhanko_makes(authority: DevelopmentAuthority, key_type: str) -> None:
    credential = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now())
    ours = made(credential)
    algorithm = template(credential).mechanism.digest_algorithm
    assert comparable(ours) == comparable(stock(credential, algorithm))


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_our_reader_verifies_ours_and_stock(authority: DevelopmentAuthority, key_type: str) -> None:
    credential = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now())
    algorithm = template(credential).mechanism.digest_algorithm
    digest = hashlib.new(algorithm, DOCUMENT).digest()
    for data in (made(credential), stock(credential, algorithm)):
        signed = parse_signed_data(data)
        assert signed.signer_certificate() == credential.cert_der
        verify_signed_data(signed, credential.cert_der, digest)


def test_another_document_or_certificate_does_not_verify(authority: DevelopmentAuthority) -> None:
    credential = authority.person("e-1", "Zoë Voorbeeld", now=now())
    other = authority.person("e-2", "Bram Voorbeeld", now=now())
    signed = parse_signed_data(made(credential))
    digest = hashlib.sha256(DOCUMENT).digest()
    with pytest.raises(der.DerError, match="message digest"):
        verify_signed_data(signed, credential.cert_der, hashlib.sha256(b"another").digest())
    with pytest.raises(der.DerError, match="names another certificate"):
        verify_signed_data(signed, other.cert_der, digest)


def test_every_changed_bit_of_a_cms_object_is_noticed_or_means_nothing(
    authority: DevelopmentAuthority,
) -> None:
    credential = authority.person("e-1", "Zoë Voorbeeld", now=now())
    data, digest = made(credential), hashlib.sha256(DOCUMENT).digest()
    embedded = [(data.index(each), len(each)) for each in parse_signed_data(data).certificates]
    for position in range(0, len(data), 7):
        if any(start <= position < start + size for start, size in embedded):
            continue  # certificates are no part of what is signed: the chain's check looks at them
        changed = bytearray(data)
        changed[position] ^= 1 << (position % 8)
        assert judged(bytes(changed), digest) in (None, parse_signed_data(data))


def judged(data: bytes, digest: bytes) -> SignedData | None:
    """What was read and verified; None when it was refused."""
    try:
        signed = parse_signed_data(data)
        verify_signed_data(signed, signed.signer_certificate(), digest)
    except der.DerError:
        return None
    return signed


def test_the_room_kept_is_enough_for_every_value(authority: DevelopmentAuthority) -> None:
    for key_type in KEY_TYPES:
        credential = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now())
        longest = template(credential).longest(0)
        assert all(longest - 8 <= len(made(credential)) <= longest for _ in range(3))


def test_the_signed_attributes_hold_no_signing_time(authority: DevelopmentAuthority) -> None:
    data = made(authority.person("e-1", "Zoë Voorbeeld", now=now()))
    assert set(comparable(data)["attributes"]) == {
        "content_type",
        "message_digest",
        "signing_certificate_v2",
    }


def test_p384_takes_sha384_and_a_profile_may_ask_for_another(authority: DevelopmentAuthority) -> None:
    def digest(key_type: str, asked: str | None = None) -> str:
        certificate = authority.person("e-1", "Zoë Voorbeeld", key_type=key_type, now=now()).certificate
        return mechanism_for(certificate, asked).digest_algorithm

    assert [digest(each) for each in KEY_TYPES] == [
        "sha256",
        "sha256",
        "sha256",
        "sha256",
        "sha384",
        "sha512",
    ]
    assert digest("RSA-4096", "sha512") == "sha512"
    with pytest.raises(UnsupportedKeyError, match="SHA-512 only"):
        digest("Ed25519", "sha256")


def test_a_key_of_another_curve_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    name = pyca.Name([pyca.NameAttribute(pyca.NameOID.COMMON_NAME, "P-521")])
    builder = pyca.CertificateBuilder(name, name, key.public_key(), pyca.random_serial_number())
    builder = builder.not_valid_before(now()).not_valid_after(now() + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    with pytest.raises(UnsupportedKeyError, match="not supported"):
        mechanism_for(certificate)
