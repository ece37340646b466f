"""Open a signer where the organisation's file says its key is."""

from certs.keystore import load_key
from signing.organisation import KeyInFile, KeySource
from signing.signers import Signer, SoftwareSigner


def open_signer(name: str, source: KeySource) -> Signer:
    """Load a key, or find it in its token. Raises KeystoreError, SigningError."""
    if isinstance(source, KeyInFile):
        return SoftwareSigner(load_key(source.key, source.chain, source.passphrase_file))
    raise NotImplementedError(name)
