"""Open a signer where the organisation's file says its key is."""

from certs.keystore import load_key
from signing import pkcs11
from signing.organisation import KeyInFile, KeyInToken
from signing.signers import Signer, SoftwareSigner


def open_signer(source: KeyInFile | KeyInToken) -> Signer:
    """Load a key, or find it in its token. Raises KeystoreError, SigningError."""
    if isinstance(source, KeyInFile):
        return SoftwareSigner(load_key(source.key, source.chain, source.passphrase_file))
    return pkcs11.open_signer(source.uri, chain=source.chain, pin_file=source.pin_file)
