"""A remote signing provider as the organisation's file has it."""

from signing.csc import CscService
from signing.organisation import KeysAtProvider
from signing.secret import secret_from_file


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
