"""Whose key signs: kept while it is the right one, and never anybody else's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.keystore import common_name
from certs.loopback import free_base_url
from signing.profile import load_profiles
from workflow.keys import DevelopmentKeys, OrganisationUnknown

PROFILES = load_profiles()
PERSON, SEAL, CLICK = PROFILES["qualified-remote"], PROFILES["organisation-seal"], PROFILES["click-seal"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys(
    folder: Path, clock: Clock, organisation: str | None = "Ministerie van Voorbeelden"
) -> DevelopmentKeys:
    authority = DevelopmentAuthority.open_or_create(folder, now=clock(), base_url=free_base_url())
    return DevelopmentKeys(authority, organisation=organisation, clock=clock)


def test_a_person_signs_with_their_own_key_and_a_seal_or_click_with_the_organisations(
    tmp_path: Path, clock: Clock
) -> None:
    office = keys(tmp_path, clock)
    one = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn")
    other = office.signer(PERSON, person_id="P002", person_name="R. Linde")
    seals = [office.signer(p, person_id="P001", person_name="H. Esdoorn") for p in (SEAL, CLICK)]
    assert "H. Esdoorn" in common_name(one.certificate)
    assert "R. Linde" in common_name(other.certificate)
    assert seals[0] is seals[1]
    assert "Ministerie van Voorbeelden" in common_name(seals[0].certificate)


def test_a_key_is_kept_until_its_certificate_ends_or_the_person_is_called_otherwise(
    tmp_path: Path, clock: Clock
) -> None:
    office = keys(tmp_path, clock)
    first = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn")
    assert office.signer(PERSON, person_id="P001", person_name="H. Esdoorn") is first
    married = office.signer(PERSON, person_id="P001", person_name="H. Linde")
    assert "H. Linde" in common_name(married.certificate)
    clock.now = first.certificate.not_valid_after_utc + timedelta(seconds=1)
    later = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn")
    assert later.certificate.not_valid_after_utc > clock.now


def test_without_an_organisation_only_people_sign(tmp_path: Path, clock: Clock) -> None:
    office = keys(tmp_path, clock, organisation=None)
    with pytest.raises(OrganisationUnknown, match="HR register"):
        office.signer(SEAL, person_id="P001", person_name="H. Esdoorn")
    assert office.signer(PERSON, person_id="P001", person_name="H. Esdoorn")
