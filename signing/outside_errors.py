"""Why a file that comes back from outside is not taken in: no signature of ours hangs on it."""

from signing.errors import SigningError


class ForeignSignatureRefusedError(SigningError):
    """The file that came back is not the one that was given out plus the expected signatures.

    `differences` are sentences: what it is instead.
    """

    code = "signing-foreign-refused"

    def __init__(self, differences: tuple[str, ...], *, hint: str) -> None:
        super().__init__(f"The signed file is not accepted: {' '.join(differences)}", hint=hint)
        self.differences = differences


class ScanRefusedError(SigningError):
    """A scan can't be read, or is not whole, or not of a document that waits for one."""

    code = "signing-scan-refused"
