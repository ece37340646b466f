"""What every office of the tests reads alike, the packaged definitions and the sample register: once.

Reading and checking them is half of what it takes to open an office, which thousands of tests do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from documents.register import Person, Register
from workflow import definition
from workflow.definition import Catalogue, Definition
from workflow.definition_model import Names

_read: dict[Any, tuple[Definition, ...]] = {}
_registered: dict[bytes, dict[str, Person]] = {}
_load = Register.load


def packaged(names: Names) -> Catalogue:
    """A catalogue of the packaged definitions, which were checked under these names."""
    parts = (names.profiles, names.kinds, names.guards, names.steps)
    known = (*(frozenset(part.items()) for part in parts), names.exhaustive, names.calendars)
    if known not in _read:
        _read[known] = definition.load_folder(names).all
    return Catalogue(_read[known])


def register(path: Path) -> Register:
    """The register in a file, where it can be read; raises as Register.load does."""
    try:
        if not path.is_file():  # a pipe never ends
            return _load(path)
        content = path.read_bytes()
    except OSError:
        return _load(path)
    if content not in _registered:
        _registered[content] = {person.person_id: person for person in _load(path).people()}
    return Register(_registered[content])


@contextmanager
def read_once() -> Iterator[None]:
    """Have every office of this process do so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.office.load_folder", packaged)
        patch.setattr(Register, "load", register)
        yield
