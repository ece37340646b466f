"""What the tests share: one development PKI a session, and its server on loopback."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer

# A loaded machine makes an example slow, not wrong.
settings.register_profile("paraaf", deadline=None)
settings.load_profile("paraaf")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentAuthority:
    """A development PKI in a folder of its own; don't revoke what others use: revoke what you issued."""
    folder = tmp_path_factory.mktemp("pki") / "authority"
    # An hour ago: a test module's own NOW was taken when it was collected, before this runs.
    made_at = datetime.now(UTC) - timedelta(hours=1)
    return DevelopmentAuthority.create(folder, base_url=free_base_url(), now=made_at)


@pytest.fixture(scope="session")
def authority_server(authority: DevelopmentAuthority) -> Iterator[AuthorityServer]:
    """The session's development PKI, answering at the addresses in its certificates."""
    with AuthorityServer(authority.folder) as server:
        yield server
