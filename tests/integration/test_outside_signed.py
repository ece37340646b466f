"""A2: the prepared file goes out, is signed elsewhere, and comes back; nothing else is taken for it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from certs.serve_authority import AuthorityServer
from cli.sample_portal import PortalUser, signed_at_portal
from signing.errors import ForeignSignatureRefusedError
from signing.profile import Level
from signing.verify.bulk import verify_sources
from signing.verify.register import Standing
from signing.verify.sources import sources
from tests.databases import KINDS, fresh
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample
from throughput.spans import cases_of
from workflow import evidence, outside
from workflow.errors import Refused
from workflow.issued import IssuedRegister
from workflow.logcheck import verify
from workflow.outside import By
from workflow.tables import Body, Delivery, Event

pytestmark = pytest.mark.slow
EMPLOYER = "employer"


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(KINDS[0], folder, request) as database:
        made = Sample.open(folder, database.environ)
        with AuthorityServer(made.office.authority.folder):
            yield made
        made.office.close()


def exported(sample: Sample, *, temporary: bool = False) -> tuple[int, bytes]:
    """A request whose file was given out, and the file."""
    number = sample.submit("A2", temporary=temporary)
    asyncio.run(sample.run_until("export", number))
    given = outside.give(sample.office, number, By(CLERK))
    return number, given.pdf


def portal(sample: Sample, pdf: bytes, *people: str, level: Level = Level.B_LT, fields: Any = ()) -> bytes:
    """Signed by these people in their fields: the employer's, then the manager's."""
    profile = replace(sample.office.profiles["qualified-remote"], level=level)
    names = fields or (EMPLOYER, "manager")
    users = [
        PortalUser(field, person, sample.register.person(person).name)
        for field, person in zip(names, people, strict=False)
    ]
    return asyncio.run(signed_at_portal(sample.office, pdf, users, profile=profile, at=datetime.now(UTC)))


def test_it_goes_out_comes_back_and_is_the_documents_file(sample: Sample) -> None:
    office = sample.office
    number, prepared = exported(sample)
    [told] = sample.records(number, "document_exported")
    assert (told["sha256"], told["bytes"]) == (sha256(prepared).hexdigest(), len(prepared))
    assert outside.given_out(office, number, By(SIGNER)).pdf == prepared  # again, for who brings it back
    with pytest.raises(Refused, match="paraaf outside take"):
        sample.do("imported", SIGNER, number, facts={"signed_by": "Me", "signed_on": f"{sample.today}"})
    signed = portal(sample, prepared, SIGNER, level=Level.B_LTA)
    answer = outside.take_signed(office, number, signed, By(SIGNER))
    [document] = sample.documents(number)
    digest = sha256(signed).hexdigest()
    assert (document.current_sha256, document.level_reached) == (digest, "B-LTA")
    assert document.rendered_sha256 == sha256(prepared).hexdigest()
    [row] = sample.signatures(number)
    assert (row.field, row.signer_id, row.signed_sha256) == (EMPLOYER, SIGNER, digest)
    [told] = sample.records(number, "document_imported")
    assert (told["fields"], told["level_asked"], told["level_reached"]) == ([EMPLOYER], "B-LT", "B-LTA")
    assert (told["indication"], told["signed_on"]) == ("TOTAL-PASSED", f"{sample.today}")
    body = json.loads(sample.rows(Body, Body.seq == told["seq"])[0].body)
    assert body["facts"]["signed_by"].startswith(sample.register.person(SIGNER).name)
    again = outside.take_signed(office, number, signed, By(SIGNER))
    assert (again.event_seq, again.repeated, answer.repeated) == (answer.event_seq, True, False)
    asyncio.run(sample.run_steps(sample.waiting(number)))
    assert sample.request(number).state == "delivered"
    assert sample.rows(Delivery, Delivery.sha256 == digest)
    require_whole_log(sample)
    path = office.folder / "signed.pdf"
    path.write_bytes(signed)
    [report] = verify_sources(sources([path]), office.trust, now=office.clock(), traces=True)
    word = IssuedRegister(office.store, office.clock).word(report)
    assert word.standing is Standing.ISSUED
    assert [(each.field, each.kind, each.certificate_sha256) for each in word.expected] == [
        (EMPLOYER, "elsewhere", row.certificate_sha256)
    ]
    with office.store.read() as session:
        [shown] = evidence._documents(session, office.blobs, number)
    assert (shown.pdf, shown.delivered) == (signed, True)
    [case] = [
        case
        for case in cases_of(json.loads(each.record) for each in sample.rows(Event))
        if case.request == number
    ]
    assert case.documents_signed == 1


def require_whole_log(sample: Sample) -> None:
    with sample.office.store.read() as session:
        report = verify(session)
    assert report.ok, report


def test_both_sign_a_temporary_contracts(sample: Sample) -> None:
    number, prepared = exported(sample, temporary=True)
    alone = portal(sample, prepared, SIGNER)
    with pytest.raises(ForeignSignatureRefusedError, match="'manager' is empty"):
        outside.take_signed(sample.office, number, alone, By(SIGNER))
    swapped = portal(sample, prepared, MANAGER, SIGNER)
    with pytest.raises(ForeignSignatureRefusedError, match="not by") as caught:
        outside.take_signed(sample.office, number, swapped, By(SIGNER))
    assert len(caught.value.differences) == 2
    both = portal(sample, prepared, SIGNER, MANAGER)
    outside.take_signed(sample.office, number, both, By(SIGNER))
    rows = {row.field: row for row in sample.signatures(number)}
    assert {field: row.signer_id for field, row in rows.items()} == {EMPLOYER: SIGNER, "manager": MANAGER}
    assert rows[EMPLOYER].certificate_sha256 != rows["manager"].certificate_sha256
    require_whole_log(sample)
