"""What can go wrong while signing: one class a cause, each saying whether a later try can help."""

from typing import ClassVar

from problem import Problem


class SigningError(Problem):
    """Base of every error of this package.

    `retryable` is True when the same call may succeed later without anybody changing anything (an authority
    that is down), False when a person has to act first. No error ever leaves a half-signed file behind.
    """

    code: ClassVar[str] = "signing"
    retryable: ClassVar[bool] = False


class ProfileError(SigningError):
    """A signing profile, or signing.toml, can't be used; the message names file, key and the mend."""

    code = "signing-profile"


class UnsupportedKeyError(SigningError):
    """The signer's key is of a kind or size that is not signed with here."""

    code = "signing-unsupported-key"


class CertificateUnusableError(SigningError):
    """The signer's certificate may not sign now: out of its validity, or for other purposes."""

    code = "signing-certificate-unusable"


class CertificateRevokedError(SigningError):
    """The signer's certificate, or one above it, has been revoked."""

    code = "signing-certificate-revoked"


class ChainError(SigningError):
    """A certificate does not lead to a pinned trust anchor."""

    code = "signing-chain"


class RevocationUnavailableError(SigningError):
    """No usable revocation answer could be had; a B-LT signature needs one for each certificate."""

    code = "signing-revocation-unavailable"
    retryable = True


class TimestampError(SigningError):
    """A timestamp authority gave no token that stands the checks.

    `asks_for_s` are the seconds for which it said it wants to be left alone, 0.0 when it said nothing.
    """

    code = "signing-timestamp"
    impersonal = True
    retryable = True

    def __init__(self, message: str, *, hint: str = "", asks_for_s: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.asks_for_s = asks_for_s


class TimestampLimitError(TimestampError):
    """Every timestamp authority that could serve may not be asked again yet; `after_s` says when.

    Nothing has failed: whoever waits and comes back gets their turn.
    """

    code = "signing-timestamp-limit"

    def __init__(self, message: str = "it may not be asked again yet.", *, after_s: float) -> None:
        super().__init__(message, hint="It is asked again by itself when its limit allows.")
        self.after_s = after_s


class TimestampRestError(TimestampLimitError):
    """Every timestamp authority that could serve is left alone for a while after it failed; `after_s` says
    how long.

    Nothing was asked: whoever waits and comes back finds out whether one answers again.
    """

    code = "signing-timestamp-rest"

    def __init__(self, message: str = "it is left alone after it failed.", *, after_s: float) -> None:
        super().__init__(message, after_s=after_s)
        self.hint = "It is asked again by itself; `paraaf check` tells what is wrong, and asks it at once."


class TimestamperUnknownError(SigningError):
    """The profile names a timestamper that is not configured."""

    code = "signing-timestamper-unknown"
    impersonal = True


class DocumentRefusedError(SigningError):
    """The PDF must not, or can't safely, be signed as it is."""

    code = "signing-document-refused"


class FieldError(SigningError):
    """The signature field asked for does not exist, is signed already, or may not be added."""

    code = "signing-field"


class StampError(SigningError):
    """The visible signature can't be drawn as asked."""

    code = "signing-stamp"


class ContentsOverflowError(SigningError):
    """The space kept for the signature is too small; preparing again keeps enough.

    `needed_bytes` is the size of the CMS object that did not fit.
    """

    code = "signing-contents-overflow"
    impersonal = True
    retryable = True

    def __init__(self, message: str, *, needed_bytes: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.needed_bytes = needed_bytes


class PreparedMismatchError(SigningError):
    """What was prepared does not belong to this document, signer or profile."""

    code = "signing-prepared-mismatch"


class SelfCheckError(SigningError):
    """The finished file did not pass our own validation, so it is not handed out."""

    code = "signing-self-check"


class LevelNotReachedError(SelfCheckError):
    """The finished signature is of a lower level than was asked."""

    code = "signing-level-not-reached"


class ArchiveMissingError(SigningError):
    """The file carries no archive timestamp over all of it that could be renewed."""

    code = "signing-archive-missing"


class RenewalPointlessError(SigningError):
    """No timestamp authority's proof would hold longer than the archive timestamp that is there."""

    code = "signing-renewal-pointless"
    impersonal = True


class SignerError(SigningError):
    """The signing device or key refused to sign, or gave a value that does not verify."""

    code = "signing-signer"
    retryable = True


class TokenUnavailableError(SignerError):
    """The token that holds the key is not there, or does not answer as it should."""

    code = "signing-token-unavailable"


class KeyAddressError(SigningError):
    """The URI that says in which token a key is can't be used."""

    code = "signing-key-address"


class TokenError(SigningError):
    """A token's module, key or certificate is not there, or there are several; the message says which."""

    code = "signing-token"


class ExtractableKeyError(TokenError):
    """The key can be read out of its token, so whoever has its value may have it from anywhere."""

    code = "signing-key-extractable"


class TokenPinError(SigningError):
    """A token's PIN is missing, wrong or locked; a wrong one is not tried again."""

    code = "signing-token-pin"
