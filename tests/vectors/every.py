"""All vectors by name, and what is known to be wrong about some of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asn1crypto import core

from tests.vectors import attacks, forging, honest, people, saving, shadow, times  # noqa: F401 (they enter theirs)
from tests.vectors.catalogue import NAMES, Maker
from tests.vectors.vector import ENTRIES, Entry, Vector

ENTRIES.update({name: Entry("basic", getattr(Maker, name)) for name in NAMES})
EVERY = dict(sorted(ENTRIES.items()))

# What the verifier says of these is not what it should say. A test counts them: what is right is taken out.
KNOWN_WRONG: dict[str, str] = {}


def make(maker: Maker, name: str) -> Vector:
    """Make one vector."""
    with _definite_lengths():
        return EVERY[name].make(maker)


@contextmanager
def _definite_lengths() -> Iterator[None]:
    """Have asn1crypto 1.5.1 take a length that ends in 0x80 for what it is, not for an indefinite one.

    Else it encodes anew for half a minute (its issues 249 and 256). Only while a vector is made.
    """
    with pytest.MonkeyPatch.context() as patched:
        for kind in (core.Sequence, core.SequenceOf, core.Asn1Value, core.Concat, core.Any):
            patched.setattr(kind, "dump", _patient(kind.dump))
        yield


def _patient(dump: Any) -> Any:
    def dumped(value: Any, force: bool = False) -> bytes:
        header = getattr(value, "_header", None)
        if not force and header is not None and len(header) > 2 and header[-1:] == b"\x80":
            value._header = None
        return bytes(dump(value, force=force))

    return dumped
