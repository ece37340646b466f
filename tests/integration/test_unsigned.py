"""A document that needs no signature: who says so, what its page says, and what proves it."""

import asyncio
import subprocess
import zipfile
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from cli.main import main
from signing.profile import Level
from tests.evidence_forger import Forger, members_of, packed
from tests.steps_office import MANAGER, Sample
from workflow.errors import Refused
from workflow.evidence_check import Fault, check_package
from workflow.evidence_package import README
from workflow.findings import Finding
from workflow.office import Office
from workflow.preflight import look_at_all
from workflow.step_deliver import PORTAL
from workflow.tables import Delivery

WAIVED = '[minimum]\naction_plan = "none"\n'


@dataclass(frozen=True)
class Made:
    """A plan that was delivered, revised and delivered again, and one in Dutch."""

    data: Path
    authority: DevelopmentAuthority
    number: int
    first: Path
    second: Path
    package: bytes


def opened(folder: Path, signing: str) -> Sample:
    folder.mkdir(exist_ok=True)
    (folder / "signing.toml").write_text(signing)
    return Sample.open(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("unsigned")
    sample = opened(folder / "data", WAIVED)
    authority = sample.office.authority
    with AuthorityServer(authority.folder):
        number = sample.submit_plan("N", "nl")
        asyncio.run(sample.run_until("running", number))
        author = sample.request(number).requester_id
        sample.do("revise", author, number, remark="One action more.")
        sample.do("submit", author, number)
        asyncio.run(sample.run_until("running", number))
        files = []
        for row in sample.documents(number):
            files.append(folder / f"{row.number}.pdf")
            files[-1].write_bytes(sample.office.blobs.get(row.current_sha256))
        package = folder / "package.zip"
        said = ["evidence", str(number), "-o", str(package), "--anchor", "--data", str(folder / "data")]
        assert main(said) == 0
    assert len(sample.rows(Delivery, Delivery.channel == PORTAL)) == 2
    assert not sample.signatures(number)
    sample.office.close()
    return Made(folder / "data", authority, number, *files, package.read_bytes())


def test_the_page_says_who_approved_it_and_that_it_bears_no_signature(made: Made) -> None:
    command = ["pdftotext", "-raw", str(made.second), "-"]
    said = " ".join(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    with closing(Office.open(made.data, environ={})) as office:
        assert office.register is not None
        approver = office.register.person(MANAGER).name
    assert f"Elektronisch goedgekeurd door {approver}" in said
    assert "heeft geen handtekening nodig" in said
    assert "Niet ondertekend" not in said
    assert b"/AcroForm" not in made.second.read_bytes()


def test_the_register_alone_vouches_for_it(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    def verified(*words: str) -> str:
        assert main(["verify", *words]) == 2
        return " ".join(capsys.readouterr().out.split())

    said = verified(str(made.second), "--data", str(made.data))
    assert f"of request {made.number}, as issued on" in said
    assert "delivered without a signature, as its process needs none" in said
    assert "the register alone vouches for it" in said
    said = verified(str(made.first), "--data", str(made.data))
    assert "it was replaced later; delivered without a signature" in said
    assert "the register alone vouches" not in said
    said = verified(str(made.second), "--no-register")
    assert "the file has no signature. Nothing in it proves where it comes from." in said
    changed = made.second.with_name("changed.pdf")
    changed.write_bytes(made.second.read_bytes().replace(b"%%EOF", b"%%EOF\n% more"))
    said = verified(str(changed), "--data", str(made.data))
    assert "not issued" in said or "not the bytes that were issued" in said
    assert "vouches" not in said


def test_show_and_check_say_that_nothing_is_signed(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Office.open(made.data, environ={})) as office:
        said = [one.message for one in asyncio.run(_looked(office))]
    assert [one for one in said if "nothing to sign; offered: team-action-plan N" in one]
    assert not [one for one in said if "Profile unsigned: a sample" in one]
    assert main(["show", str(made.number), "--as", MANAGER, "--data", str(made.data)]) == 0
    assert "revision 2, no signature needed" in capsys.readouterr().out


async def _looked(office: Office) -> list[Finding]:
    profiles = {"unsigned": office.profiles["unsigned"]}
    alone = replace(office, signing=replace(office.signing, profiles=profiles))
    return await look_at_all(alone)


def test_the_package_is_evidence_by_the_log_alone(made: Made, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    report = check_package(BytesIO(made.package), made.authority.trust, now=now)
    assert (report.findings, report.status) == ([], 2)
    [document] = report.documents
    assert (document.name, document.signatures) == ("documents/plan-2.pdf", ())
    assert "the log alone says" in document.sentence
    with zipfile.ZipFile(BytesIO(made.package)) as archive:
        archive.extractall(tmp_path)  # our own
    readme = members_of(made.package)[README].decode("ascii")
    assert "bears no signature" in readme
    commands = "\n".join(line[4:] for line in readme.splitlines() if line.startswith("    "))
    (tmp_path / "root.pem").write_bytes(made.authority.root_pem)
    said = subprocess.run(
        ["bash", "-e", "-c", commands],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "ROOT": str(tmp_path / "root.pem")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    assert "BROKEN" not in said.stdout
    assert said.stdout.count('"type":"document_delivered"') == 1


def test_another_revision_in_the_package_is_found(made: Made) -> None:
    forger = Forger(members_of(made.package), made.authority)
    forged = forger.put("documents/plan-2.pdf", made.first.read_bytes())
    report = check_package(
        BytesIO(packed(forged.sealed().members)), made.authority.trust, now=datetime.now(UTC)
    )
    assert Fault.DIGEST in {one.fault for one in report.findings}


def why_not(sample: Sample) -> str:
    with pytest.raises(Refused) as refused:
        sample.submit_plan("N")
    [reason] = refused.value.reasons
    return reason.code


def test_none_begins_where_the_office_does_not_say_that_none_is_needed(tmp_path: Path) -> None:
    for name, said, code in (
        ("silent", "", "signature-not-waived"),
        ("level", '[minimum]\naction_plan = "B-B"\n', "below-minimum-level"),
    ):
        sample = opened(tmp_path / name, said)
        assert why_not(sample) == code
        sample.office.close()


@pytest.mark.parametrize("at", ["rendering", "delivering"])
def test_what_began_before_waits_with_an_incident(tmp_path: Path, at: str) -> None:
    sample = opened(tmp_path / "data", WAIVED)
    number = sample.submit_plan("N")
    asyncio.run(sample.run_until(at, number))
    waived = sample.office.signing
    raised = replace(waived, minimum={"action_plan": Level.B_T}, unsigned=frozenset())
    sample.office = replace(sample.office, signing=raised)
    asyncio.run(sample.work())
    [incident] = sample.incidents(number)
    assert incident.code == "workflow-below-minimum-level"
    assert not sample.rows(Delivery)
    sample.office.close()
