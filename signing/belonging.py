"""Whether what was prepared belongs to this document and signer: looked at before the key is used.

A row of the database is no order to a key. What the key is to sign is worked out again from the document, the
revision and the certificate; a row that says something else is refused.
"""

import hashlib

from certs import der
from certs.der import DerError
from certs.keystore import common_name
from signing.cms import CmsTemplate, template_for
from signing.errors import PreparedMismatchError, SignerError
from signing.placeholder import CONTENTS, RANGE_ROOM
from signing.prepared import Prepared
from signing.signed_data import load_certificate, verify_value
from signing.signers import DIGEST_OIDS, mechanism_for


def require_belongs(source: bytes, prepared: Prepared) -> CmsTemplate:
    """Check what was prepared against its source; returns the signer's template.

    (1) the source is the document prepared; (2) the gap is one /Contents string of zeros in the revision, and
    /ByteRange there covers all the rest; (3) the attributes are those that this digest and certificate give,
    and no others. Raises PreparedMismatchError.
    """
    # (1) one pass over the source does for its digest and for the signature's, where both are SHA-256
    outside = hashlib.sha256(source)
    if outside.hexdigest() != prepared.source_sha256:
        raise _mismatch("The document is not the one that was prepared.", hint="Fetch it by its digest.")
    # (2) the gap
    _require_gap(source, prepared)
    # (3) the attributes
    template = _template(prepared)
    if template.mechanism.digest_algorithm != "sha256":
        outside = hashlib.new(template.mechanism.digest_algorithm, source)
    start, end = prepared.gap.start - len(source), prepared.gap.end - len(source)
    outside.update(prepared.revision[:start])
    outside.update(prepared.revision[end:])
    if template.signed_attributes(outside.digest()) != prepared.signed_attributes:
        raise _mismatch("The attributes to sign are not those of this document and certificate.")
    return template


def require_value(prepared: Prepared, value: bytes) -> None:
    """Check a signature value over the prepared attributes; raises SignerError."""
    certificate = load_certificate(prepared.signer_cert_der)
    mechanism = mechanism_for(certificate, prepared.digest_algorithm)
    digest_oid = der.oid(DIGEST_OIDS[mechanism.digest_algorithm])
    key, algorithm = certificate.public_key(), mechanism.signature_identifier
    try:
        verify_value(key, algorithm, digest_oid, prepared.signed_attributes, value)
    except DerError as error:
        raise SignerError(
            f"The key of {common_name(certificate)} gave a value that does not verify.",
            hint="Sign again; if it stays so, have the signing device looked at.",
        ) from error


def _require_gap(source: bytes, prepared: Prepared) -> None:
    gap, revision = prepared.gap, prepared.revision
    start, end = gap.start - len(source), gap.end - len(source)
    before = b"/ByteRange " + (b"[%d %d %d %d]" % gap.byte_range).ljust(RANGE_ROOM) + CONTENTS
    if (
        gap.length != len(source) + len(revision)
        or not 0 < start < end < len(revision)
        or revision[start:end] != b"<" + b"0" * (end - start - 2) + b">"
        or not revision.endswith(before, 0, start)
    ):
        raise _mismatch("The byte range does not leave out exactly the room for the signature.")


def _template(prepared: Prepared) -> CmsTemplate:
    if prepared.digest_algorithm not in DIGEST_OIDS:
        raise _mismatch(f"{prepared.digest_algorithm!r} is no digest that is signed over here.")
    try:
        certificate = load_certificate(prepared.signer_cert_der)
    except DerError as error:
        raise _mismatch(f"The certificate prepared for can't be read: {error}.") from error
    return template_for(prepared.certificates, mechanism_for(certificate, prepared.digest_algorithm))


def _mismatch(message: str, *, hint: str = "Prepare the signature again.") -> PreparedMismatchError:
    return PreparedMismatchError(message, hint=hint)
