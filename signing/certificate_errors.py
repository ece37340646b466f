"""What can go wrong with asking for certificates, and taking them in: no signature hangs on it."""

from signing.errors import SigningError


class KeyThereError(SigningError):
    """A key of this name is there already, and no key is ever overwritten."""

    code = "signing-key-there"


class CertificateRequestError(SigningError):
    """A certificate can't be asked for in this way; the message says what is wrong."""

    code = "signing-certificate-request"


class RequestMissingError(SigningError):
    """No key waits for a certificate under this name."""

    code = "signing-request-missing"


class CertificateForeignError(SigningError):
    """None of the certificates was issued for the key that waits for one."""

    code = "signing-certificate-foreign"
