"""What a certification authority sends: certificates one by one, or in a bundle (PKCS#7), each PEM or DER.

A bundle's order means nothing (RFC 5652, 5.1: a set), and more may be in it than was asked for: whoever reads
it takes what leads from their key's certificate up.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asn1crypto import cms
from cryptography import x509

from certs.errors import UNREADABLE, TrustError
from certs.trust import certificates_in
from disk import read_file

# OpenSSL's `cms` calls the same CMS.
_BUNDLE: Final = re.compile(rb"-----BEGIN (PKCS7|CMS)-----([^-]*)-----END \1-----")
_SEQUENCE: Final = b"\x30"
_SIGNED_DATA: Final = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # RFC 5652, 5.1
_HEAD: Final = 24  # octets: a bundle says what it is behind one tag and its length


def certificates_sent(path: Path) -> list[x509.Certificate]:
    """The certificates of a file, each once; of a folder, those of its certificate files.

    Raises TrustError naming the path.
    """
    return list(dict.fromkeys(_sent(path)))


def _sent(path: Path) -> Iterator[x509.Certificate]:
    content = b"" if path.is_dir() else _content(path)
    is_bundle = content[:1] == _SEQUENCE and _SIGNED_DATA in content[:_HEAD]
    blocks = _BUNDLE.findall(content)
    if not (is_bundle or blocks):
        yield from certificates_in(path)
        return
    try:
        for bundle in [content] if is_bundle else [b64decode(text) for _, text in blocks]:
            yield from _certificates(bundle)
    except UNREADABLE as error:
        raise TrustError(
            f"{path} is no readable bundle of certificates (PKCS#7).", hint="Ask for them as PEM."
        ) from error


def _content(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise TrustError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from error


def _certificates(bundle: bytes) -> Iterator[x509.Certificate]:
    """Those of a bundle in BER: in DER the set would have an order, which most programs do not keep."""
    for choice in cms.ContentInfo.load(bundle)["content"]["certificates"]:
        if choice.name == "certificate":  # others are of no use here, such as attribute certificates
            yield x509.load_der_x509_certificate(choice.chosen.dump())
