"""The rows of signatures in the making, on a real database: what holds when tries meet."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from signing.placeholder import Gap
from signing.prepared import Prepared
from signing.profile import Level, packaged_profiles
from tests.databases import Database, add_lone_document, intruder
from workflow import intents
from workflow.intents import Intent
from workflow.store import Store
from workflow.tables import SignatureRow

PLACE = (1, "employer")


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    store = Store.open(tmp_path, database.environ)
    with store.write() as session:
        add_lone_document(session)
    yield store
    store.close()


def prepared(attributes: bytes = b"attributes", *, level: Level = Level.B_LT, source: str = "0") -> Prepared:
    return Prepared(
        source_sha256=source * 64,
        field="employer",
        level=level,
        revision=b"revision",
        gap=Gap(10, 20, 30),
        signed_attributes=attributes,
        digest_algorithm="sha256",
        certificates=(b"leaf", b"root"),
    )


def intent(attributes: bytes = b"attributes", *, signer: str = "P001", certificate: str = "c1") -> Intent:
    return Intent(PLACE, "approver", "person", signer, certificate, prepared(attributes))


def kept(store: Store) -> Intent:
    with store.read() as session:
        found = intents.recall(session, [PLACE])[PLACE]
    assert isinstance(found, Intent)
    return found


def keep(store: Store, wanted: Intent) -> Intent:
    with store.write() as session:
        (held,) = intents.keep(session, [wanted])
    assert isinstance(held, Intent)
    return held


def sign(store: Store, signed: Intent, value: bytes) -> Intent | None:
    with store.write() as session:
        return intents.keep_values(session, [replace(signed, value=value)])[0]


def test_an_intent_comes_back_as_it_was_kept(store: Store) -> None:
    assert keep(store, intent()) == kept(store) == replace(intent(), attempts=1)


def test_the_same_wish_keeps_the_first_attributes_and_counts_the_tries(store: Store) -> None:
    keep(store, intent(b"first"))
    held = keep(store, intent(b"second"))
    assert (held.prepared.signed_attributes, held.attempts) == (b"first", 2)
    assert kept(store) == held


@pytest.mark.parametrize(
    "other",
    [
        intent(b"second", signer="P002"),
        intent(b"second", certificate="c2"),
        replace(intent(b"second"), profile="organisation-seal"),
        replace(intent(), prepared=prepared(b"second", level=Level.B_LTA)),
        replace(intent(), prepared=prepared(b"second", source="1")),
    ],
)
def test_another_wish_takes_the_place_of_one_without_a_value_and_of_none_with_one(
    store: Store, other: Intent
) -> None:
    first = keep(store, intent(b"first"))
    assert keep(store, other).prepared.signed_attributes == b"second"
    assert sign(store, first, b"late") is None  # its row is gone: the value is nobody's
    assert kept(store).value is None
    second = kept(store)
    assert sign(store, second, b"value") == replace(second, value=b"value")
    assert keep(store, first) == replace(second, value=b"value")
    assert kept(store).value == b"value"


def test_a_value_does_not_get_into_a_row_that_was_prepared_anew_for_the_same_signer(store: Store) -> None:
    """One signer, another, the first again: a worker that slept through it all holds the old attributes."""
    old = keep(store, intent(b"old"))
    keep(store, intent(b"between", signer="P002"))
    keep(store, intent(b"new"))
    assert sign(store, old, b"over the old ones") is None
    assert kept(store).value is None


def test_of_two_values_over_the_same_attributes_the_first_is_the_only_one(store: Store) -> None:
    held = keep(store, intent())
    assert sign(store, held, b"one") == replace(held, value=b"one")
    assert sign(store, held, b"other") == replace(held, value=b"one")
    assert kept(store).value == b"one"


def test_an_unreadable_row_counts_as_none_until_it_has_a_value(store: Store) -> None:
    keep(store, intent(b"first"))
    spoil(store)
    held = keep(store, intent(b"second"))
    assert (held.prepared.signed_attributes, held.attempts) == (b"second", 1)
    assert sign(store, held, b"value")
    spoil(store)
    with store.write() as session:
        (there,) = intents.keep(session, [intent(b"third")])
    assert not isinstance(there, Intent)
    with store.read() as session:
        assert session.scalars(select(SignatureRow.value)).all() == [b"value"]


def spoil(store: Store) -> None:
    with intruder(store, guarded=False) as other:
        other.execute("UPDATE signatures SET prepared = '{}'")


def test_what_fits_is_the_same_signer_key_document_and_level() -> None:
    profile = packaged_profiles()["approver"]
    wish = {"signer_id": "P001", "certificate_sha256": "c1", "source_sha256": "0" * 64}
    assert intent().fits(profile=profile, **wish)
    assert not intent().fits(profile=replace(profile, level=Level.B_LTA), **wish)
    assert not intent().fits(profile=replace(profile, name="other"), **wish)
    for name in wish:
        assert not intent().fits(profile=profile, **(wish | {name: "other"}))
