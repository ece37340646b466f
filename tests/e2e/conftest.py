"""What the outside witnesses share: the signed files, made once."""

from collections.abc import Iterator

import pytest

from certs.authority import DevelopmentAuthority
from signing.csc import CscService
from tests.csc_office import provider_beside
from tests.signers import persons_key
from tests.softhsm import SoftHsm, SoftToken
from tests.witness_files import Matrix, made_once, make_matrix, shared_folder


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Matrix:
    """Every document at every level with every kind of key, and a small one by every kind of signer."""
    made = Matrix(shared_folder(tmp_path_factory, "witness-matrix"))

    def empty_token() -> SoftToken:
        hsm: SoftHsm = request.getfixturevalue("softhsm")
        return hsm.token("matrix")

    made_once(made.folder, lambda: make_matrix(made, empty_token))
    return made


@pytest.fixture(scope="session")
def provider_of_keys(authority: DevelopmentAuthority) -> Iterator[CscService]:
    """A remote provider with keys of the development PKI; an Ed25519 key is one that it can't sign with."""
    keys = {key_type: persons_key(authority, key_type) for key_type in ("P-256", "Ed25519")}
    with provider_beside(authority, keys) as service:
        yield service
