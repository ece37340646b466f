"""The responder's manners towards bytes that nobody sane would send."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from certs.authority import DevelopmentAuthority

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@given(st.data())
def test_a_mangled_request_gets_an_answer_and_never_crashes(
    authority: DevelopmentAuthority, data: st.DataObject
) -> None:
    builder = ocsp.OCSPRequestBuilder().add_certificate(authority.tsa, authority.issuing, SHA256())
    request = builder.add_extension(x509.OCSPNonce(b"n" * 16), critical=False).build()
    mangled = bytearray(request.public_bytes(Encoding.DER))
    for _ in range(data.draw(st.integers(1, 3))):
        mangled[data.draw(st.integers(0, len(mangled) - 1))] = data.draw(st.integers(0, 255))
    answer = ocsp.load_der_ocsp_response(authority.ocsp(bytes(mangled), NOW))
    if answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        own = answer.serial_number == authority.tsa.serial_number
        assert (answer.certificate_status is ocsp.OCSPCertStatus.GOOD) == own
    else:
        assert answer.response_status in {
            ocsp.OCSPResponseStatus.MALFORMED_REQUEST,
            ocsp.OCSPResponseStatus.UNAUTHORIZED,
        }
