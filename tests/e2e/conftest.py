"""What the outside witnesses share: the signed files, made once."""

import pytest

from tests.witness_files import Matrix, made_once, make_matrix, shared_folder


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every document at every level with every kind of key."""
    made = Matrix(shared_folder(tmp_path_factory, "witness-matrix"))
    made_once(made.folder, lambda: make_matrix(made))
    return made
