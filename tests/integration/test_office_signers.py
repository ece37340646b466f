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
from signing.organisation import load_organisation
from signing.pades import SigningDesk
from signing.profile import Level, Profile
from signing.verify.verdict import verify_pdf
from tests.own_signers import own_key
from tests.steps_office import KeyedOffice, Sample
from workflow import preflight
from workflow.errors import Refused, SettingRefused
from workflow.key_files import SeenFiles
from workflow.keys import SignerMissing
from workflow.office import Office
from workflow.tables import ProfileCheck
from workflow.unheeded import unheeded

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


# --- whether a profile can sign


def submitted(sample: Sample, variant: str) -> str:
    """Why a declaration can't be begun; "" when it was."""
    try:
        sample.submit(variant)
    except Refused as refused:
        [reason] = refused.reasons
        return reason.code
    return ""


def look(office: Office) -> None:
    """Have a worker that has just begun look at what is due."""
    preflight.run_when_due(office, SeenFiles(office.signing))


@pytest.mark.usefixtures("authority_server")
def test_a_file_that_changes_where_it_is_is_tried_anew(
    tmp_path: Path, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC)
    key = own_key(tmp_path, authority, "hers", begins=now - DAY / 24, ends=now + 20 * DAY)
    with office(tmp_path, f'{key}{PROFILE}signer = "hers"\n') as sample:
        seen = SeenFiles(sample.office.signing)
        preflight.run_when_due(sample.office, seen)
        passphrase = (tmp_path / "hers.pass").read_text()
        told = []
        for text in ("another one", passphrase):
            (tmp_path / "hers.pass").write_text(text)
            preflight.run_when_due(sample.office, seen)
            told.append(submitted(sample, "A4"))
        looked = [row.checked_at for row in sample.rows(ProfileCheck)]
        preflight.run_when_due(sample.office, seen)  # nothing has changed
        assert [row.checked_at for row in sample.rows(ProfileCheck)] == looked
    assert told == ["profile-not-ready", ""]


def test_who_is_trusted_is_part_of_what_is_said(tmp_path: Path, authority: DevelopmentAuthority) -> None:
    own_key(tmp_path, authority, "hers", begins=datetime.now(UTC), ends=datetime.now(UTC) + DAY)
    with office(tmp_path, "") as sample:
        signing = sample.office.signing
    profile = signing.profiles["organisation-seal"]
    trust = replace(signing.trust, anchors=())
    assert preflight.settings_sha256(signing, profile) == preflight.settings_sha256(signing, profile)
    for other in (trust, replace(signing.trust, crls=(b"a list",))):
        changed = preflight.settings_sha256(replace(signing, trust=other), profile)
        assert changed != preflight.settings_sha256(signing, profile)


@pytest.mark.usefixtures("authority_server")
def test_no_request_begins_with_a_profile_that_cannot_sign_until_it_is_mended(
    tmp_path: Path, authority: DevelopmentAuthority
) -> None:
    now = datetime.now(UTC)
    key = own_key(tmp_path, authority, "hers", begins=now - DAY / 24, ends=now + 20 * DAY)
    with office(tmp_path, f'{key}{PROFILE}signer = "hers"\n') as sample:
        (tmp_path / "hers.pass").rename(tmp_path / "elsewhere.pass")
        look(sample.office)
        assert submitted(sample, "A4") == "profile-not-ready"
        assert submitted(sample, "A0") == ""  # under another profile
        [unfit] = preflight.run_at_start(sample.office)
        assert "hers.pass cannot be read" in unfit.findings[-1].message
        (tmp_path / "elsewhere.pass").rename(tmp_path / "hers.pass")
        look(sample.office)
        assert submitted(sample, "A4") == ""
        [row] = sample.rows(ProfileCheck, ProfileCheck.profile == "organisation-seal")
        assert (row.code, row.ends_at) == ("", (now + 20 * DAY).replace(microsecond=0))


def test_a_request_begins_while_an_authority_is_away(tmp_path: Path) -> None:
    (tmp_path / "signing.toml").write_text("")
    sample = Sample.open(tmp_path)  # and nobody serves its authority
    look(sample.office)
    rows = sample.rows(ProfileCheck)
    assert {row.may_pass for row in rows if row.code} == {True}
    assert len(rows) == sum(one.signs for one in sample.office.profiles.values())
    assert submitted(sample, "A4") == ""
    sample.office.close()


