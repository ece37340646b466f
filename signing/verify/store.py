"""The document security store that updates write: certificates, revocation answers and tokens, in DER.

Nobody signs the newest one and nothing of it shows, so it could carry anything under another's signature: a
page's content, or an object for programs that search for one. Source: ISO 32000-2, 12.8.4.3.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from asn1crypto import cms, ocsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from certs.der import DerError, node
from signing.verify.pdfvalues import value_of
from signing.verify.precedents import Recalled

Load = Callable[[bytes], Any]


class StoreError(ValueError):
    """Something in the store that isn't validation data; the message says where."""


def _load(kind: Any) -> Load:
    def load(der: bytes) -> Any:
        return kind.load(der, strict=True).native  # forces it to be parsed to the bottom

    return load


_CERTIFICATE, _LIST, _ANSWER = map(_load, (asn1_x509.Certificate, CertificateList, ocsp.OCSPResponse))
_TOKEN = _load(cms.ContentInfo)
IN_STORE = {"/Certs": _CERTIFICATE, "/CRLs": _LIST, "/OCSPs": _ANSWER}
_IN_VRI = {"/Cert": _CERTIFICATE, "/CRL": _LIST, "/OCSP": _ANSWER}
_STREAM_KEYS = frozenset({"/Length", "/Filter", "/Type"})
# What was loaded to the bottom before, by its digest: the same certificates are in file after file.
_LOADED: Recalled[bool] = Recalled(4096)


def check_store(resolver: HistoricalResolver, written: set[tuple[int, int]]) -> None:
    """Raise StoreError unless the store holds validation data only, as far as it was `written` now."""
    store = value_of(resolver.root, "/DSS")
    if store is None:
        return
    _check_keys(store, {*IN_STORE, "/VRI", "/Type"}, "/DSS")
    streams = [*_streams(store, IN_STORE, "/DSS")]
    related = value_of(store, "/VRI")
    if related is not None:
        _check_keys(related, None, "/VRI")
        for name in related:
            entry = value_of(related, name)
            _check_keys(entry, {*_IN_VRI, "/TU", "/TS", "/Type"}, f"/VRI{name}")
            streams += _streams(entry, _IN_VRI, f"/VRI{name}")
            if "/TS" in entry:
                streams.append((f"/VRI{name}/TS", entry.raw_get("/TS"), _TOKEN))
    for where, reference, load in streams:
        key = (reference.idnum, reference.generation) if _is_reference(reference) else None
        if key is None or key in written:
            _check_stream(where, reference.get_object() if key else None, load)


def _is_reference(value: Any) -> bool:
    return isinstance(value, generic.IndirectObject)


def _check_keys(dictionary: Any, known: set[str] | None, where: str) -> None:
    if type(dictionary) is not generic.DictionaryObject:
        raise StoreError(f"{where} is no dictionary")
    if known is not None and not dictionary.keys() <= known:
        raise StoreError(f"{where} has unexpected entries {sorted(dictionary.keys() - known)[:10]}")


def _streams(dictionary: Any, kinds: dict[str, Load], where: str) -> Iterator[tuple[str, Any, Load]]:
    for key, load in kinds.items():
        found = value_of(dictionary, key)
        if found is None:
            continue
        if not isinstance(found, generic.ArrayObject):
            raise StoreError(f"{where}{key} is no list")
        for each in list.__iter__(found):
            yield f"{where}{key}", each, load


def _check_stream(where: str, stream: Any, load: Load) -> None:
    if not isinstance(stream, generic.StreamObject) or not stream.keys() <= _STREAM_KEYS:
        raise StoreError(f"{where} holds something that is no plain stream")
    data = stream.data
    key = (load, sha256(data).digest())
    if _LOADED.get(key):
        return
    try:
        if node(data).end != len(data):
            raise StoreError(f"{where} holds more than validation data")
        load(data)
    except (DerError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{where} holds something that is no validation data: {error}") from error
    _LOADED.put(key, found=True)
