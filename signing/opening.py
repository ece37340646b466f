"""Open a signer where the organisation's file says its key is."""

from certs.keystore import load_key
from signing.csc_door import CscService
from signing.organisation import KeyInFile, KeysAtProvider, KeySource
from signing.secret import secret_from_file
from signing.signers import Signer, SoftwareSigner


def open_signer(name: str, source: KeySource) -> Signer:
    """Load a key, or find it in its token. Raises KeystoreError, SigningError."""
    if isinstance(source, KeyInFile):
        return SoftwareSigner(load_key(source.key, source.chain, source.passphrase_file))
    raise NotImplementedError(name)


def service_of(name: str, source: KeysAtProvider) -> CscService:
    """The provider as it is asked, with its secret. Raises RemoteSettingsError."""
    return CscService(
        name,
        source.url,
        source.client_id,
        secret_from_file(source.client_secret_file),
        oauth_url=source.oauth_url,
        hashes_a_call=source.hashes_a_call,
    )
