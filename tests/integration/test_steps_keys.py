"""Whose key signs: kept while it is the right one, and never anybody else's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.keystore import common_name
from certs.loopback import free_base_url
from signing.profile import packaged_profiles
from workflow.keys import DevelopmentKeys, EmployerUnknown, OrganisationUnknown

PROFILES = packaged_profiles()
PERSON, SEAL, CLICK = PROFILES["qualified-remote"], PROFILES["organisation-seal"], PROFILES["click-seal"]


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


OURS, OTHERS = "Ministerie van Voorbeelden", "Gemeente Elders"


def keys(folder: Path, clock: Clock, *organisations: str) -> DevelopmentKeys:
    authority = DevelopmentAuthority.open_or_create(folder, now=clock(), base_url=free_base_url())
    return DevelopmentKeys(authority, organisations=organisations, clock=clock)


def test_a_person_signs_with_their_own_key_and_a_seal_or_click_with_the_organisations(
    tmp_path: Path, clock: Clock
) -> None:
    office = keys(tmp_path, clock, OURS)
    one = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn", organisation=OURS)
    other = office.signer(PERSON, person_id="P002", person_name="R. Linde", organisation=OURS)
    seals = [
        office.signer(p, person_id="P001", person_name="H. Esdoorn", organisation=OURS) for p in (SEAL, CLICK)
    ]
    assert "H. Esdoorn" in common_name(one.certificate)
    assert "R. Linde" in common_name(other.certificate)
    assert seals[0] is seals[1]
    assert "Ministerie van Voorbeelden" in common_name(seals[0].certificate)


def test_a_key_is_kept_until_its_certificate_ends_or_the_person_is_called_otherwise(
    tmp_path: Path, clock: Clock
) -> None:
    office = keys(tmp_path, clock, OURS)
    first = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn", organisation=OURS)
    assert office.signer(PERSON, person_id="P001", person_name="H. Esdoorn", organisation=OURS) is first
    married = office.signer(PERSON, person_id="P001", person_name="H. Linde", organisation=OURS)
    assert "H. Linde" in common_name(married.certificate)
    clock.now = first.certificate.not_valid_after_utc + timedelta(seconds=1)
    later = office.signer(PERSON, person_id="P001", person_name="H. Esdoorn", organisation=OURS)
    assert later.certificate.not_valid_after_utc > clock.now


def test_without_an_organisation_only_people_sign(tmp_path: Path, clock: Clock) -> None:
    office = keys(tmp_path, clock)
    with pytest.raises(OrganisationUnknown, match="HR register"):
        office.signer(SEAL, person_id="P001", person_name="H. Esdoorn", organisation=OURS)
    assert office.signer(PERSON, person_id="P001", person_name="H. Esdoorn", organisation=OURS)


def test_each_organisation_has_a_seal_of_its_own_and_nobody_elses_is_made(
    tmp_path: Path, clock: Clock
) -> None:
    office = keys(tmp_path, clock, OURS, OTHERS)
    seals = {
        name: office.signer(SEAL, person_id="P001", person_name="H. Esdoorn", organisation=name)
        for name in (OURS, OTHERS, OTHERS.upper())
    }
    assert OURS in common_name(seals[OURS].certificate)
    assert OTHERS in common_name(seals[OTHERS].certificate)
    assert seals[OTHERS.upper()] is seals[OTHERS]
    with pytest.raises(EmployerUnknown):
        office.signer(SEAL, person_id="P001", person_name="H. Esdoorn", organisation="Bakkerij Nergens")
    with pytest.raises(OrganisationUnknown):
        office.signer(SEAL, person_id="P001", person_name="H. Esdoorn", organisation=None)
