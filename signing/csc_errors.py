"""What can go wrong with a remote signing provider: one class a cause.

None repeats what the provider said but the specification's own words: an answer may hold a PIN or a key to
somebody's signature.
"""

from collections.abc import Mapping
from typing import ClassVar

from signing.errors import SignerError


class RemoteError(SignerError):
    """The remote signing provider did not do what was asked.

    `signed` holds what it had signed before, of the same call of `sign_hashes`: digest and value.
    """

    code: ClassVar[str] = "signing-remote"
    impersonal = True
    retryable = False
    signed: Mapping[bytes, bytes] = {}


class RemoteSettingsError(RemoteError):
    """What is set for the remote signing provider can't be used: its address, or a secret."""

    code = "signing-remote-settings"


class RemoteUnavailableError(RemoteError):
    """The remote signing provider can't be reached or gave no answer; it has signed nothing."""

    code = "signing-remote-unavailable"
    retryable = True


class RemoteLimitError(RemoteError):
    """The remote signing provider may not be asked again yet; `after_s` says when."""

    code = "signing-remote-limit"
    retryable = True

    def __init__(self, message: str, *, after_s: float) -> None:
        super().__init__(message, hint="It is asked again by itself when its limit allows.")
        self.after_s = after_s


class RemoteAnswerError(RemoteError):
    """The remote signing provider gave an answer that the specification does not allow."""

    code = "signing-remote-answer"
    retryable = True


class RemoteRefusedError(RemoteError):
    """The remote signing provider refused what was asked, for a reason that has no error of its own."""

    code = "signing-remote-refused"


class RemoteLoginError(RemoteError):
    """The remote signing provider does not let this application in, or no longer knows who has logged in."""

    code = "signing-remote-login"


class RemoteDeniedError(RemoteError):
    """The person did not authorise the signatures, or the answer is to another question than was asked."""

    code = "signing-remote-denied"


class RemotePinError(RemoteError):
    """The PIN of the signer's key is missing, wrong or locked."""

    code = "signing-remote-pin"


class RemoteCodeError(RemoteError):
    """The one-time code of the signer's key is missing, wrong or out of date."""

    code = "signing-remote-code"


class RemoteCredentialError(RemoteError):
    """The remote signing provider has no such key, or it may not be used."""

    code = "signing-remote-credential"


class RemoteCountError(RemoteError):
    """One authorisation does not reach for so many signatures; `most` says for how many, or 0."""

    code = "signing-remote-count"

    def __init__(self, message: str, *, hint: str = "", most: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.most = most


class RemoteAuthorisationError(RemoteError):
    """The person's authorisation has expired, is used up, or is not over what was to be signed."""

    code = "signing-remote-authorisation"


class RemoteUncertainError(RemoteError):
    """The remote signing provider may have signed, and its answer can't be used; `hashes` says over what.

    Asking again could have the key used twice over the same bytes: somebody has to decide it.
    """

    code = "signing-remote-uncertain"

    def __init__(self, message: str, *, hint: str = "", hashes: tuple[bytes, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.hashes = hashes


class RemoteValueError(RemoteUncertainError):
    """The remote signing provider gave a value that does not verify with the signer's certificate."""

    code = "signing-remote-value"