def test_a_profile_is_looked_at_once_a_day_and_when_it_is_said_anew(
    tmp_path: Path, authority: DevelopmentAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    usual = preflight.look

    async def counted(office: Office, desk: SigningDesk, profile: Profile) -> preflight.Looked:
        looked.append(profile.name)
        return await usual(office, desk, profile)

    monkeypatch.setattr(preflight, "look", counted)
    own_key(tmp_path, authority, "hers", begins=datetime.now(UTC), ends=datetime.now(UTC) + DAY)
    with office(tmp_path, PROFILE) as sample:
        look(sample.office)
        assert len(looked) == len(set(looked)) == 4
        look(sample.office)
        assert len(looked) == 4
        other = load_organisation(tmp_path / "signing.toml").profiles["click-seal"]
        changed = {**sample.office.profiles, "click-seal": replace(other, reason="For other reasons")}
        look(replace(sample.office, signing=replace(sample.office.signing, profiles=changed)))
        assert looked[4:] == ["click-seal"]
        tomorrow = replace(sample.office, clock=lambda: datetime.now(UTC) + DAY)
        look(tomorrow)
        assert len(looked) == 9


def test_a_process_below_the_lowest_level_of_its_documents_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "signing.toml").write_text('[minimum]\nemployer_declaration = "B-LTA"\n')
    sample = Sample.open(tmp_path)
    told = {variant: submitted(sample, variant) for variant in ("A0", "A1", "A2", "A3", "A4")}
    below = "below-minimum-level"  # what comes back under A2 is held to it
    assert told == {"A0": below, "A1": below, "A2": "", "A3": "", "A4": ""}
    sample.office.close()


def test_what_began_before_a_lowest_level_was_raised_is_not_signed_below_it(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path)  # its authority need not be asked
    number = sample.submit("A1")
    asyncio.run(sample.run_until("sealing", number))
    raised = replace(sample.office.signing, minimum={"employer_declaration": Level.B_LTA})
    sample.office = replace(sample.office, signing=raised)
    asyncio.run(sample.work())
    assert [each.code for each in sample.incidents(number)] == ["workflow-below-minimum-level"]
    assert not sample.signatures(number)
    sample.office.close()


def test_what_the_file_names_in_vain_is_told(tmp_path: Path, authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC)
    key = own_key(tmp_path, authority, "hers", begins=now, ends=now + DAY)
    mistyped = f'{PROFILE.replace("organisation-seal", "organization-seal")}signer = {{ Nergens = "hers" }}\n'
    spare = own_key(tmp_path, authority, "spare", begins=now, ends=now + DAY)
    pinned = (
        f'[profiles.elsewhere]\nkind = "elsewhere"\nexpects = "B-LT"\npinned = {{ P999 = "{"0" * 64}" }}\n'
    )
    (tmp_path / "signing.toml").write_text(f"{key}{spare}{mistyped}{pinned}")
    sample = Sample.open(tmp_path)
    told = [one.message for one in unheeded(sample.office)]
    forgotten = [one for one in told if "development keys, which prove nothing, would sign" in one]
    assert [one.split()[4] for one in forgotten] == [
        "approver",
        "click-seal",
        "organisation-seal",
        "qualified-remote",
    ]
    assert [one for one in told if one not in forgotten] == [
        "No process signs under the profile organization-seal.",
        "No profile names the signer spare.",
        "[profiles.elsewhere] pinned names P999, whom the HR register does not know.",
        "[profiles.organization-seal] signer names Nergens, whom the HR register does not know.",
    ]
    for file in tmp_path.glob("*.p*"):
        file.chmod(0o640 if file.name == "hers.pass" else 0o600)
    tmp_path.chmod(0o755)
    assert [one.message for one in unheeded(sample.office)][8:] == [
        f"Others may read {tmp_path / 'hers.pass'}, which holds a secret."
    ]
    sample.office.close()


@pytest.mark.parametrize("said", ["", "development_keys = false\n", "development_keys = true\n"])
def test_a_profile_that_was_forgotten_begins_nothing_with_development_keys(
    tmp_path: Path, authority: DevelopmentAuthority, said: str
) -> None:
    now = datetime.now(UTC)
    key = own_key(tmp_path, authority, "hers", begins=now - DAY / 24, ends=now + 90 * DAY)
    with office(tmp_path, f'{said}{key}{PROFILE}signer = "hers"\n') as sample:
        told = {variant: submitted(sample, variant) for variant in ("A0", "A1", "A3", "A4")}
        warned = [one.message for one in unheeded(sample.office) if "evelopment keys" in one.message]
    refused = "" if "true" in said else "development-keys"
    assert told == {"A0": "", "A1": refused, "A3": refused, "A4": ""}
    assert len(warned) == 3  # of approver, click-seal and qualified-remote, either way


@pytest.mark.parametrize(("days", "state"), [(61, "ok"), (59, "warning"), (6, "warning"), (-1, "wrong")])
def test_a_certificate_that_ends_is_told_ahead(
    authority: DevelopmentAuthority, days: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "is_development", lambda _: False)
    now = datetime.now(UTC)
    ends = now + timedelta(days=days, minutes=1)
    certificate = authority.issue("Seal", now=now, not_before=now - 9 * DAY, not_after=ends).certificate
    found = preflight.validity(certificate, now)
    assert found.state == state
    if state == "warning":
        assert f"in {days} days" in found.message
        assert ("now" in found.hint) == (days <= 7)
