"""A signed XML file, read so that nothing in it is used but what its signature covers.

Trusted lists are XML signed in one way: one signature, last child of the root, over the whole file without
itself, and over its own signed properties. Only that form is read. Nothing outside the file is looked at, no
entity is expanded, no transformation runs but those that take the signature out and put the rest into one
canonical form. Sources: ETSI TS 119 612, annex B (the signature of a trusted list); W3C, XML Signature Best
Practices ("see what is signed").
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from certs.errors import UNREADABLE

LARGEST_FILE: Final = 32 * 1024 * 1024  # the largest national list has about 10 MB
_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL: Final = frozenset(
    {_EXCLUSIVE, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11"}
)
_MOST_REFERENCES: Final = 4
_IDS: Final = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_ENCODING: Final = re.compile(r"<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]+)[\"']")
_METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
    }
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


class Unusable(Exception):
    """Why a file is not used: lower case, no full stop."""


def parse(data: bytes) -> Any:
    """The root of an XML file without declarations of its own. Raises Unusable."""
    if len(data) > LARGEST_FILE:
        raise Unusable(f"it is larger than {LARGEST_FILE // 1024 // 1024} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("it is not in UTF-8") from error
    stated = _ENCODING.match(text)
    if stated and stated.group(1).lower() != "utf-8":
        raise Unusable("it is not in UTF-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Unusable("it declares a document type or entities, which no trusted list does")
    try:
        return etree.fromstring(data, parser=_parser())
    except etree.XMLSyntaxError as error:
        raise Unusable(f"it is not well-formed XML ({str(error)[:200]})") from error


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


def signed_content(data: bytes, signers: Sequence[x509.Certificate], *, now: datetime) -> Any:
    """The root of what was signed, by one of `signers` and in the one form that is read.

    Raises Unusable when there is no signature, when it is somebody else's, when it does not hold, or when it
    covers anything else than the whole file.
    """
    root = parse(data)
    signature = _only_signature(root)
    place = _check_form(root, signature)
    signer = _signer(signature, signers)
    if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        raise Unusable("the certificate that signed it is not valid now")
    try:
        results: Any = XMLVerifier().verify(
            data,
            x509_cert=signer,
            parser=_parser(),
            id_attribute="Id",
            expect_config=SignatureConfiguration(
                location="./",
                expect_references=True,
                signature_methods=_METHODS,
                digest_algorithms=_DIGESTS,
                ignore_ambiguous_key_info=True,
                verification_time=now,
            ),
        )
    except Exception as error:
        raise Unusable("its signature does not hold") from error
    return parse(results[place].signed_data)  # what is used is what was hashed, not what was in the file


def _only_signature(root: Any) -> Any:
    found = list(root.iter(f"{_DS}Signature"))
    if not found:
        raise Unusable("it is not signed")
    if len(found) > 1 or found[0].getparent() is not root:
        raise Unusable("its signature does not stand where the one of a list does")
    return found[0]


def _check_form(root: Any, signature: Any) -> int:
    """One reference covers the whole file; any other stays within the signature. Gives the former's place."""
    _check_identifiers(root)
    identifier = root.get("Id")
    whole_file = {"", f"#{identifier}"} if identifier else {""}
    references = signature.findall(f"{_DS}SignedInfo/{_DS}Reference")
    places = [place for place, each in enumerate(references) if each.get("URI") in whole_file]
    if len(places) != 1 or len(references) > _MOST_REFERENCES:
        raise Unusable("its signature covers something else than the whole list")
    if _steps(references[places[0]]) not in [[_ENVELOPED, method] for method in _CANONICAL]:
        raise Unusable("its signature transforms the list before it is hashed")
    for reference in references:
        if reference is not references[places[0]]:
            _check_within(signature, reference)
    if not any(reference.get("Type") == _SIGNED_PROPERTIES for reference in references):
        raise Unusable("its signature does not cover its own properties")
    return places[0]


def _check_identifiers(root: Any) -> None:
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        for name in _IDS:
            value = element.get(name)
            if value is not None and value in seen:
                raise Unusable("it uses an identifier twice")
            if value is not None:
                seen.add(value)


def _check_within(signature: Any, reference: Any) -> None:
    """A reference to the signed properties, or to the certificates in the signature."""
    uri = reference.get("URI") or ""
    inside = [
        each for each in signature.iter(etree.Element) if each.get("Id") and uri == f"#{each.get('Id')}"
    ]
    if len(inside) != 1 or inside[0] is signature:
        raise Unusable("its signature covers something else than the whole list")
    steps = _steps(reference)
    if len(steps) > 1 or any(step not in _CANONICAL for step in steps):
        raise Unusable("its signature transforms its properties before they are hashed")


def _steps(reference: Any) -> list[str | None]:
    return [step.get("Algorithm") for step in reference.findall(f"{_DS}Transforms/{_DS}Transform")]


def _signer(signature: Any, signers: Sequence[x509.Certificate]) -> x509.Certificate:
    """Whichever of the allowed certificates the signature says it was made with."""
    named = [
        _certificate(element.text)
        for element in signature.findall(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")
    ]
    for certificate in named:
        if certificate is not None and certificate in signers:
            return certificate
    raise Unusable("it is signed by nobody who may sign it")


def _certificate(text: str | None) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join((text or "").split()), validate=True))
    except (*UNREADABLE, binascii.Error):
        return None
