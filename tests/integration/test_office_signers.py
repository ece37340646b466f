"""An office whose `signing.toml` names its own keys: they sign, one takes over, or nobody does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from signing.verify.verdict import verify_pdf
from tests.own_signers import own_key
from tests.steps_office import KeyedOffice, Sample
from workflow.errors import SettingRefused
from workflow.keys import SignerMissing
from workflow.office import Office

DAY = timedelta(days=1)
PROFILE = """
[profiles.organisation-seal]
kind = "seal"
level = "B-LTA"
timestampers = ["development"]
"""


@contextmanager
def office(folder: Path, signing: str) -> Iterator[Sample]:
    (folder / "signing.toml").write_text(f'trust = ["trust"]\n{signing}')
    sample = Sample.open(folder)
    try:
        with AuthorityServer(sample.office.authority.folder):
            yield sample
    finally:
        sample.office.close()


def seals_of(office: Office) -> list[str]:
    profile = office.profiles["organisation-seal"]
    keys = office.keys()
    names = [
        keys.signer(profile, person_id="", person_name="", organisation=each) for each in office.employers
    ]
    return [one.certificate.subject.rfc4514_string() for one in names]


@pytest.mark.usefixtures("authority_server")
def test_a_declaration_is_sealed_with_the_key_of_the_organisations_file(
    tmp_path: Path, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC)
    key = own_key(
        tmp_path, authority, "hers", begins=now - DAY / 48, ends=now + 90 * DAY, key_type="RSA-2048"
    )
    with office(tmp_path, f'{key}{PROFILE}signer = "hers"\n') as sample:
        number = sample.submit("A4")
        asyncio.run(sample.run_until("delivered", number))
        document = sample.documents(number)[-1]
        pdf = sample.office.blobs.get(document.current_sha256)
        sample.require_sound([number])
        report = verify_pdf(pdf, trust=sample.office.trust, now=datetime.now(UTC))
    assert (report.verdict, report.indication) == ("authentic", "TOTAL-PASSED")
    assert document.level_reached == "B-LTA"
    signer = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures[0].signer_cert
    assert "Seal hers" in signer.subject.native["common_name"]


def test_the_next_key_takes_over_when_the_first_ends(tmp_path: Path, authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC)
    first = own_key(tmp_path, authority, "first", begins=now - DAY, ends=now + 10 * DAY)
    spare = own_key(tmp_path, authority, "spare", begins=now - DAY / 24, ends=now + 20 * DAY)
    with office(tmp_path, f'{first}{spare}{PROFILE}signer = ["first", "spare"]\n') as sample:
        told = []
        for later in (DAY, 11 * DAY, 30 * DAY):
            moved = replace(sample.office, clock=lambda later=later: now + later)  # type: ignore[misc]
            assert isinstance(moved, KeyedOffice)
            told.append([name.partition("Seal ")[2].partition(" ")[0] for name in seals_of(moved)])
    assert told == [["first"], ["spare"], ["spare"]]


def test_whom_the_profile_names_no_signer_for_gets_no_development_key(
    tmp_path: Path, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC)
    key = own_key(tmp_path, authority, "hers", begins=now, ends=now + DAY)
    signer = 'signer = { "Gemeente Elders" = "hers" }'
    with office(tmp_path, f"{key}{PROFILE}{signer}\n") as sample:
        with pytest.raises(SignerMissing, match="organisation-seal"):
            seals_of(sample.office)
        number = sample.submit("A4")
        asyncio.run(sample.run_until("sealing", number))
        asyncio.run(sample.work())
        assert [each.code for each in sample.incidents(number)] == ["workflow-signer-missing"]
        assert not sample.signatures(number)


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="PARAAF_SIGNING"):
        Office.open(tmp_path / "data", environ={"PARAAF_SIGNING": str(tmp_path / "nowhere.toml")})
    assert not (tmp_path / "data").exists()
